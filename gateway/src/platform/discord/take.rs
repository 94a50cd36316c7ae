//! Ingress: an event is read, stamped and handed over to be appended. All of it waits for nothing.

use std::sync::{Arc, PoisonError};

use bus::unix_ms;
use codec::Inbound;
use serde_json::Value;

use super::{
    Shared,
    event::{Reading, id, read},
    gap::{Gaps, Held, Taken, Turn},
    used::{Used, late},
};
use crate::{
    ingress::{Receipt, Refused},
    media::{Place, Wanted},
};

/// What came of an event.
#[derive(Debug)]
pub(super) struct Taking {
    /// There was something in it for us.
    pub(super) is_any: bool,
    /// How far its channel is read when it is in its stream.
    pub(super) mark: Option<Taken>,
    /// Why not all of it was taken.
    pub(super) refused: Option<Refused>,
}

impl Shared {
    /// Takes an event of the gateway.
    pub(super) fn take(&self, gaps: &Arc<Gaps>, kind: String, data: Value) {
        if self.rooms.lock().unwrap_or_else(PoisonError::into_inner).learn(&kind, &data) {
            if kind == "GUILD_CREATE" {
                gaps.arrives(self, &data);
            }
            return;
        }
        if kind == "INTERACTION_CREATE" {
            // Discord waits three seconds for an answer to it, so it waits for nothing else.
            return self.take_use(&kind, &data);
        }
        match gaps.hold.turn(Held { kind, data, now_ms: unix_ms() }) {
            Turn::Flows(held) => self.publish(gaps, &held),
            Turn::Waits => {}
            Turn::Overflows(all) => {
                metrics::counter!("stargazer_discord_gap_overflows_total", "platform" => self.name.to_string())
                    .increment(1);
                for held in all {
                    // Where there was no room for one, those behind it wait again.
                    if let Turn::Flows(held) = gaps.hold.turn(held) {
                        self.publish(gaps, &held);
                    }
                }
            }
        }
    }

    /// Takes the use of a button, a menu or a command. The event of a command goes with its acknowledgement, unless there is no
    /// room for that.
    fn take_use(&self, kind: &str, data: &Value) {
        let mut events = self.read(kind, data, unix_ms());
        let mut refused = None;
        if let Some(mut used) = Used::of(data, &self.settings.commands) {
            used.inbound = if used.is_command() { events.pop().map(Box::new) } else { None };
            refused = self.used.push(used).err();
        }
        if let Some(used) = refused {
            late();
            events.extend(used.inbound.map(|inbound| *inbound));
        }
        for inbound in events {
            self.hand_over(inbound);
        }
    }

    /// What an event has for us. What is dropped is counted.
    fn read(&self, kind: &str, data: &Value, now_ms: u64) -> Vec<Inbound> {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = Reading {
            platform: &self.name,
            me: self.me(),
            triggers: &self.triggers,
            takes_bots: self.settings.answer_bots,
            commands: &self.settings.commands,
            rooms: &rooms,
            now_ms,
        };
        match read(&reading, kind, data) {
            Some(Ok(events)) => events,
            Some(Err(dropped)) => {
                self.count_dropped(dropped.reason());
                Vec::new()
            }
            None => {
                self.count_dropped("kind");
                Vec::new()
            }
        }
    }

    pub(super) fn count_dropped(&self, reason: &'static str) {
        let platform = self.name.to_string();
        metrics::counter!("stargazer_discord_events_dropped_total", "platform" => platform, "reason" => reason)
            .increment(1);
    }

    /// Hands over what an event has for us. A message that there is no room for is read again later.
    pub(super) fn publish(&self, gaps: &Arc<Gaps>, Held { kind, data, now_ms }: &Held) {
        let Taking { mark, refused, .. } = self.taking(kind, data, *now_ms);
        if let Some(refused) = refused {
            let is_read_again = refused.is_for_now() && kind == "MESSAGE_CREATE" && gaps.refused(self, data);
            if !is_read_again {
                tracing::warn!(platform = %self.name, kind, id = %data["id"], error = %refused, "an event is lost");
            }
        }
        mark.into_iter().for_each(|mark| self.marks.note(mark));
    }

    /// The same, and tells what came of it.
    pub(super) fn taking(&self, kind: &str, data: &Value, now_ms: u64) -> Taking {
        let mut taking = Taking { is_any: false, mark: None, refused: None };
        let mut receipt = None;
        for inbound in self.read(kind, data, now_ms) {
            taking.is_any = true;
            match self.accept(inbound) {
                Ok(accepted) => receipt = Some(accepted),
                Err(refused) => taking.refused = Some(refused),
            }
        }
        if kind == "MESSAGE_CREATE"
            && taking.refused.is_none()
            && let (Some(channel), Some(message)) = (id(&data["channel_id"]), id(&data["id"]))
        {
            let guild = id(&data["guild_id"]);
            taking.mark = Some(Taken { channel, message, guild, raises_guild: true, receipt });
        }
        taking
    }

    pub(super) fn hand_over(&self, inbound: Inbound) -> Option<Receipt> {
        let event = inbound.event_id.clone();
        let accepted = self.accept(inbound);
        let lost =
            |refused: &Refused| tracing::warn!(platform = %self.name, event, error = %refused, "an event is lost");
        accepted.inspect_err(lost).ok()
    }

    fn accept(&self, mut inbound: Inbound) -> Result<Receipt, Refused> {
        self.fetch(&mut inbound);
        self.ingress.accept(inbound)
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
