//! What is open at a place of a text: known from what stands before it alone, so that it stays as it is while the text grows.
//!
//! As much of Markdown as chat platforms show, read as they read it: line by line, and with doubt in favour of plain text.

/// The longest that [`Markup::closing`] may be, however it is counted.
pub(super) const CLOSING_MAX: usize = 32;
/// Characters of what opens a fence: of its line's beginning, of its marks, of its language. Longer ones are left alone.
const INDENT_MAX: usize = 16;
const MARKS_MAX: usize = 8;
const INFO_MAX: usize = 24;
/// The longest run of backticks that opens code within a line.
const TICKS_MAX: usize = 4;
/// Kinds of emphasis, longer ones first.
const EMPHASIS: [&str; 6] = ["**", "__", "~~", "||", "*", "_"];

#[derive(Debug, Clone, Copy)]
struct Fence<'a> {
    indent: &'a str,
    mark: char,
    marks: usize,
    info: &'a str,
}

/// See the module. Small and without memory of its own, since it is kept for many places.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Markup<'a> {
    fence: Option<Fence<'a>>,
    /// Marks of the quote that the line is in.
    quote: &'a str,
    /// Backticks that opened code within a line.
    ticks: usize,
    emphasis: Emphasis,
    link: Link,
    /// Something of the line stands before this place.
    is_within_line: bool,
}

/// Emphasis that is open: its places among its kinds, each at most once, in the order in which it was opened.
#[derive(Debug, Clone, Copy, Default)]
struct Emphasis {
    kinds: [u8; EMPHASIS.len()],
    len: usize,
}

