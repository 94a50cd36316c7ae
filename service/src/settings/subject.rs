//! Whom a rule is about.

use std::{fmt, str::FromStr};

use super::value::Setting;

/// Who or what a rule names, on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// The name of the platform block.
    pub platform: String,
    /// The platform's id of it; empty for a whole platform.
    pub id: String,
}

/// What a rule may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// One user.
    User,
    /// Everybody with a role.
    Role,
    /// A channel, thread or private conversation.
    Channel,
    /// A server with all that is in it.
    Server,
    /// All of a platform.
    Platform,
}

impl SubjectKind {
    const ALL: [(&str, Self); 5] = [
        ("user", Self::User),
        ("role", Self::Role),
        ("channel", Self::Channel),
        ("server", Self::Server),
        ("platform", Self::Platform),
    ];
}

impl FromStr for Subject {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (word, rest) = text.trim().split_once(':').ok_or(())?;
        let (_, kind) = SubjectKind::ALL.into_iter().find(|(known, _)| *known == word).ok_or(())?;
        let (platform, id) = match kind {
            SubjectKind::Platform => (rest, ""),
            // An id may have colons itself, as Matrix's do.
            _ => rest.split_once(':').filter(|(_, id)| !id.is_empty()).ok_or(())?,
        };
        if platform.is_empty() || (kind == SubjectKind::Platform && platform.contains(':')) {
            return Err(());
        }
        Ok(Self { kind, platform: platform.to_owned(), id: id.to_owned() })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = SubjectKind::ALL.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        write!(f, "{word}:{}", self.platform)?;
        if self.id.is_empty() { Ok(()) } else { write!(f, ":{}", self.id) }
    }
}

impl Setting for Subject {
    const SHAPE: &'static str =
        "user, role, channel or server with platform and id like user:discord:123, or platform:discord";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|()| format!("is `{text}`, but has to be {}", Self::SHAPE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_is_shown() {
        for text in [
            "user:discord:7",
            "role:support:9",
            "channel:matrix:!room:example.org",
            "server:discord:3",
            "platform:webchat",
        ] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        for text in ["", "user", "user:7", "user:discord:", "user::7", "guild:discord:3", "platform:", "platform:a:b"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }
}
