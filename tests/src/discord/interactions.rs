//! What people did with buttons and commands, and whether it was answered.

use std::{collections::BTreeMap, time::Duration};

use super::id::Snowflake;

/// "You have 3 seconds to acknowledge": discord.com/developers/docs/interactions/receiving-and-responding#responding-to-an-interaction.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// "Tokens are valid for 15 minutes": #followup-messages.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(900);

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Interaction {
    pub(crate) token: String,
    pub(crate) application: Snowflake,
    pub(crate) made: Duration,
    pub(crate) channel: Snowflake,
    pub(crate) user: Snowflake,
    /// Of a button: the message that has it.
    pub(crate) message: Option<Snowflake>,
    /// The command's name.
    pub(crate) command: Option<String>,
    /// The type of the answer, as soon as there is one.
    pub(crate) answered: Option<u64>,
    /// What `@original` means.
    pub(crate) original: Option<Snowflake>,
}

#[derive(Debug, Default)]
pub(crate) struct Interactions {
    all: BTreeMap<Snowflake, Interaction>,
}

impl Interactions {
    pub(crate) fn add(&mut self, id: Snowflake, interaction: Interaction) {
        self.all.insert(id, interaction);
    }

    pub(crate) fn get(&self, id: Snowflake) -> Option<&Interaction> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: Snowflake) -> Option<&mut Interaction> {
        self.all.get_mut(&id)
    }

    /// By its token, while that is good.
    pub(crate) fn by_token(&mut self, now: Duration, application: Snowflake, token: &str) -> Option<&mut Interaction> {
        let good = |one: &&mut Interaction| {
            one.application == application
                && one.token == token
                && now < one.made + TOKEN_LIFE
                && one.answered.is_some()
        };
        self.all.values_mut().find(good)
    }
}
