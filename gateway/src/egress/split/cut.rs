//! Where one part ends: at the best place of its window, which is as much of the text as there is room for.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

use super::{Count, markup::Markup};

/// Kinds of places to cut at, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Paragraph,
    /// In front of a fence, which the next part may take whole.
    Fence,
    Line,
    Sentence,
    FencedLine,
    Word,
    /// White space where something is open.
    Within,
    WithinLink,
    Anywhere,
}

const KINDS: usize = Kind::Anywhere as usize + 1;

/// What of a text one part may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) text: &'a str,
    pub(super) from: usize,
    /// As the platform counts.
    pub(super) room: usize,
    pub(super) count: Count,
}

/// Where a part ends.
#[derive(Debug)]
pub(super) struct Cut<'a> {
    /// Of its body.
    pub(super) end: usize,
    /// Where the next one begins.
    pub(super) next: usize,
    /// What is open there.
    pub(super) markup: Markup<'a>,
}

impl<'a> Window<'a> {
    /// Where this part ends, for which `begun` is open.
    pub(super) fn cut(&self, begun: Markup<'a>) -> Cut<'a> {
        let end = self.end();
        let mut scan = Scan::new(self.text, self.from..end, begun);
        scan.run();
        if end == self.text.len() {
            return Cut { end, next: end, markup: scan.markup };
        }
        scan.note(Kind::Anywhere, self.whole(end), scan.markup);
        let (at, markup) = scan.best();
        let body = &self.text[self.from..at];
        if markup.is_fenced() {
            let shown = body.trim_end_matches(['\n', '\r']);
            return Cut { end: self.from + shown.len(), next: at, markup };
        }
        // Behind the cut, empty lines would be the beginning of a message.
        let next = self.text.len() - self.text[at..].trim_start_matches(['\n', '\r']).len();
        Cut { end: self.from + body.trim_end().len(), next, markup }
    }

    /// Where the room ends.
    fn end(&self) -> usize {
        let mut used = 0;
        for (place, c) in self.text[self.from..].char_indices() {
            used += self.count.of(c);
            if used > self.room {
                return self.from + place;
            }
        }
        self.text.len()
    }

    /// The last place up to there at which no character is cut that is made of several.
    fn whole(&self, end: usize) -> usize {
        // What stands before the window is not looked at: there may be much of it, for each window anew.
        let text = &self.text[self.from..];
        let mut cursor = GraphemeCursor::new(end - self.from, text.len(), true);
        match cursor.is_boundary(text, 0) {
            Ok(false) => match cursor.prev_boundary(text, 0) {
                Ok(Some(before)) if before > 0 => self.from + before,
                _ => end,
            },
            _ => end,
        }
    }
}

/// One pass over a window, for the last place of each kind.
#[derive(Debug)]
struct Scan<'a> {
    /// Up to the window's end.
    text: &'a str,
    from: usize,
    at: usize,
    is_line_begin: bool,
    /// What is open at this place.
    markup: Markup<'a>,
    places: [Option<(usize, Markup<'a>)>; KINDS],
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, window: Range<usize>, markup: Markup<'a>) -> Self {
        // The first line may be the rest of one.
        let is_line_begin = text[..window.start].is_empty() || text[..window.start].ends_with('\n');
        let (from, text) = (window.start, &text[..window.end]);
        Self { text, from, at: from, is_line_begin, markup, places: [None; KINDS] }
    }

    fn note(&mut self, kind: Kind, at: usize, markup: Markup<'a>) {
        self.places[kind as usize] = Some((at, markup));
    }

    fn run(&mut self) {
        while self.at < self.text.len() {
            if std::mem::take(&mut self.is_line_begin) {
                self.begin_line();
            } else if self.text[self.at..].starts_with('\n') {
                self.end_line();
            } else {
                self.step();
            }
        }
    }

    fn begin_line(&mut self) {
        let (at, before) = (self.at, self.markup);
        let line_end = self.text[at..].find('\n').map_or(self.text.len(), |place| at + place + 1);
        let done = self.markup.begin_line(&self.text[at..line_end]);
        if at > self.from && !before.is_fenced() && self.markup.is_fenced() {
            self.note(Kind::Fence, at, before);
        }
        if at > self.from && before.is_fenced() && !self.markup.is_fenced() {
            // It is whole.
            self.places[Kind::Fence as usize] = None;
            self.places[Kind::FencedLine as usize] = None;
        }
        self.at += done;
        if done > 0 && self.text[..self.at].ends_with('\n') {
            self.is_line_begin = true;
            if !self.markup.is_fenced() {
                self.note(Kind::Line, self.at, self.markup);
            }
        }
    }

    fn end_line(&mut self) {
        self.at += 1;
        self.is_line_begin = true;
        let kind = if self.markup.is_fenced() {
            Kind::FencedLine
        } else if self.text[..self.at].ends_with("\n\n") {
            Kind::Paragraph
        } else if self.markup.is_within_emphasis() {
            Kind::Within
        } else {
            Kind::Line
        };
        self.note(kind, self.at, self.markup.behind_line());
    }

    fn step(&mut self) {
        let (rest, before) = (&self.text[self.at..], self.text[self.from..self.at].chars().next_back());
        let Some(next) = rest.chars().next() else { return };
        self.at += if self.markup.is_fenced() { next.len_utf8() } else { self.markup.step(rest, before) };
        if !next.is_whitespace() {
            return;
        }
        let kind = if self.markup.is_within_link() {
            Kind::WithinLink
        } else if self.markup.is_within_emphasis() || self.markup.is_fenced() {
            Kind::Within
        } else if before.is_some_and(|before| matches!(before, '.' | '!' | '?' | '…' | '。')) {
            Kind::Sentence
        } else {
            Kind::Word
        };
        self.note(kind, self.at, self.markup);
    }

    /// The best place of those that leave the part a good half of its room, or else a good quarter.
    fn best(&self) -> (usize, Markup<'a>) {
        let width = self.text.len() - self.from;
        let at_least =
            |least: usize| self.places.iter().flatten().find(|(at, _)| at - self.from >= least.max(1)).copied();
        at_least(width / 2).or_else(|| at_least(width / 4)).unwrap_or((self.text.len(), self.markup))
    }
}
