//! One event of a streamed chat completion. Providers add fields, send `null`, and leave things out: only what is used is
//! read, and everything may be missing.

use serde::Deserialize;

use super::Usage;

#[derive(Debug, Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<serde_json::Value>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    /// In a stream.
    delta: Option<Content>,
    /// From an endpoint that ignored `stream`.
    message: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    content: Option<serde_json::Value>,
    reasoning: Option<serde_json::Value>,
    reasoning_content: Option<serde_json::Value>,
}

/// What an event says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) is_thinking: bool,
    pub(super) finish: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<String>,
}

/// Reads an event.
pub(super) fn read(data: &[u8]) -> Result<Said, serde_json::Error> {
    let chunk: Chunk = serde_json::from_slice(data)?;
    let mut said =
        Said { error: chunk.error.filter(|error| !error.is_null()).map(|error| error_text(&error)), ..Said::default() };
    if let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) {
        said.finish = choice.finish_reason.filter(|reason| !reason.is_empty());
        if let Some(content) = choice.delta.or(choice.message) {
            said.is_thinking = content.reasoning.or(content.reasoning_content).is_some_and(|value| !value.is_null());
            said.text = content.content.map(text_of).unwrap_or_default();
        }
    }
    said.usage = chunk.usage.filter(serde_json::Value::is_object).map(|counted| {
        // Only counted, never a reason to lose an answer: what is no count is none.
        let tokens =
            |name: &str| counted.get(name).and_then(serde_json::Value::as_f64).map_or(0, |tokens| tokens as u64);
        Usage { prompt: tokens("prompt_tokens"), completion: tokens("completion_tokens") }
    });
    Ok(said)
}

/// A text, or the texts of a list of parts.
fn text_of(content: serde_json::Value) -> String {
    match content {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// The message inside an error body of any of the common shapes.
pub(super) fn error_text(error: &serde_json::Value) -> String {
    let inner = error.get("error").unwrap_or(error);
    inner.get("message").and_then(|message| message.as_str()).map_or_else(|| inner.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Said {
        read(json.as_bytes()).unwrap()
    }

    #[test]
    fn what_servers_really_send() {
        assert_eq!(text(r#"{"choices":[{"delta":{"content":"Hi"}}],"extra":{}}"#).text, "Hi");
        assert_eq!(
            text(r#"{"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#),
            Said::default()
        );
        assert_eq!(
            text(r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"timings":1}"#).finish.as_deref(),
            Some("stop")
        );
        let usage = text(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#).usage;
        assert_eq!(usage, Some(Usage { prompt: 3, completion: 5 }));
        assert!(text(r#"{"choices":[{"delta":{"content":"","reasoning_content":"hm"}}]}"#).is_thinking);
        assert_eq!(
            text(r#"{"error":{"message":"overloaded","code":502},"choices":null}"#).error.as_deref(),
            Some("overloaded")
        );
        assert_eq!(text(r#"{"object":"x","usage":null,"error":null}"#), Said::default());
        assert_eq!(
            text(r#"{"choices":[{"message":{"content":"all at once"},"finish_reason":"stop"}]}"#).text,
            "all at once"
        );
        let parts = r#"{"choices":[{"delta":{"content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]}}]}"#;
        assert_eq!(text(parts).text, "Hello");
        let odd = text(r#"{"choices":[],"usage":{"prompt_tokens":3.0,"completion_tokens":-1}}"#).usage;
        assert_eq!(odd, Some(Usage { prompt: 3, completion: 0 }));
        assert!(read(b"<html>").is_err());
    }
}
