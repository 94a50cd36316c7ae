//! The crate's one module with `unsafe`: what the compiler cannot be shown, but a few lines can.
//!
//! Each half has a safe twin that property tests compare it with, and a row in `./dev bench` (`safe twin`) that shows what
//! it buys.
//!
//! | here | safe twin | why |
//! |---|---|---|
//! | [`room`] | `Vec`, by `encode_safely` | keys and short texts become a few wide stores instead of calls of `memcpy` |
//! | [`text`] | `std::str::from_utf8` | ids, names and keys are short ASCII, which a few words show at once |

pub(crate) mod room;
pub(crate) mod text;
