//! The answer to a command takes the place of "thinking": by editing that, which repeated changes nothing. Whatever follows it is
//! an ordinary message, which has a nonce; where the bot may not write, it follows with the command's token, which has none.

use std::time::Duration;

use codec::OutboundView;
use reqwest::Method;

use super::{
    Shared, body,
    deliver::{accepted, is_preview, rank, unless_gone},
    hold::{Hold, Use},
    rest::{Ask, Failure},
};
use crate::{
    pacing::Rank,
    platform::{Accepted, Part, Permanent, SendError},
};

const ORIGINAL: &str = "/messages/@original";
const EDIT: &str = "PATCH /webhooks/messages";
const DELETE: &str = "DELETE /webhooks/messages";
const FOLLOW: &str = "POST /webhooks";
/// Until then a use that Discord knows no acknowledgement of may yet be acknowledged.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(4);

impl Shared {
    /// Makes a part of what a command is answered with. None where it is an ordinary message.
    pub(super) async fn answer_use(&self, part: &Part<'_, '_>) -> Result<Option<Accepted>, SendError> {
        let Some((of, is_first)) = Use::of_part(&self.name, &part.key) else { return Ok(None) };
        let Some((hold, is_in_place)) = self.hold(of, is_first).await? else { return Ok(None) };
        if is_first && is_in_place {
            self.take_place(part, of, &hold).await
        } else if hold.is_at_home() {
            Ok(None)
        } else {
            self.follow(part, of, &hold).await.map(Some)
        }
    }

    async fn take_place(&self, part: &Part<'_, '_>, of: Use<'_>, hold: &Hold) -> Result<Option<Accepted>, SendError> {
        let major = of.id.to_string();
        let ask = Ask::new(Method::PATCH, hold.path(ORIGINAL), EDIT, &major, rank(part));
        match self.rest.ask(ask.with(body::edit(part)).of_part(part)).await {
            Ok(made) => accepted(&made, part).map(Some),
            Err(failure) if failure.is_no_token() && of.age() < ACKNOWLEDGED_WITHIN => {
                Err(SendError::Away("the command is not acknowledged yet".into()))
            }
            // It was not acknowledged, or somebody took it away.
            Err(failure) if failure.is_no_token() || failure.is_gone() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Such a message cannot be told from its repeat, nor looked for where the bot may not read.
    async fn follow(&self, part: &Part<'_, '_>, of: Use<'_>, hold: &Hold) -> Result<Accepted, SendError> {
        let major = of.id.to_string();
        let ask = Ask::new(Method::POST, hold.path(""), FOLLOW, &major, rank(part)).with(body::edit(part));
        match self.rest.ask(ask.of_part(part)).await {
            Ok(made) => accepted(&made, part),
            Err(Failure::Unknown(error)) => Err(SendError::Refused(
                Permanent::Forbidden,
                format!("it may have been shown, and is not sent again, since the bot may not read there: {error}"),
            )),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Changes a message of an answer where the bot may not do that by itself. None: it may.
    pub(super) async fn edit_use(&self, part: &Part<'_, '_>, id: &str) -> Result<Option<Accepted>, SendError> {
        let Some((of, _)) = Use::of_part(&self.name, &part.key) else { return Ok(None) };
        let Some((hold, _)) = self.hold(of, false).await?.filter(|(hold, _)| !hold.is_at_home()) else {
            return Ok(None);
        };
        let rank = if is_preview(part) { Rank::Edit } else { Rank::Final };
        let major = of.id.to_string();
        let ask = Ask::new(Method::PATCH, hold.path(&format!("/messages/{id}")), EDIT, &major, rank);
        accepted(&self.rest.ask(ask.with(body::edit(part)).of_part(part)).await?, part).map(Some)
    }

    /// Takes a message of an answer away where the bot may not do that by itself. False: it may.
    pub(super) async fn delete_use(&self, action: &OutboundView<'_>, id: &str) -> Result<bool, SendError> {
        let key = action.target_key.or(action.message_key).unwrap_or_default();
        let Some(of) = Use::of_action(&self.name, key) else { return Ok(false) };
        let Some((hold, _)) = self.hold(of, false).await?.filter(|(hold, _)| !hold.is_at_home()) else {
            return Ok(false);
        };
        self.delete_with(&hold, of, &format!("/messages/{id}")).await?;
        Ok(true)
    }

    /// Nothing takes the place of "thinking": it goes away.
    pub(super) async fn stop_thinking(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        let key = action.target_key.unwrap_or_default();
        let Some(of) = Use::of_action(&self.name, key) else { return Ok(()) };
        match self.hold(of, true).await? {
            Some((hold, true)) => match self.delete_with(&hold, of, ORIGINAL).await {
                Err(failure) if failure.is_no_token() && of.age() < ACKNOWLEDGED_WITHIN => {
                    Err(SendError::Away("the command is not acknowledged yet".into()))
                }
                Err(failure) if failure.is_no_token() => Ok(()),
                done => Ok(done?),
            },
            _ => Ok(()),
        }
    }

    async fn delete_with(&self, hold: &Hold, of: Use<'_>, under: &str) -> Result<(), Failure> {
        let major = of.id.to_string();
        unless_gone(self.rest.ask(Ask::new(Method::DELETE, hold.path(under), DELETE, &major, Rank::Call)).await)
    }

    /// Whether a part is the one that takes the place of "thinking", so that its repeat is exact.
    pub(super) async fn is_in_place(&self, part: &Part<'_, '_>) -> Result<bool, SendError> {
        let Some((of, true)) = Use::of_part(&self.name, &part.key) else { return Ok(false) };
        Ok(self.hold(of, false).await?.is_some_and(|(_, is_in_place)| is_in_place))
    }

    /// Whether an action answers a command, where "thinking" is shown until it does.
    pub(super) async fn is_thinking(&self, action: &OutboundView<'_>) -> Result<bool, SendError> {
        let of = action.message_key.and_then(|key| Use::of_action(&self.name, key));
        match of {
            Some(of) => Ok(self.hold(of, false).await?.is_some()),
            None => Ok(false),
        }
    }

    async fn hold(&self, of: Use<'_>, may: bool) -> Result<Option<(Hold, bool)>, SendError> {
        self.holds.get(of, may).await.map_err(|error| SendError::Away(format!("redis: {error}")))
    }
}
