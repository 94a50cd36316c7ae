//! Ingress: an event is read, stamped and handed over to be appended. All of it waits for nothing.

use std::sync::PoisonError;

use bus::unix_ms;
use codec::Inbound;
use serde_json::Value;

use super::{
    Shared,
    clicks::Click,
    event::{Reading, id, read},
    gap::{Gaps, Held, Taken, Turn},
};
use crate::{
    ingress::Receipt,
    media::{Place, Wanted},
};

impl Shared {
    /// Takes an event of the gateway. Gives what has to be acknowledged.
    pub(super) fn take(&self, gaps: &Gaps, kind: String, data: Value) -> Option<Click> {
        if self.rooms.lock().unwrap_or_else(PoisonError::into_inner).learn(&kind, &data) {
            if kind == "GUILD_CREATE" {
                gaps.arrives(self, &data);
            }
            return None;
        }
        if kind == "INTERACTION_CREATE" {
            // Discord waits three seconds for an answer to it, so it waits for nothing else.
            self.publish(&kind, &data, unix_ms());
            return Click::of(&data);
        }
        match gaps.hold.turn(Held { kind, data, now_ms: unix_ms() }) {
            Turn::Flows(held) => _ = self.publish(&held.kind, &held.data, held.now_ms),
            Turn::Waits => {}
            Turn::Overflows(all) => {
                metrics::counter!("stargazer_discord_gap_overflows_total", "platform" => self.name.to_string())
                    .increment(1);
                all.iter().for_each(|held| _ = self.publish(&held.kind, &held.data, held.now_ms));
            }
        }
        None
    }

    /// Hands over what an event has for us. Whether it had anything.
    pub(super) fn publish(&self, kind: &str, data: &Value, now_ms: u64) -> bool {
        let events = {
            let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            let reading = Reading {
                platform: &self.name,
                me: self.me(),
                triggers: &self.triggers,
                takes_bots: self.settings.answer_bots,
                rooms: &rooms,
                now_ms,
            };
            read(&reading, kind, data)
        };
        let (mut receipt, mut is_lost, mut is_any) = (None, false, false);
        match events {
            Some(Ok(events)) => {
                for inbound in events {
                    is_any = true;
                    receipt = self.hand_over(inbound);
                    is_lost |= receipt.is_none();
                }
            }
            Some(Err(dropped)) => {
                let (platform, reason) = (self.name.to_string(), dropped.reason());
                metrics::counter!("stargazer_discord_events_dropped_total", "platform" => platform, "reason" => reason)
                    .increment(1);
            }
            None => {}
        }
        if kind == "MESSAGE_CREATE"
            && !is_lost
            && let (Some(channel), Some(message)) = (id(&data["channel_id"]), id(&data["id"]))
        {
            self.marks.note(Taken { channel, message, guild: id(&data["guild_id"]), receipt });
        }
        is_any
    }

    fn hand_over(&self, mut inbound: Inbound) -> Option<Receipt> {
        self.fetch(&mut inbound);
        let event = inbound.event_id.clone();
        match self.ingress.accept(inbound) {
            Ok(receipt) => Some(receipt),
            Err(refused) => {
                tracing::warn!(platform = %self.name, event, error = %refused, "an event is lost");
                None
            }
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
