//! Bytes to meaning and back, for everything that travels between gateway and worker.
//!
//! Each map on the wire is described once, and from that description come the owned struct ([`Inbound`]), the borrowed
//! view ([`InboundView`]), size, encoder, validation, and the field tables of `docs/wire.md`. Writers fill the struct,
//! `validate` and `encode` it; readers `decode` a view, which copies and allocates nothing.
//!
//! The crate promises to any bytes whatever: no panic, no read past the end, no memory reserved on a length's word, an
//! error that names field, offset and rule, and that unknown keys are skipped. What `validate` accepts, every reader
//! takes.
//!
//! It does no I/O and has no clock, no runtime, no global state.

// What may go wrong, and how large things may be.
mod error;
pub mod limits;

// Single values.
mod fault;
mod number;
mod out;
mod read;
mod skip;
#[expect(unsafe_code, reason = "the one place for it; each use has a safe twin and a bench that shows what it buys")]
mod unchecked;
mod write;

// Fields: their description, what a type has to do to stand in one, and the types.
mod schema;
mod wire;

mod answer;
mod choice;
mod constant;
mod list;
mod raw;

// Maps of fields.
mod envelope;
mod met;
mod needs;

mod inbound;
mod outbound;

mod history;
mod media;
mod preview;
mod route;

// Text that is agreed on, or made from ids.
pub mod control;
pub mod event_id;
pub mod names;
mod platform;
mod triggers;

// For people: the page, and whoever writes another client.
mod examples;
pub mod inspect;
pub mod tables;

pub use answer::{Answer, AnswerView, Refusal, RefusalView};
pub use choice::{ActionType, Kind, Role, Status, TypingState};
pub use constant::{StranglerRoute, Version};
pub use error::{Error, Rule};
pub use history::{HistoryMessage, HistoryMessageView};
pub use inbound::{Attachment, AttachmentView, Inbound, InboundView};
pub use list::{Items, List};
pub use media::{MediaRecord, MediaRecordView};
pub use needs::{Need, Needs};
pub use outbound::{Button, ButtonView, Outbound, OutboundView};
pub use platform::PlatformName;
pub use preview::{Frames, PreviewFrame, PreviewFrameView, frames};
pub use raw::{Raw, RawView};
pub use route::{InboundPeek, InboundRoute, OutboundRoute, peek_channel_key, peek_inbound, peek_lane};
pub use schema::{Bound, Field, Pattern, Presence, Type};
pub use triggers::Triggers;
pub use unchecked::room::ENCODE_SPARE;
pub use unchecked::text::utf8;
pub use wire::{View, Wire};
