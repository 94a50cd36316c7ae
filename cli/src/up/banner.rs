//! What a newcomer reads when everything has started: where to look, and how to have a model answer.

use std::{fmt, net::SocketAddr};

use service::{PlatformKind, Settings};

use super::{
    discovery::{Server, USUAL},
    plan::Home,
    status::Place,
};

/// Models of one server that are named; it may have hundreds.
const MODELS_MAX: usize = 5;

/// See the module.
#[derive(Debug)]
pub(super) struct Banner<'a> {
    /// Label and text, in order.
    pub(super) places: Vec<(String, String)>,
    /// What does not work yet.
    pub(super) complaints: &'a [String],
    /// What answers, when it is set.
    pub(super) model: Option<String>,
    /// What could answer.
    pub(super) found: &'a [Server],
    /// Ports that chat pages want.
    pub(super) pages: Vec<SocketAddr>,
    /// The command that hints name.
    pub(super) called: &'a str,
}

/// The rows of the table of places.
pub(super) fn rows(places: Vec<Place>, home: Option<&Home>) -> Vec<(String, String)> {
    let mut rows: Vec<_> = places.into_iter().map(Place::row).collect();
    // The chat page first: it is what people came for.
    rows.sort_by_key(|(label, _)| label == "metrics");
    match home {
        Some(home) => {
            rows.push(("data".into(), home.data.display().to_string()));
            rows.push(("redis".into(), home.url.clone()));
        }
        None => rows.push(("redis".into(), "the one that is set".into())),
    }
    rows
}

/// The model that is set.
pub(super) fn model(settings: &Settings) -> Option<String> {
    let name = settings.model.name.as_deref().unwrap_or("a model");
    settings.model.base_url.as_deref().map(|url| format!("{name} at {}", without_credentials(url)))
}

/// Where chat pages are to be.
pub(super) fn pages(settings: &Settings) -> Vec<SocketAddr> {
    let page = |kind: &PlatformKind| match kind {
        PlatformKind::WebChat(webchat) => Some(webchat.addr),
        _ => None,
    };
    settings.platforms.iter().filter_map(|platform| page(&platform.kind)).collect()
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let but = if self.complaints.is_empty() { "" } else { ", but not all of it works yet" };
        writeln!(f, "\nStargazer is up{but}; Ctrl-C stops it.\n")?;
        let mut before = "";
        for (label, text) in &self.places {
            let shown = if label == before { "" } else { label.as_str() };
            writeln!(f, "  {shown:8} {text}")?;
            before = label;
        }
        match &self.model {
            Some(model) => writeln!(f, "  model    {model}")?,
            None => writeln!(f, "  model    echo: none is set, so you get your own words back")?,
        }
        for complaint in self.complaints {
            writeln!(f, "\n  not yet: {complaint}")?;
        }
        if self.model.is_some() { Ok(()) } else { self.offer(f) }
    }
}

impl Banner<'_> {
    fn offer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = self.called;
        // A server that has the port of our page had it first, so the page has to move, whichever server answers.
        let is_page = |server: &Server| self.pages.iter().any(|page| page.port() == server.port);
        let moved = if self.found.iter().any(is_page) { "SG_WEBCHAT_ADDR=127.0.0.1:8088 " } else { "" };
        for server in self.found {
            writeln!(
                f,
                "\n{} is running on this machine. To have it answer, stop this with Ctrl-C and type",
                server.name
            )?;
            for model in server.models.iter().take(MODELS_MAX) {
                writeln!(f, "  {moved}SG_MODEL_BASE_URL={} SG_MODEL_NAME={model} {called}", server.base_url())?;
            }
            match server.models.len().saturating_sub(MODELS_MAX) {
                0 => {}
                more => writeln!(f, "  (or one of {more} more models that it has)")?,
            }
        }
        if self.found.is_empty() {
            let usual: Vec<String> = USUAL.iter().map(|(name, port)| format!("{name} {port}")).collect();
            writeln!(f, "\nNo model server answers on the usual ports of this machine ({}).", usual.join(", "))?;
            writeln!(f, "To have a model answer, stop this with Ctrl-C and type one of")?;
            writeln!(f, "  SG_MODEL_BASE_URL=http://127.0.0.1:11434/v1 SG_MODEL_NAME=llama3.2 {called}")?;
            writeln!(f, "  OPENROUTER_API_KEY=... {called}")?;
        }
        writeln!(f, "or set base_url and name under [model] in stargazer.toml.")
    }
}

fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use super::{Banner, Server, rows, without_credentials};
    use crate::up::status::places;

    fn shown(model: Option<&str>, found: &[Server], complaints: &[String]) -> String {
        let mut all = places("gateway", "chat http://127.0.0.1:8080/, metrics http://127.0.0.1:9090/metrics");
        all.extend(places("worker", "model echo, metrics http://127.0.0.1:9091/metrics"));
        let pages = vec!["127.0.0.1:8080".parse().unwrap()];
        let model = model.map(str::to_owned);
        Banner { places: rows(all, None), complaints, model, found, pages, called: "./dev up" }.to_string()
    }

    #[test]
    fn places_stand_in_a_table() {
        let expected = "
Stargazer is up; Ctrl-C stops it.

  chat     http://127.0.0.1:8080/
  metrics  http://127.0.0.1:9090/metrics  (gateway)
           http://127.0.0.1:9091/metrics  (worker)
  redis    the one that is set
  model    m at http://localhost/v1
";
        assert_eq!(shown(Some("m at http://localhost/v1"), &[], &[]), expected);
    }

    #[test]
    fn what_does_not_work_is_said() {
        let text = shown(Some("m"), &[], &["gateway: webchat: cannot listen".into()]);
        assert!(
            text.contains("not all of it works yet")
                && text.ends_with("\n  not yet: gateway: webchat: cannot listen\n"),
            "{text}"
        );
    }

    #[test]
    fn a_server_is_offered_with_the_command_that_uses_it() {
        let models = (0..7).map(|number| format!("m{number}")).collect();
        let text = shown(None, &[Server { name: "Ollama".into(), port: 11_434, models }], &[]);
        assert!(text.contains("\n  SG_MODEL_BASE_URL=http://127.0.0.1:11434/v1 SG_MODEL_NAME=m4 ./dev up\n"), "{text}");
        assert!(text.contains("one of 2 more models") && !text.contains("m5"), "{text}");
        let text = shown(None, &[Server { name: "llama.cpp".into(), port: 8080, models: vec!["m".into()] }], &[]);
        assert!(
            text.contains("\n  SG_WEBCHAT_ADDR=127.0.0.1:8088 SG_MODEL_BASE_URL=http://127.0.0.1:8080/v1 "),
            "{text}"
        );
        assert!(shown(None, &[], &[]).contains("Ollama 11434, llama.cpp 8080"));
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        assert_eq!(without_credentials("https://me:secret@host:1/v1"), "https://host:1/v1");
        assert_eq!(without_credentials("http://host/v1"), "http://host/v1");
    }
}
