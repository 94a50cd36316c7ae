//! What a user may ask of the assistant itself: a command of its own rather than a question for the model.

use codec::{InboundView, Kind};
use service::Commands;

use crate::subject::is_in;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// Forget the conversation.
    New,
    /// End the running answer.
    Stop,
    /// Say which commands there are.
    Help,
    /// Say which model answers.
    Model,
    /// Forget what this user has said here.
    ForgetMe,
}

impl Command {
    /// The command that a message consists of, whether typed or chosen from a platform's menu, with or without a mention.
    pub(super) fn of(inbound: &InboundView<'_>, commands: &Commands) -> Option<Self> {
        let typed = without_mentions(inbound.content).strip_prefix(commands.prefix.as_str());
        let chosen = (inbound.kind == Kind::Interaction).then_some(inbound.custom_id);
        let words = match (typed, chosen) {
            (Some(typed), _) => ("", typed),
            // Its text is what was given to it beside its name.
            (None, Some(name)) => (name, inbound.content),
            (None, None) => return None,
        };
        let typed: Vec<&str> = [words.0, words.1].into_iter().flat_map(str::split_whitespace).take(3).collect();
        let is = |name: &str, words: &[&str]| {
            let (first, rest) = typed.split_first()?;
            let is_it = !name.is_empty() && first.eq_ignore_ascii_case(name) && rest.len() == words.len();
            (is_it && rest.iter().zip(words).all(|(one, other)| one.eq_ignore_ascii_case(other))).then_some(())
        };
        let all: [(&str, &[&str], Self); 5] = [
            (&commands.new, &[], Self::New),
            (&commands.stop, &[], Self::Stop),
            (&commands.help, &[], Self::Help),
            (&commands.model, &[], Self::Model),
            (&commands.forget, &["me"], Self::ForgetMe),
        ];
        all.into_iter().find(|(name, words, _)| is(name, words).is_some()).map(|(.., command)| command)
    }

    /// Whether this user may use it here: what others notice is theirs alone whom the settings name.
    pub(super) fn is_allowed(self, inbound: &InboundView<'_>, commands: &Commands) -> bool {
        let is_noticed = matches!(self, Self::New | Self::Stop) && !inbound.is_dm;
        !is_noticed || commands.rooms_for.is_empty() || is_in(&commands.rooms_for, inbound)
    }
}

/// Which commands there are, a line each.
pub(super) fn help(commands: &Commands) -> String {
    let prefix = &commands.prefix;
    let all = [
        (&commands.new, "", "forget this conversation and begin anew"),
        (&commands.stop, "", "end the answer that is being written"),
        (&commands.model, "", "say which model answers"),
        (&commands.forget, " me", "forget what you have said in this conversation"),
        (&commands.help, "", "show this"),
    ];
    let known = all.into_iter().filter(|(name, ..)| !name.is_empty());
    known.map(|(name, more, what)| format!("- `{prefix}{name}{more}`: {what}")).collect::<Vec<_>>().join("\n")
}

/// A text without the mentions that it begins with.
fn without_mentions(text: &str) -> &str {
    let mut text = text.trim();
    while let Some((mention, rest)) = text.strip_prefix('<').and_then(|inner| inner.split_once('>'))
        && mention.starts_with('@')
    {
        text = rest.trim_start();
    }
    text
}

#[cfg(test)]
mod tests {
    use codec::Inbound;

    use super::*;

    fn commands() -> Commands {
        Commands {
            prefix: "/".into(),
            new: "new".into(),
            stop: "halt".into(),
            help: "help".into(),
            model: String::new(),
            forget: "forget".into(),
            rooms_for: vec!["role:discord:9".parse().unwrap()],
        }
    }

    fn of(content: &str) -> Option<Command> {
        let bytes = Inbound { content: content.into(), ..Inbound::example() }.to_bytes();
        Command::of(&InboundView::decode(&bytes).unwrap(), &commands())
    }

    #[test]
    fn a_command_is_the_whole_message() {
        assert_eq!(of("/new"), Some(Command::New));
        assert_eq!(of("  <@123> <@!4>  /NEW \n"), Some(Command::New));
        assert_eq!(of("/forget me"), Some(Command::ForgetMe));
        assert_eq!(of("/halt"), Some(Command::Stop));
        for other in
            ["", "/", "new", "/new idea", "/forget", "/forget you", "what does /new do?", "/stop", "/model", "<b>/new"]
        {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(help(&commands()).contains("`/halt`: end") && !help(&commands()).contains("model"));
    }

    #[test]
    fn a_platforms_own_command_is_one_by_its_name() {
        let chosen = |name: &str, content: &str| {
            let inbound = Inbound {
                kind: Kind::Interaction,
                custom_id: name.into(),
                content: content.into(),
                ..Inbound::example()
            };
            Command::of(&InboundView::decode(&inbound.to_bytes()).unwrap(), &commands())
        };
        assert_eq!(chosen("new", "/new"), Some(Command::New));
        assert_eq!(chosen("forget", "me"), Some(Command::ForgetMe));
        assert_eq!(chosen("ask", "new"), None);
        assert_eq!(chosen("help", "me with this"), None);
    }

    #[test]
    fn in_a_room_some_are_for_those_who_are_named() {
        let may = |command: Command, is_dm: bool, role: &str| {
            let member_roles = vec![role.to_owned()];
            let inbound = Inbound { platform: "discord".into(), is_dm, member_roles, ..Inbound::example() };
            command.is_allowed(&InboundView::decode(&inbound.to_bytes()).unwrap(), &commands())
        };
        assert!(may(Command::New, false, "9") && !may(Command::New, false, "8") && !may(Command::Stop, false, "8"));
        assert!(may(Command::New, true, "8") && may(Command::Help, false, "8") && may(Command::ForgetMe, false, "8"));
    }
}
