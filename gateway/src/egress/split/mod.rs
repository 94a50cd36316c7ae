//! A long text as several messages: each within the platform's limit, each readable by itself.
//!
//! Parts follow each other without a gap, so that all of them are the text. What a cut meets open (a fence, a quote, emphasis) is
//! closed before it and opened again after it. Where a part ends is decided by what is in its window, whatever follows: so a text
//! may be shown while it grows, and only its last part changes. Takes time in proportion to the text.

mod cut;
mod markup;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, ops::Range};

use cut::{Cut, Window};
use markup::{CLOSING_MAX, Markup};
use serde::Serialize;

/// How a platform counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Count {
    /// Unicode scalar values.
    Chars,
    /// UTF-16 code units.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
}

impl Count {
    /// The length of a text.
    #[must_use]
    pub fn len(self, text: &str) -> usize {
        match self {
            Self::Chars => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
        }
    }

    fn of(self, c: char) -> usize {
        match self {
            Self::Chars => 1,
            Self::Utf16 => c.len_utf16(),
            Self::Bytes => c.len_utf8(),
        }
    }
}

/// How much text a platform takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The longest text of one message; at least [`Limits::TEXT_MIN`].
    pub text: usize,
    /// How it is counted.
    pub count: Count,
    /// Messages that one text may become, one at least: more than a few are a flood.
    pub parts: usize,
}

impl Limits {
    /// Less leaves no room between what is opened again and what is closed.
    pub const TEXT_MIN: usize = 256;
}

/// What of a text becomes one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Opens again what the part before closed.
    pub opening: String,
    /// What of the text is shown.
    pub body: &'a str,
    /// Closes what goes on in the next part, or what the text left open.
    pub closing: String,
    /// Its place in the text: the body, and white space around it that nobody would see.
    pub place: Range<usize>,
}

impl<'a> Part<'a> {
    /// The text of its message.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        if self.opening.is_empty() && self.closing.is_empty() {
            return Cow::Borrowed(self.body);
        }
        Cow::Owned([self.opening.as_str(), self.body, self.closing.as_str()].concat())
    }
}

/// A text in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split<'a> {
    /// Each within the limits; none for a text that nobody would see.
    pub parts: Vec<Part<'a>>,
    /// What follows them, where they are as many as may be.
    pub rest: &'a str,
}

/// The longest notice of a rest, however it is counted. The last part that may be leaves so much room where one follows.
const NOTICE_MAX: usize = 56;

/// What becomes of a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It is not shown.
    Cut,
    /// It is sent as a file.
    InFile,
}

impl<'a> Split<'a> {
    /// The texts of the messages, the last of which says what became of a rest.
    #[must_use]
    pub fn texts(&self, rest: Rest) -> Vec<Cow<'a, str>> {
        let mut texts: Vec<_> = self.parts.iter().map(Part::text).collect();
        if let Some(last) = texts.last_mut().filter(|_| !self.rest.is_empty()) {
            let more = self.rest.trim().chars().count();
            last.to_mut().push_str(&match rest {
                Rest::Cut => format!("\n\n[cut here: {more} more characters]"),
                Rest::InFile => format!("\n\n[{more} more characters in the file]"),
            });
        }
        texts
    }
}

/// Cuts a text into parts. While it is growing (`is_whole` is false), what it leaves open is closed at its end.
#[must_use]
pub fn split<'a>(text: &'a str, limits: &Limits, is_whole: bool) -> Split<'a> {
    let (mut parts, mut cutter) = (Vec::new(), Cutter::new(text, limits, is_whole));
    let most = limits.parts.max(1);
    while parts.len() < most
        && let Some(part) = cutter.next(parts.len() + 1 == most)
    {
        parts.push(part);
    }
    let mut rest = &text[cutter.from..];
    if rest.trim().is_empty() {
        rest = "";
        if let Some(last) = parts.last_mut() {
            last.place.end = text.len();
        }
    }
    Split { parts, rest }
}

/// The first part of a growing text, as [`split`] has it, without a look at more of the text than that.
#[must_use]
pub fn first_part<'a>(text: &'a str, limits: &Limits) -> Option<Part<'a>> {
    Cutter::new(text, limits, false).next(false)
}

/// Goes through a text part by part.
struct Cutter<'a> {
    text: &'a str,
    limit: usize,
    count: Count,
    is_whole: bool,
    /// Where the next part's place begins, and where its body may.
    from: usize,
    at: usize,
    /// What is open there.
    markup: Markup<'a>,
}

impl<'a> Cutter<'a> {
    fn new(text: &'a str, limits: &Limits, is_whole: bool) -> Self {
        let limit = limits.text.max(Limits::TEXT_MIN);
        Self { text, limit, count: limits.count, is_whole, from: 0, at: 0, markup: Markup::default() }
    }

    /// The next part. The last one that may be leaves room for a notice, if something follows.
    fn next(&mut self, is_last: bool) -> Option<Part<'a>> {
        while self.at < self.text.len() {
            let opening = self.markup.opening();
            let room = self.limit - self.count.len(&opening) - CLOSING_MAX;
            let mut cut = self.cut(room);
            let is_blank = |cut: &Cut<'_>| self.text[self.at..cut.end].trim().is_empty();
            if is_last && !is_blank(&cut) && !self.text[cut.next..].trim_start().is_empty() {
                cut = self.cut(room - NOTICE_MAX);
            }
            let body = (!is_blank(&cut)).then_some(&self.text[self.at..cut.end]);
            (self.at, self.markup) = (cut.next, cut.markup);
            if let Some(body) = body {
                let is_end = self.is_whole && cut.next == self.text.len();
                let closing = if is_end { cut.markup.closing_fence(body) } else { cut.markup.closing(body) };
                let place = self.from..cut.next;
                self.from = cut.next;
                return Some(Part { opening, body, closing, place });
            }
        }
        None
    }

    fn cut(&self, room: usize) -> Cut<'a> {
        Window { text: self.text, from: self.at, room, count: self.count }.cut(self.markup)
    }
}
