//! What an error says beneath itself: of many libraries the outermost says little, or too much.

use std::error::Error;

/// What caused an error, the nearest first, without what it says itself: that of a request has the address, which may hold a
/// secret. Empty where nothing did.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn they_are_joined_without_the_error_itself() {
        let inner = Layer("refused", None);
        assert_eq!(causes(&inner), "");
        let middle = Layer("no connection", Some(Box::new(inner)));
        assert_eq!(causes(&Layer("http://a:secret@b", Some(Box::new(middle)))), "no connection: refused");
    }
}
