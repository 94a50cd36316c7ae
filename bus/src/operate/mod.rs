//! What operators look at and do by hand, with nothing of it on a message's way: dead letters, lag, who owns what.

mod dead_letters;
mod history;
mod letter;
mod shards;

pub use dead_letters::{DeadLetters, Letters, Replayed};
pub use letter::{Letter, LetterId, Place};
pub use shards::{Lag, Ownership, Stuck, Survey};
