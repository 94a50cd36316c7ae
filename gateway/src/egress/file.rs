//! The file of an action.

use std::borrow::Cow;

use bus::Turn;
use bytes::Bytes;
use codec::OutboundView;

use super::{Egress, Undone, fit::Carried};
use crate::{
    media::{Leave, file_name},
    platform::File,
};

/// What of a file there is.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Nothing,
    File(File<'a>),
    Missing,
}

impl<'a> Found<'a> {
    pub(super) fn carried(&self) -> Carried {
        match self {
            Self::Nothing => Carried::Nothing,
            Self::File(file) => Carried::File(file.bytes.len() as u64),
            Self::Missing => Carried::Missing,
        }
    }

    pub(super) fn take(self) -> Option<File<'a>> {
        match self {
            Self::File(file) => Some(file),
            Self::Nothing | Self::Missing => None,
        }
    }
}

impl Egress {
    /// The action's file, wherever its bytes are.
    pub(super) async fn file<'a>(&self, turn: &Turn, action: &'a OutboundView<'_>) -> Result<Found<'a>, Undone> {
        let (bytes, leave) = match (action.data, action.media_key) {
            (Some(bytes), _) => (turn.facts().payload.slice_ref(bytes), None),
            (None, Some(key)) => match self.stored(key).await? {
                Some((bytes, leave)) => (bytes, Some(leave)),
                None => return Ok(Found::Missing),
            },
            (None, None) => return Ok(Found::Nothing),
        };
        Ok(Found::File(File { name: name(action), mimetype: action.mimetype, bytes, leave }))
    }

    /// What stands under a key. Nothing where it will not come any more: the action says so rather than fail for it.
    async fn stored(&self, key: &str) -> Result<Option<(Bytes, Leave)>, Undone> {
        let Some(media) = &self.media else { return Ok(None) };
        let leave = media.leave().await;
        match media.outbound(key).await {
            Ok(bytes) => Ok(Some((bytes, leave))),
            Err(error) if error.is_passing() => Err(Undone::Later(error.to_string())),
            Err(error) => {
                tracing::warn!(key, %error, "an action goes without its file");
                Ok(None)
            }
        }
    }
}

/// What a file of an action is called.
pub(super) fn name<'a>(action: &OutboundView<'a>) -> Cow<'a, str> {
    file_name(action.filename.unwrap_or_default())
}
