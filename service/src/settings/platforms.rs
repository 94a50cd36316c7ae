//! Platform blocks: `[platform.<name>]`, each with a type (by default its name), a switch and its type's own keys.

use super::{
    macros::read_key,
    problem::{Problem, nearest},
    sections::{Discord, WebChat},
    source::Source,
};

/// One bot on one platform.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its name on the wire, unique in a deployment.
    pub name: String,
    /// Its type with the type's own keys.
    pub kind: PlatformKind,
}

/// The types of platform that this version knows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PlatformKind {
    /// The gateway's own chat page.
    WebChat(WebChat),
    /// A bot on Discord.
    Discord(Discord),
}

impl PlatformKind {
    /// The word for `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::WebChat(_) => "webchat",
            Self::Discord(_) => "discord",
        }
    }
}

const KINDS: [&str; 2] = ["webchat", "discord"];
/// The block that is there without being written.
const DEFAULT: &str = "webchat";

/// Reads every block that is enabled.
pub(super) fn read(source: &mut Source, problems: &mut Vec<Problem>) -> Vec<Platform> {
    let mut names = source.names_under("platform");
    names.insert(DEFAULT.to_owned());
    names.into_iter().filter_map(|name| block(name, source, problems)).collect()
}

fn block(name: String, source: &mut Source, problems: &mut Vec<Problem>) -> Option<Platform> {
    let path = format!("platform.{name}");
    if !(1..=24).contains(&name.len()) || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        problems.push(Problem::new(&path, "a platform's name has 1 to 24 characters of a-z, 0-9 and -"));
    }
    let enabled = read_key::<bool>(source, problems, &path, "enabled", "true", None).unwrap_or(true);
    let kind: String = read_key(source, problems, &path, "type", &name, None)?;
    let kind = match kind.as_str() {
        "webchat" => PlatformKind::WebChat(WebChat::read(&path, source, problems)),
        "discord" => PlatformKind::Discord(Discord::read(&path, source, problems)),
        other => {
            let hint = nearest(other, KINDS.into_iter());
            let message = format!("is `{other}`; this version has the types {}{hint}", KINDS.join(", "));
            problems.push(Problem::new(format!("{path}.type"), message));
            return None;
        }
    };
    enabled.then_some(Platform { name, kind })
}
