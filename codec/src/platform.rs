//! The name of a platform block: what makes two bots of one type two platforms in every key and lane.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::schema::Bound;
use crate::wire::broken;

/// A name of `[a-z0-9-]{1,24}`: without a colon, so that names made from it come apart again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlatformName(String);

impl PlatformName {
    /// Takes a name that fits.
    ///
    /// # Errors
    /// The name has another form; the error names the field `platform`.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        Bound::PLATFORM.text(&name).map_err(|rule| broken("platform", rule))?;
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlatformName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl fmt::Display for PlatformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for PlatformName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PlatformName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<PlatformName> for String {
    fn from(name: PlatformName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        assert_eq!(PlatformName::new("discord-2").unwrap().as_str(), "discord-2");
        let error = "my:bot".parse::<PlatformName>().unwrap_err();
        assert_eq!(error.to_string(), "field `platform`: does not match [a-z0-9-]{1,24}");
    }
}
