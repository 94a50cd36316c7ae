//! `stargazer config`: what is wrong with the settings, and what there is to set.

mod online;

pub(crate) use online::unreachable;

use gateway::Gateway;
use inference::Inference;
use service::{Daemon, Document, Exit, Settings, Source};

use crate::{
    Refusal,
    arguments::{Config, ConfigCommand},
    environment::Environment,
    say,
    written::Written,
};

/// Does the command.
pub(crate) fn config(arguments: &Config, environment: &Environment) -> Result<Exit, Refusal> {
    match &arguments.command {
        ConfigCommand::Default => say::answer(Document.to_string().trim_end()),
        ConfigCommand::Check { config, online } => {
            let settings = Settings::read(Source::from_process(config.as_deref()))
                .map_err(|problems| Refusal::settings(&problems))?;
            // What reads well may still be more than these builds of the daemons can do.
            let problems = [Gateway::refuse(&settings), Inference::refuse(&settings)].concat();
            if !problems.is_empty() {
                return Err(Refusal::settings(&problems));
            }
            let written = Written::find(config.as_deref(), environment);
            let on: Vec<&str> = settings.platforms.iter().map(|platform| platform.name.as_str()).collect();
            let good = good(&written, &on);
            // What follows may be other than ok.
            say::answer(if *online { format!("settings: {good}") } else { good });
            if *online {
                online::check(&settings, &written, environment)?;
            }
        }
    }
    Ok(Exit::Clean)
}

/// `ok`, and what is set where.
fn good(written: &Written, platforms: &[&str]) -> String {
    let mut lines = vec!["ok".to_owned()];
    if let Some((path, keys)) = &written.file {
        lines.push(format!("set in {}: {}", path.display(), listed(keys)));
    }
    if !written.variables.is_empty() {
        lines.push(format!("set in the environment: {}", listed(&written.variables)));
    }
    for name in written.platforms().into_iter().filter(|name| !platforms.contains(&name.as_str())) {
        lines.push(format!("platform.{name} is not started: its block says enabled = false"));
    }
    let rest = if lines.len() == 1 { "everything" } else { "everything else" };
    lines.push(format!("{rest} has its default; `stargazer config default` prints every key"));
    lines.join("\n")
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::good;
    use crate::written::Written;

    #[test]
    fn what_is_set_is_named_with_its_place() {
        assert!(good(&Written::default(), &[]).starts_with("ok\neverything has its default"));
        let written = Written {
            file: Some(("s.toml".into(), vec!["bus.shards".into(), "model.name".into()])),
            variables: vec!["SG_MODEL_BASE_URL".into()],
        };
        let text = good(&written, &[]);
        assert!(
            text.contains("set in s.toml: bus.shards, model.name\nset in the environment: SG_MODEL_BASE_URL\n"),
            "{text}"
        );
    }

    #[test]
    fn a_platform_that_is_set_and_not_started_is_named() {
        let keys = ["platform.discord.enabled", "platform.discord.token", "platform.webchat.enabled"];
        let file = Some(("s.toml".into(), keys.map(str::to_owned).into()));
        let written = Written { file, variables: Vec::new() };
        assert!(
            good(&written, &["webchat"]).contains("platform.discord is not started: its block says enabled = false\n")
        );
        assert!(!good(&written, &["discord"]).contains("not started"), "nothing but the switch of webchat is set");
        for variable in ["SG_DISCORD_TOKEN", "SG_PLATFORM__DISCORD__TOKEN"] {
            let written = Written { file: None, variables: vec![variable.into()] };
            assert!(good(&written, &["webchat"]).contains("platform.discord is not started"), "{variable}");
        }
    }
}
