//! Order and delivery of opaque bytes over Redis Streams.
//!
//! The promise: an entry that was appended is handled by one runner at a time in its lane's order, and is acknowledged only
//! in or after the step that makes its effect durable. This is the only crate that names `redis`; it is given its names as
//! settings and never looks inside a payload: what it has to know of one (lane, cause) it asks the [`Handler`].
//!
//! In the order in which a message passes:
//! [`Producer`] appends to a shard's stream, the reader takes entries under the shard's fence, lanes put them in order,
//! a [`Handler`] runs a turn, and the ledger commits its [`Outcome`].
#![forbid(unsafe_code)]

mod budget;
mod clock;
mod error;
mod names;
mod shard;

mod link;
pub mod reply;

mod answers;
mod append;
mod lease;
mod reader;
mod window;

mod consumer;
mod lane;
mod ledger;
mod trim;

mod lock;
mod log;
mod media;
mod operate;
mod preview;
mod recent;
mod records;
mod registry;
mod shelf;
mod spread;
mod turnstile;
mod watermarks;

pub use answers::Answers;
pub use append::{Batch, Entry, Producer};
pub use budget::Budget;
pub use clock::unix_ms;
pub use consumer::{
    Consumer, ConsumerConfig, ConsumerStatus, Control, Effect, Facts, Failure, Handler, Holding, Holdings, Outcome,
    Outside, Route, RouteError, Turn,
};
pub use error::{Error, Next};
pub use lane::{LaneKey, Way};
pub use lease::LeaseConfig;
pub use ledger::{Action, Ahead, Attempt, Commit, Earlier, HistoryWrite, KeptNotes, Notes};
pub use link::{Bus, BusConfig, Durability, Keeping, Push, PushTo, Server, Session, Subscription, check_url};
pub use lock::{DistributedLock, LockError};
pub use log::{Appended, Log, LogBounds, LogEntry, Queue};
pub use media::{Media, MediaKey};
pub use names::{Names, Role};
pub use operate::{DeadLetters, Lag, Letter, LetterId, Letters, Ownership, Place, Replayed, Stuck, Survey};
pub use preview::{PreviewSink, Previews};
pub use recent::Recent;
pub use records::Records;
pub use registry::Registry;
pub use reply::EntryId;
pub use shard::{Shard, Shards};
pub use shelf::Shelf;
pub use spread::{Division, Spread};
pub use turnstile::{Turnstile, TurnstileRules, Waits};
pub use watermarks::Watermarks;