impl Emphasis {
    fn marks(&self) -> impl DoubleEndedIterator<Item = &'static str> {
        self.kinds[..self.len].iter().map(|kind| EMPHASIS[usize::from(*kind)])
    }

    fn open(&mut self, kind: usize) {
        if let Some(place) = self.kinds.get_mut(self.len) {
            *place = kind as u8;
            self.len += 1;
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Link {
    #[default]
    None,
    Text,
    /// Behind `]`, which may be followed by `(`.
    Between,
    Address,
}

impl<'a> Markup<'a> {
    pub(super) fn is_fenced(&self) -> bool {
        self.fence.is_some()
    }

    pub(super) fn is_within_link(&self) -> bool {
        self.link != Link::None
    }

    pub(super) fn is_within_emphasis(&self) -> bool {
        self.ticks > 0 || self.emphasis.len > 0
    }

    /// What a text begins with that goes on from here.
    pub(super) fn opening(&self) -> String {
        if let Some(Fence { indent, mark, marks, info }) = &self.fence {
            let marks: String = std::iter::repeat_n(*mark, *marks).collect();
            return format!("{indent}{marks}{info}\n");
        }
        let mut opening = if self.is_within_line { self.quote.to_owned() } else { String::new() };
        opening.extend(self.emphasis.marks());
        opening.extend(std::iter::repeat_n('`', self.ticks));
        opening
    }

    /// What closes a text that ends here.
    pub(super) fn closing(&self, body: &str) -> String {
        if self.fence.is_some() {
            return self.closing_fence(body);
        }
        let mut closing: String = std::iter::repeat_n('`', self.ticks).collect();
        closing.extend(self.emphasis.marks().rev());
        closing
    }

    /// The same, but for what may as well stand for itself: an asterisk that nothing answers is one.
    pub(super) fn closing_fence(&self, body: &str) -> String {
        let Some(fence) = &self.fence else { return String::new() };
        let last = body.rsplit('\n').next().unwrap_or_default();
        // It may be closed already, with its line's end yet to come.
        if body.len() > last.len() && fence.is_ended_by(last) {
            return String::new();
        }
        let marks: String = std::iter::repeat_n(fence.mark, fence.marks).collect();
        format!("{}{}{marks}", if last.is_empty() { "" } else { "\n" }, fence.indent)
    }

    /// A line begins. Gives how many bytes of it are done with: all of a fence's, the marks of a quote.
    pub(super) fn begin_line(&mut self, line: &'a str) -> usize {
        self.is_within_line = false;
        self.link = Link::None;
        if let Some(fence) = &self.fence {
            let is_over = fence.is_quoted() && !indent_of(line).contains('>');
            if !is_over {
                if line.ends_with('\n') && fence.is_ended_by(line) {
                    self.fence = None;
                    return line.len();
                }
                return 0;
            }
            // Its quote has ended.
            self.fence = None;
        }
        let indent = indent_of(line);
        let indent_len = indent.len();
        let content_end = line[indent_len..].trim_end_matches(['\n', '\r']);
        if content_end.is_empty() {
            // A paragraph ends, and with it all that it left open.
            *self = Self::default();
            return 0;
        }
        if let Some(fence) = fence(indent, content_end) {
            if line.ends_with('\n') {
                *self = Self { fence: Some(fence), ..Self::default() };
                return line.len();
            }
            return 0;
        }
        let is_quote = indent.contains('>');
        if is_quote == self.quote.is_empty() {
            (self.ticks, self.emphasis) = (0, Emphasis::default());
        }
        self.quote = if is_quote && indent.chars().count() <= INDENT_MAX { indent } else { "" };
        self.is_within_line = is_quote;
        if is_quote { indent_len } else { 0 }
    }

    /// What is open behind the line's end.
    pub(super) fn behind_line(mut self) -> Self {
        if self.fence.is_none() {
            (self.is_within_line, self.link) = (false, Link::None);
        }
        self
    }

    /// Goes on over what stands next in a line, outside of fences; gives how many bytes that is. `before` is the character in
    /// front of it.
    pub(super) fn step(&mut self, rest: &str, before: Option<char>) -> usize {
        self.is_within_line = true;
        let Some(next) = rest.chars().next() else { return 0 };
        if self.link == Link::Between {
            self.link = if next == '(' { Link::Address } else { Link::None };
        }
        if next == '`' {
            let run = rest.len() - rest.trim_start_matches('`').len();
            if self.ticks == run {
                self.ticks = 0;
            } else if self.ticks == 0 && run <= TICKS_MAX {
                self.ticks = run;
            }
            return run;
        }
        if self.ticks > 0 {
            return next.len_utf8();
        }
        if next == '\\' {
            // What follows stands for itself; at a line's end nothing does.
            let escaped = rest[1..].chars().next().filter(char::is_ascii_punctuation);
            return 1 + escaped.map_or(0, char::len_utf8);
        }
        match (self.link, next) {
            (Link::None, '[') => self.link = Link::Text,
            (Link::Text, ']') => self.link = Link::Between,
            (Link::Address, ')') => self.link = Link::None,
            _ => {}
        }
        if self.link == Link::Address {
            return next.len_utf8();
        }
        if let Some(kind) = EMPHASIS.iter().position(|mark| rest.starts_with(mark)) {
            self.emphasize(kind, rest, before);
            return EMPHASIS[kind].len();
        }
        next.len_utf8()
    }

    fn emphasize(&mut self, kind: usize, rest: &str, before: Option<char>) {
        let after = rest[EMPHASIS[kind].len()..].chars().next();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        // Within a word, a single one is a sign of its own: in `2*3`, in `snake_case`.
        let is_sign = EMPHASIS[kind].len() == 1 || EMPHASIS[kind] == "__";
        let opened = self.emphasis.marks().position(|open| open == EMPHASIS[kind]);
        if let Some(place) = opened {
            if !(is_space(before) || is_sign && is_word(after)) {
                // What was opened within it and not closed was none.
                self.emphasis.len = place;
            }
        } else if !(is_space(after) || is_sign && is_word(before)) {
            self.emphasis.open(kind);
        }
    }
}

impl Fence<'_> {
    fn is_quoted(&self) -> bool {
        self.indent.contains('>')
    }

    fn is_ended_by(&self, line: &str) -> bool {
        let indent = indent_of(line);
        let content = &line[indent.len()..];
        let rest = content.trim_start_matches(self.mark);
        indent.contains('>') == self.is_quoted() && content.len() - rest.len() >= self.marks && rest.trim().is_empty()
    }
}

fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t', '>']).len()]
}

fn fence<'a>(indent: &'a str, content: &'a str) -> Option<Fence<'a>> {
    let mark = content.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = content.trim_start_matches(mark);
    let marks = content.len() - info.len();
    let is_one = (3..=MARKS_MAX).contains(&marks) && indent.chars().count() <= INDENT_MAX && !info.contains('`');
    // A language that is too long is not named again.
    let info = if info.chars().count() <= INFO_MAX { info.trim_end() } else { "" };
    is_one.then_some(Fence { indent, mark, marks, info })
}
