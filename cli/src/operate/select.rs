//! Which dead letters are meant.

use std::collections::BTreeSet;

use bus::{Letter, LetterId, Role};

use super::{Connected, age, refused};
use crate::{Refusal, arguments::Which};

/// A letter with what its envelope says of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) letter: Letter,
    /// Whose stream it came from; `None` for a stream that the settings do not know.
    pub(super) role: Option<Role>,
    /// Its lane, as far as the envelope tells.
    pub(super) lane: Option<String>,
}

impl Found {
    fn new(deployment: &Connected, letter: Letter) -> Self {
        let role = letter.id.place.role_of(&letter.stream, deployment.bus.names());
        let lane = match &role {
            Some(Role::Outbound(_) | Role::PlainOutbound(_)) => {
                codec::peek_lane(&letter.data).ok().map(std::borrow::Cow::into_owned)
            }
            _ => codec::peek_channel_key(&letter.data).ok().map(str::to_owned),
        };
        Self { letter, role, lane }
    }

    /// The role as people name it.
    pub(super) fn role_name(&self) -> String {
        self.role.as_ref().map_or_else(|| self.letter.stream.clone(), ToString::to_string)
    }

    fn is_meant(&self, which: &Which) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|wanted| wanted == has);
        let age = age::since(self.letter.id.entry.ms);
        is(&which.role, &self.role_name())
            && is(&which.code, self.letter.code())
            && is(&which.trace, &self.letter.trace_id)
            && is(&which.lane, self.lane.as_deref().unwrap_or_default())
            && which.older_than.is_none_or(|least| age >= *least)
            && which.newer_than.is_none_or(|most| age <= *most)
    }
}

/// Calls `each` for every letter that is meant, the oldest first.
///
/// # Errors
/// When Redis did not answer, a letter that was named is not there, or the role that was named does not exist.
pub(super) async fn each(deployment: &Connected, which: &Which, mut each: impl FnMut(Found)) -> Result<(), Refusal> {
    let letters = bus::DeadLetters::new(deployment.bus.clone());
    if which.ids.is_empty() {
        let roles = deployment.roles();
        let (mut all, mut is_known) = (letters.all(&roles), role_is_known(which, &roles));
        while let Some(letter) = all.next().await.map_err(|error| refused(&error))? {
            let found = Found::new(deployment, letter);
            if found.is_meant(which) {
                is_known = true;
                each(found);
            }
        }
        return if is_known { Ok(()) } else { Err(unknown_role(which, &roles)) };
    }
    for id in named(which)? {
        let letter = letters.get(&id).await.map_err(|error| refused(&error))?.ok_or_else(|| {
            Refusal::configuration(format!(
                "there is no dead letter {id}, or not any more; `stargazer dlq list` lists what there is"
            ))
        })?;
        let found = Found::new(deployment, letter);
        if found.is_meant(which) {
            each(found);
        }
    }
    Ok(())
}

/// A stream that the settings do not know any more goes by its own name, so a name is wrong only if no letter has it either.
fn role_is_known(which: &Which, roles: &[Role]) -> bool {
    which.role.as_ref().is_none_or(|wanted| roles.iter().any(|role| role.to_string() == *wanted))
}

fn unknown_role(which: &Which, roles: &[Role]) -> Refusal {
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    Refusal::configuration(format!(
        "there is no role {:?} here, and no dead letter of one; the roles are {}",
        which.role.as_deref().unwrap_or_default(),
        roles.join(", ")
    ))
}

/// The letters that were named, each once.
fn named(which: &Which) -> Result<BTreeSet<LetterId>, Refusal> {
    which
        .ids
        .iter()
        .map(|id| id.parse().map_err(|error: bus::Error| Refusal::configuration(error.to_string())))
        .collect()
}

/// Something has to be chosen, so that nobody empties a list by leaving out a word.
pub(super) fn has_choice(which: &Which, all: bool) -> Result<(), Refusal> {
    if all || which.is_narrow() || !which.ids.is_empty() {
        Ok(())
    } else {
        Err(Refusal::configuration(
            "nothing is chosen: name letters by their ids, narrow them down by a filter, or say --all; --dry-run shows what would be done",
        ))
    }
}
