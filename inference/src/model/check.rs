//! Whether the endpoint of the model is there and takes the key, asked before anything is started. No tokens are spent by it.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use service::Problem;
use tokio::time::timeout;

use super::client::{http, reason, whole, without_password};

/// How long it may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Models that are named where there is not the one that is set.
const NAMED_MAX: usize = 10;

/// Looks at the model of the settings: a line for people, or what is to be done.
///
/// # Errors
/// What is wrong with it.
pub async fn check(settings: &service::Model) -> Result<String, Problem> {
    let (Some(base_url), Some(name)) = (&settings.base_url, &settings.name) else {
        return Ok("model: none is set, so the built-in echo answers".into());
    };
    let problem = |key: &str, message: String| Problem { place: format!("model.{key}"), message };
    let url = format!("{}/models", base_url.trim_end_matches('/'));
    let shown = without_password(&url);
    let mut request = http(base_url).map_err(|message| problem("base_url", message))?.get(&url);
    request = request.header("accept", "application/json");
    if let Some(key) = &settings.api_key {
        request = request.bearer_auth(key.expose_secret());
    }
    let asked = timeout(WITHIN, async {
        let response = request.send().await.map_err(reason)?;
        Ok::<_, String>((response.status().as_u16(), whole(response).await))
    });
    let (status, body) = match asked.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(cause)) => {
            let hint = "is the model server running there? (SG_MODEL_BASE_URL)";
            return Err(problem("base_url", format!("no connection to {shown}: {cause}; {hint}")));
        }
        Err(_) => return Err(problem("base_url", format!("{shown} did not answer within {WITHIN:?}"))),
    };
    match status {
        200..300 => Ok(match unlisted(&body, name) {
            None => format!("model: {shown} answers"),
            // Some take names that they do not list, so this is for people to judge.
            Some(known) => format!("model: {shown} answers; it does not list `{name}` (SG_MODEL_NAME), but {known}"),
        }),
        401 | 403 => Err(problem("api_key", format!("{shown} refused the key with {status}; check SG_MODEL_API_KEY"))),
        404 => Err(problem(
            "base_url",
            format!("{shown} is not there (404); check SG_MODEL_BASE_URL, which usually ends in /v1"),
        )),
        _ => Err(problem("base_url", format!("{shown} answered {status}; it may be out of order"))),
    }
}

/// What an endpoint lists where this model is not among it. None: it is, or there is no such list.
fn unlisted(body: &[u8], name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let ids: Vec<&str> = body["data"].as_array()?.iter().filter_map(|model| model["id"].as_str()).collect();
    // As Ollama's, which know `llama3` as `llama3:latest`.
    if ids.is_empty() || ids.iter().any(|id| *id == name || id.strip_suffix(":latest") == Some(name)) {
        return None;
    }
    let more = ids.len().saturating_sub(NAMED_MAX);
    let named = ids[..ids.len() - more].join(", ").chars().filter(|c| !c.is_control()).take(500).collect::<String>();
    Some(if more > 0 { format!("{named}, and {more} more") } else { named })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_looked_for_in_what_the_endpoint_lists() {
        let list = br#"{ "data": [{ "id": "a" }, { "id": "llama3:latest" }] }"#;
        assert_eq!(unlisted(list, "b").as_deref(), Some("a, llama3:latest"));
        for (body, name) in [(&list[..], "a"), (list, "llama3"), (b"", "a"), (b"<html>", "a"), (b"{\"data\": []}", "a")]
        {
            assert_eq!(unlisted(body, name), None, "{name}");
        }
    }
}
