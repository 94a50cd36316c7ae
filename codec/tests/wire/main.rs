//! The codec from outside: any envelope, any bytes, other writers, and the page that describes it all.

#[cfg(test)]
mod envelopes;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod evolution;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod growth;
#[cfg(test)]
mod page;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;

// What writes the files of `codec/vectors`, so that they are held against it.
#[cfg(test)]
#[path = "../../examples/vectors/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "../../examples/vectors/kept.rs"]
mod kept;
#[cfg(test)]
#[path = "../../examples/vectors/rule.rs"]
mod rule;
#[cfg(test)]
#[path = "../../examples/vectors/snapshot.rs"]
mod snapshot;
