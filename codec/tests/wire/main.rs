//! The codec from outside: any envelope, any bytes, other writers, and the page that describes it all.

#[cfg(test)]
mod envelopes;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod page;
#[cfg(test)]
mod properties;
