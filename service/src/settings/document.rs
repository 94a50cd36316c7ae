//! The whole configuration file with every key, its default and its meaning.

use std::fmt;

use super::{
    macros::{Key, List},
    sections::{
        Access, Boot, Bus, Commands, Discord, Gateway, HealthSettings, History, Inference, Log, Media, Model, Prompt,
        Redis, Shutdown, WebChat,
    },
};

/// Shows the documented default file, as `stargazer config default` prints it. Every key is commented out.
#[derive(Debug, Clone, Copy)]
pub struct Document;

/// Path, documentation, keys, and the list of blocks that it has.
type Section = (&'static str, &'static [&'static str], &'static [Key], Option<List>);

const SECTIONS: [Section; 16] = [
    (Redis::PATH, Redis::DOC, Redis::KEYS, None),
    (Model::PATH, Model::DOC, Model::KEYS, None),
    (Prompt::PATH, Prompt::DOC, Prompt::KEYS, None),
    (History::PATH, History::DOC, History::KEYS, None),
    (Access::PATH, Access::DOC, Access::KEYS, None),
    (Commands::PATH, Commands::DOC, Commands::KEYS, None),
    (WebChat::PATH, WebChat::DOC, WebChat::KEYS, None),
    (Discord::PATH, Discord::DOC, Discord::KEYS, Some(Discord::LIST)),
    (Gateway::PATH, Gateway::DOC, Gateway::KEYS, None),
    (Media::PATH, Media::DOC, Media::KEYS, None),
    (Inference::PATH, Inference::DOC, Inference::KEYS, Some(Inference::LIST)),
    (Bus::PATH, Bus::DOC, Bus::KEYS, None),
    (HealthSettings::PATH, HealthSettings::DOC, HealthSettings::KEYS, None),
    (Log::PATH, Log::DOC, Log::KEYS, None),
    (Boot::PATH, Boot::DOC, Boot::KEYS, None),
    (Shutdown::PATH, Shutdown::DOC, Shutdown::KEYS, None),
];

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Stargazer's settings. Every key is shown with its default; take the # away to change it.")?;
        writeln!(
            f,
            "# Any key can also be set in the environment: bus.shards is SG_BUS__SHARDS. Secrets may also come from a"
        )?;
        writeln!(f, "# file: model.api_key_file.")?;
        for (path, doc, keys, list) in SECTIONS {
            writeln!(f)?;
            doc.iter().try_for_each(|line| writeln!(f, "#{line}"))?;
            writeln!(f, "[{path}]")?;
            if let Some(kind) = path.strip_prefix("platform.") {
                writeln!(f, "# Whether it is started, and its type when the block has another name.")?;
                // A block that has a key is started unless it says otherwise; one without any is none.
                writeln!(f, "#enabled = true\n#type = {kind:?}")?;
            }
            for key in keys {
                key.doc.iter().try_for_each(|line| writeln!(f, "#{line}"))?;
                writeln!(f, "#{} = {}", key.name, shown(key))?;
            }
            if let Some(List { path, doc, keys }) = list {
                // Shown as a block that is no part of the file: there is none by default.
                doc.iter().try_for_each(|line| writeln!(f, "#{line}"))?;
                writeln!(f, "#   [[{path}]]")?;
                for key in keys {
                    key.doc.iter().try_for_each(|line| writeln!(f, "#   #{line}"))?;
                    writeln!(f, "#   {} = {}", key.name, shown(key))?;
                }
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
