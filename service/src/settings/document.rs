//! The whole configuration file with every key, its default and its meaning.

use std::fmt;

use super::{
    macros::Key,
    platforms,
    sections::{
        Boot, Bus, Discord, Gateway, HealthSettings, History, Inference, Log, Media, Model, Prompt, Redis, Shutdown,
        WebChat,
    },
};

/// Shows the documented default file, as `stargazer config default` prints it. Every key is commented out.
#[derive(Debug, Clone, Copy)]
pub struct Document;

const SECTIONS: [(&str, &[&str], &[Key]); 14] = [
    (Redis::PATH, Redis::DOC, Redis::KEYS),
    (Model::PATH, Model::DOC, Model::KEYS),
    (Prompt::PATH, Prompt::DOC, Prompt::KEYS),
    (History::PATH, History::DOC, History::KEYS),
    (WebChat::PATH, WebChat::DOC, WebChat::KEYS),
    (Discord::PATH, Discord::DOC, Discord::KEYS),
    (Gateway::PATH, Gateway::DOC, Gateway::KEYS),
    (Media::PATH, Media::DOC, Media::KEYS),
    (Inference::PATH, Inference::DOC, Inference::KEYS),
    (Bus::PATH, Bus::DOC, Bus::KEYS),
    (HealthSettings::PATH, HealthSettings::DOC, HealthSettings::KEYS),
    (Log::PATH, Log::DOC, Log::KEYS),
    (Boot::PATH, Boot::DOC, Boot::KEYS),
    (Shutdown::PATH, Shutdown::DOC, Shutdown::KEYS),
];

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Stargazer's settings. Every key is shown with its default; take the # away to change it.")?;
        writeln!(
            f,
            "# Any key can also be set in the environment: bus.shards is SG_BUS__SHARDS. Secrets may also come from a"
        )?;
        writeln!(f, "# file: model.api_key_file.")?;
        for (path, doc, keys) in SECTIONS {
            writeln!(f)?;
            doc.iter().try_for_each(|line| writeln!(f, "#{line}"))?;
            writeln!(f, "[{path}]")?;
            if let Some(kind) = path.strip_prefix("platform.") {
                writeln!(f, "# Whether it is started, and its type when the block has another name.")?;
                // A block that is written is started unless it says otherwise.
                let enabled = if kind == platforms::DEFAULT { "#enabled = true" } else { "enabled = false" };
                writeln!(f, "{enabled}\n#type = {kind:?}")?;
            }
            for key in keys {
                key.doc.iter().try_for_each(|line| writeln!(f, "#{line}"))?;
                writeln!(f, "#{} = {}", key.name, shown(key))?;
            }
        }
        Ok(())
    }
}

fn shown(key: &Key) -> String {
    let is_plain = key.default.parse::<f64>().is_ok() || matches!(key.default, "true" | "false");
    match key.default {
        "" if key.is_list => "[]".into(),
        "" if key.is_secret => "\"\"".into(),
        "" => format!("\"\"   # {}", key.shape),
        number if is_plain => number.into(),
        text => format!("{text:?}"),
    }
}
