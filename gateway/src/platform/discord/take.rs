//! Ingress: an event is read, stamped and handed over to be appended. All of it waits for nothing.

use std::sync::PoisonError;

use bus::unix_ms;
use codec::Inbound;
use serde_json::Value;
use serenity::model::event::Event;

use super::{
    Shared,
    event::{Reading, read},
    used::{Used, late},
};
use crate::media::{Place, Wanted};

impl Shared {
    /// Takes an event of the gateway.
    pub(super) fn take(&self, event: Event) {
        let Some((kind, data)) = json(event) else { return };
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.learn(&kind, &data) {
            return;
        }
        let reading = Reading {
            platform: &self.name,
            me: self.me(),
            triggers: &self.triggers,
            takes_bots: self.settings.answer_bots,
            commands: &self.settings.commands,
            rooms: &rooms,
            now_ms: unix_ms(),
        };
        let events = read(&reading, &kind, &data);
        drop(rooms);
        let used = (kind == "INTERACTION_CREATE").then(|| Used::of(&data, &self.settings.commands)).flatten();
        match events {
            Some(Ok(events)) => self.hand_over_all(events, used),
            Some(Err(dropped)) => {
                let (platform, reason) = (self.name.to_string(), dropped.reason());
                metrics::counter!("stargazer_discord_events_dropped_total", "platform" => platform, "reason" => reason)
                    .increment(1);
            }
            None => {}
        }
    }

    /// With what has to be acknowledged. The event of a command goes with its acknowledgement, unless there is no room for that.
    fn hand_over_all(&self, mut events: Vec<Inbound>, used: Option<Used>) {
        let mut refused = None;
        if let Some(mut used) = used {
            used.inbound = if used.is_command() { events.pop().map(Box::new) } else { None };
            refused = self.used.push(used).err();
        }
        if let Some(used) = refused {
            late();
            events.extend(used.inbound.map(|inbound| *inbound));
        }
        events.into_iter().for_each(|inbound| self.hand_over(inbound));
    }

    pub(super) fn hand_over(&self, mut inbound: Inbound) {
        self.fetch(&mut inbound);
        let event = inbound.event_id.clone();
        // Nobody waits for the receipt: the buffer keeps it until it is appended.
        if let Err(refused) = self.ingress.accept(inbound) {
            tracing::warn!(platform = %self.name, event, error = %refused, "an event is lost");
        }
    }

    /// Has the files fetched that come with a message for the bot: their addresses do not last. Those of what people say to each
    /// other are too many for what is looked at of them.
    fn fetch(&self, inbound: &mut Inbound) {
        let Some(event_id) = inbound.event_id.clone().filter(|_| inbound.is_addressed) else { return };
        for (index, file) in inbound.attachments.iter_mut().enumerate() {
            let Some(url) = file.source_url.clone() else { continue };
            let place = Place { channel_key: inbound.channel_key.clone(), event_id: event_id.clone(), index };
            let wanted = Wanted { place, url, mimetype: file.mimetype.clone(), size: file.size, sha256: None };
            file.media_key = self.media.inbound(wanted).map(|key| key.to_string());
        }
    }
}

/// Kind and content of an event, as it came: serenity gives those that it has no type for, or that do not fit theirs, as JSON.
fn json(event: Event) -> Option<(String, Value)> {
    if let Event::Unknown(event) = event {
        return Some((event.kind, event.value));
    }
    let is_of_use = matches!(
        event,
        Event::MessageCreate(_)
            | Event::MessageUpdate(_)
            | Event::MessageDelete(_)
            | Event::MessageDeleteBulk(_)
            | Event::ReactionAdd(_)
            | Event::ReactionRemove(_)
            | Event::InteractionCreate(_)
            | Event::GuildCreate(_)
            | Event::ChannelCreate(_)
            | Event::ChannelUpdate(_)
            | Event::ChannelDelete(_)
            | Event::ThreadCreate(_)
            | Event::ThreadUpdate(_)
            | Event::ThreadDelete(_)
            | Event::ThreadListSync(_)
    );
    let used = match &event {
        // Its own type does not tell it again.
        Event::InteractionCreate(event) => Some(u8::from(event.interaction.kind())),
        _ => None,
    };
    let mut event = is_of_use.then(|| serde_json::to_value(&event).ok()).flatten()?;
    let kind = event["t"].as_str()?.to_owned();
    let mut data = event["d"].take();
    if let (Some(used), Some(fields)) = (used, data.as_object_mut()) {
        fields.insert("type".into(), used.into());
    }
    Some((kind, data))
}
