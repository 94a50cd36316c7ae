//! What an envelope asks of a worker.

use codec::{InboundView, Kind, control};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan<'a> {
    /// Answer it.
    Answer,
    /// Answer the last question again, in place of the answer with this key.
    AnswerAgain { target: &'a str },
    /// Remember it.
    Record,
    /// What was said before and answered since reads otherwise now, or is gone.
    Change,
    /// Forget the conversation.
    Forget,
    /// It only concerns a turn that runs, and none does; or it is of a kind that this version takes note of and no more.
    Nothing,
}

impl<'a> Plan<'a> {
    pub(super) fn of(inbound: &InboundView<'a>) -> Self {
        match (inbound.kind, inbound.custom_id) {
            (Kind::Message, _) if inbound.is_addressed => Self::Answer,
            (Kind::Message, _) => Self::Record,
            (Kind::Edit | Kind::Delete, _) => Self::Change,
            (Kind::Interaction, control::FORGET) => Self::Forget,
            (Kind::Interaction, control::REGENERATE) => {
                Self::AnswerAgain { target: inbound.values.iter().next().unwrap_or("") }
            }
            // A command that says something, as somebody might have typed it.
            (Kind::Interaction, id)
                if inbound.is_addressed && !inbound.content.is_empty() && !id.starts_with(control::PREFIX) =>
            {
                Self::Answer
            }
            (kind, _) => {
                metrics::counter!("stargazer_inbound_unanswered_total", "kind" => kind.as_str()).increment(1);
                Self::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use codec::Inbound;

    use super::*;

    #[test]
    fn each_kind_has_its_plan() {
        let plan = |change: &dyn Fn(&mut Inbound)| {
            let mut inbound = Inbound {
                channel_key: "webchat:c".into(),
                platform: "webchat".into(),
                channel_id: "c".into(),
                user_id: "u".into(),
                message_id: "m".into(),
                timestamp: 1.0,
                ..Inbound::default()
            };
            change(&mut inbound);
            let bytes = inbound.to_bytes();
            format!("{:?}", Plan::of(&InboundView::decode(&bytes).unwrap()))
        };
        assert_eq!(plan(&|inbound| inbound.is_addressed = true), "Answer");
        assert_eq!(plan(&|_| {}), "Record");
        for kind in [Kind::Edit, Kind::Delete] {
            assert_eq!(plan(&|inbound| inbound.kind = kind), "Change");
        }
        let interaction = |inbound: &mut Inbound, id: &str| {
            inbound.kind = Kind::Interaction;
            inbound.custom_id = id.into();
        };
        assert_eq!(plan(&|inbound| interaction(inbound, "sg:forget")), "Forget");
        assert_eq!(plan(&|inbound| interaction(inbound, "sg:stop")), "Nothing");
        for (id, content, expected) in
            [("ask", "why?", "Answer"), ("stop", "", "Nothing"), ("sg:new", "why?", "Nothing")]
        {
            let made = plan(&|inbound| {
                interaction(inbound, id);
                (inbound.content, inbound.is_addressed) = (content.into(), true);
            });
            assert_eq!(made, expected, "{id}");
        }
        assert_eq!(
            plan(&|inbound| {
                interaction(inbound, "sg:regenerate");
                inbound.values = vec!["c:0".into()];
            }),
            "AnswerAgain { target: \"c:0\" }"
        );
    }
}
