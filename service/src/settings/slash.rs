//! What Discord takes for a slash command:
//! <https://discord.com/developers/docs/interactions/application-commands#application-command-object>.

use std::collections::BTreeSet;

use super::DiscordCommand;

/// Commands that an application may have everywhere.
const COMMANDS_MAX: usize = 100;
const NAME_MAX: usize = 32;
const DESCRIPTION_MAX: usize = 100;
const NAME_RULE: &str = "has to be 1 to 32 small letters, digits, - and _, as Discord wants a name";
const DESCRIPTION_RULE: &str = "has to have 1 to 100 characters, as Discord wants them";

/// Reports each rule that does not hold: whether it does, where, and what would be right.
pub(super) fn check(commands: &[DiscordCommand], place: &str, rule: &mut impl FnMut(bool, &str, &str)) {
    rule(commands.len() <= COMMANDS_MAX, place, "has more than the 100 commands that a bot may have at Discord");
    let mut known = BTreeSet::new();
    for (number, command) in commands.iter().enumerate() {
        let key = |key: &str| format!("{place}.{number}.{key}");
        rule(is_name(&command.name), &key("name"), NAME_RULE);
        rule(known.insert(&command.name), &key("name"), "has to be another one for each command");
        rule(is_description(&command.description), &key("description"), DESCRIPTION_RULE);
        if let Some(option) = &command.option {
            rule(is_name(option), &key("option"), NAME_RULE);
            rule(is_description(&command.option_description), &key("option_description"), DESCRIPTION_RULE);
        }
    }
}

/// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, in small letters where there are such.
fn is_name(name: &str) -> bool {
    let is_of_word =
        |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'' | '\u{900}'..='\u{97f}' | '\u{e01}'..='\u{e5b}');
    (1..=NAME_MAX).contains(&name.chars().count()) && name.chars().all(is_of_word) && name.to_lowercase() == name
}

fn is_description(text: &str) -> bool {
    (1..=DESCRIPTION_MAX).contains(&text.chars().count()) && !text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_in_small_letters() {
        for good in ["ask", "ask-me_2", "l'art", "спроси", "問", "ถาม", "पूछें", &"é".repeat(32)]
        {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Ask", "two words", "/ask", "a.b", "sg:stop", "😀", &"é".repeat(33)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_description("é") && !is_description(" ") && !is_description(&"é".repeat(101)));
    }
}
