//! Words that call the assistant wherever they stand in a text.

/// Words and phrases that stand for a bot.
#[derive(Debug, Clone, Default)]
pub struct Triggers(Vec<String>);

impl Triggers {
    /// Those of the settings; blank ones are none.
    #[must_use]
    pub fn new(words: &[String]) -> Self {
        Self(words.iter().map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one stands in a text, as a whole: `crab` is not in `scrabble`.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        self.0.iter().any(|trigger| {
            text.match_indices(trigger.as_str()).any(|(at, found)| {
                let (before, after) = (text[..at].chars().next_back(), text[at + found.len()..].chars().next());
                let (first, last) = (found.chars().next(), found.chars().next_back());
                !are_one_word(before, first) && !are_one_word(last, after)
            })
        })
    }
}

fn are_one_word(one: Option<char>, next: Option<char>) -> bool {
    one.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_a_whole_word_in_any_case() {
        let triggers = Triggers::new(&["Crab".into(), "hey you".into(), "!ask".into(), " ".into()]);
        for (text, is_in) in [
            ("crab, hello", true),
            ("hello CRAB", true),
            ("scrabble", false),
            ("crabs", false),
            ("scrabble with crab", true),
            ("Hey You!", true),
            ("hey  you", false),
            ("!ask why", true),
            ("what!ask", true),
            ("!asking", false),
            ("", false),
        ] {
            assert_eq!(triggers.are_in(text), is_in, "{text:?}");
        }
        assert!(!Triggers::new(&[]).are_in("anything"));
    }
}
