//! The one door for addresses that come from outside: files that people attach, pages that they link.
//!
//! Whoever writes such an address chooses where this process connects to, so nothing of it is believed. A [`Fetcher`]
//! promises of every connection that it makes:
//!
//! - it goes to an address that was checked: public, or listed in [`Policy::allow`]. The check is made where the connection
//!   takes its addresses from, so a name that answers otherwise a moment later changes nothing;
//! - so does each redirect's, which is followed here and not by the client below; it never leads from https to http, and what
//!   authorizes a request stays with the origin that it was given for;
//! - it brings at most [`Policy::bytes_max`], as they came (nothing is decompressed), within [`Policy::total_timeout`];
//! - no proxy of the environment's stands between: it would resolve the name again, out of our sight.
//!
//! What is private is not in errors either: they name the host, and never a path or a query, which may be a signed link.
#![forbid(unsafe_code)]

mod address;
mod allow;
mod policy;

mod error;
mod target;

mod body;
mod fetcher;
mod resolve;

pub use address::special;
pub use allow::Allow;
pub use error::Error;
pub use fetcher::{Fetched, Fetcher, Request};
pub use policy::Policy;
pub use resolve::{Resolver, System};
