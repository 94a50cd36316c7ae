//! Looking for a model server on this machine, so that it can be offered by name.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::http::{self, Answer};

/// Where the servers that people run at home listen when nobody tells them otherwise.
pub(super) const USUAL: [(&str, u16); 4] =
    [("Ollama", 11_434), ("llama.cpp", 8080), ("LM Studio", 1234), ("vLLM", 8000)];

/// A server with the usual interface for chat completions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) port: u16,
    /// What it can answer with; at least one.
    pub(super) models: Vec<String>,
}

impl Server {
    /// What `model.base_url` would be.
    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }
}

/// Asks all usual ports at once.
pub(super) async fn look() -> Vec<Server> {
    let [a, b, c, d] = USUAL.map(|(name, port)| async move {
        let answer = http::get((Ipv4Addr::LOCALHOST, port).into(), "/v1/models").await?;
        server(name, port, &answer)
    });
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    [a, b, c, d].into_iter().flatten().collect()
}

/// Anything but a list with a model for conversations is somebody else, such as a chat page of ours.
fn server(name: &str, port: u16, answer: &Answer) -> Option<Server> {
    if answer.status != 200 {
        return None;
    }
    let listed = answer.body.get("data")?.as_array()?;
    let text = |model: &Value, key: &str| model.get(key)?.as_str().map(str::to_owned);
    let ids = listed.iter().filter_map(|model| text(model, "id"));
    let models: Vec<String> = ids.filter(|id| is_for_conversations(id)).collect();
    let owner = listed.iter().find_map(|model| text(model, "owned_by"));
    let name = match owner.as_deref() {
        Some("llamacpp") => "llama.cpp",
        Some("vllm") => "vLLM",
        _ => name,
    };
    (!models.is_empty()).then(|| Server { name: name.to_owned(), port, models })
}

/// Names are shown in a command that people copy, so one that a shell would take apart is left out.
fn is_for_conversations(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/@+-".contains(c);
    !id.is_empty() && id.len() <= 200 && id.chars().all(is_plain) && !id.to_ascii_lowercase().contains("embed")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Answer, server};

    fn read(status: u16, body: Value) -> Option<(String, Vec<String>)> {
        server("Ollama", 11_434, &Answer { status, body }).map(|server| (server.name, server.models))
    }

    #[test]
    fn models_for_conversations_are_offered() {
        let list = json!({"data": [{"id": "llama3.2:latest", "owned_by": "library"}, {"id": "nomic-embed-text"}, {"id": "x; rm"}]});
        assert_eq!(read(200, list), Some(("Ollama".into(), vec!["llama3.2:latest".into()])));
    }

    #[test]
    fn a_server_is_known_by_what_it_says() {
        assert_eq!(read(200, json!({"data": [{"id": "gemma", "owned_by": "llamacpp"}]})).unwrap().0, "llama.cpp");
    }

    #[test]
    fn others_are_left_alone() {
        assert_eq!(read(404, json!({"data": [{"id": "x"}]})), None);
        for body in [json!({}), json!({"data": []}), json!({"data": 7}), json!({"data": [{"id": 1}, 2]})] {
            assert_eq!(read(200, body.clone()), None, "{body}");
        }
    }
}
