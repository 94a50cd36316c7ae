//! When a bot may ask its platform for something: the budgets that the platform grants, known before they are met.
//!
//! Every request of a bot takes a place in one [`Pacer`]. It knows the budget of each bucket from the platform's own answers, and
//! that of the bot as a whole, which several gateways share ([`Share`]). Of those that wait, the one that matters most to people
//! goes first ([`Rank`]), and one that shows a text on its way never takes the last place of a window, which a final text may
//! need. What the platform refuses
//! is counted ([`Pacer::refused`]), since too much of that shuts a bot out. Nothing here knows a platform or sends anything.

mod bucket;
mod lines;
mod others;
mod pacer;
mod queue;
mod refusals;
mod share;
#[cfg(test)]
mod tests;
mod whole;

pub use bucket::Told;
pub use pacer::{Late, Pacer, Place, Want};
pub use queue::Rank;
pub use share::{NotShared, Share, SharedBudget};
