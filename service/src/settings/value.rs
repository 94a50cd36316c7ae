//! The types that a setting may have, and how each is read and shown.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use bytesize::ByteSize;
use ipnet::IpNet;
use secrecy::SecretString;

use super::source::Written;

/// A type of setting.
pub(super) trait Setting: Sized {
    /// What a person may write, for messages and the documented file.
    const SHAPE: &'static str;
    /// Whether `<key>_file` may name a file that holds the value.
    const IS_SECRET: bool = false;

    /// Reads one plain value.
    fn parse(text: &str) -> Result<Self, String>;

    fn read(written: &Written) -> Result<Self, String> {
        match written {
            Written::Text(text) => Self::parse(text),
            Written::List(_) => Err(format!("is a list, but has to be {}", Self::SHAPE)),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// When a step counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When Redis has answered.
    Local,
    /// When a replica has it too.
    Replicated,
}

fn expected<T: Setting>(text: &str) -> String {
    format!("is `{text}`, but has to be {}", T::SHAPE)
}

macro_rules! parsed {
    ($($type:ty: $shape:literal),* $(,)?) => {$(
        impl Setting for $type {
            const SHAPE: &'static str = $shape;
            fn parse(text: &str) -> Result<Self, String> {
                text.trim().parse().map_err(|_| expected::<Self>(text))
            }
        }
    )*};
}

parsed! {
    bool: "true or false",
    u16: "a whole number",
    u32: "a whole number",
    u64: "a whole number",
    usize: "a whole number",
    f32: "a number",
    SocketAddr: "an address and port like 127.0.0.1:8080",
    std::net::IpAddr: "an IP address",
    ByteSize: "a size like 64 KiB or 8 MiB",
}

impl Setting for String {
    const SHAPE: &'static str = "text";
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Setting for PathBuf {
    const SHAPE: &'static str = "a path";
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl Setting for SecretString {
    const SHAPE: &'static str = "text";
    const IS_SECRET: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned().into())
    }
}

impl Setting for Duration {
    const SHAPE: &'static str = "a time like 500ms, 2s or 10m";
    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text.trim()).map_err(|_| expected::<Self>(text))
    }
}

impl Setting for LogFormat {
    const SHAPE: &'static str = "`pretty` or `json`";
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(expected::<Self>(text)),
        }
    }
}

impl Setting for Durability {
    const SHAPE: &'static str = "`local` or `replicated`";
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Self::Local),
            "replicated" => Ok(Self::Replicated),
            _ => Err(expected::<Self>(text)),
        }
    }
}

impl Setting for IpNet {
    const SHAPE: &'static str = "an IP address or network like 10.0.0.0/8";
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        Self::from_str(text)
            .or_else(|_| std::net::IpAddr::from_str(text).map(Self::from))
            .map_err(|_| expected::<Self>(text))
    }
}

impl<T: Setting> Setting for Option<T> {
    const SHAPE: &'static str = T::SHAPE;
    const IS_SECRET: bool = T::IS_SECRET;
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SHAPE: &'static str = T::SHAPE;
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::parse).collect()
    }
    fn read(written: &Written) -> Result<Self, String> {
        match written {
            Written::Text(text) => Self::parse(text),
            Written::List(items) => items.iter().map(|item| T::parse(item)).collect(),
        }
    }
}
