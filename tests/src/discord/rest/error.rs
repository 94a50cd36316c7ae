//! Refusals as the API words them: discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes.

use serde_json::{Value, json};

/// A status and `{code, message, errors}`: discord.com/developers/docs/reference#error-messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: &'static str,
    /// What is wrong with which field, for code 50035.
    pub(crate) errors: Option<Value>,
}

impl Failure {
    const fn new(status: u16, code: u32, message: &'static str) -> Self {
        Self { status, code, message, errors: None }
    }

    pub(crate) const UNAUTHORIZED: Self = Self::new(401, 0, "401: Unauthorized");
    pub(crate) const NO_ROUTE: Self = Self::new(404, 0, "404: Not Found");
    pub(crate) const NO_METHOD: Self = Self::new(405, 0, "405: Method Not Allowed");
    pub(crate) const NO_VERSION: Self = Self::new(400, 50_041, "Invalid API version provided");
    pub(crate) const UNKNOWN_CHANNEL: Self = Self::new(404, 10_003, "Unknown Channel");
    pub(crate) const UNKNOWN_GUILD: Self = Self::new(404, 10_004, "Unknown Guild");
    pub(crate) const UNKNOWN_MEMBER: Self = Self::new(404, 10_007, "Unknown Member");
    pub(crate) const UNKNOWN_MESSAGE: Self = Self::new(404, 10_008, "Unknown Message");
    pub(crate) const UNKNOWN_USER: Self = Self::new(404, 10_013, "Unknown User");
    pub(crate) const UNKNOWN_EMOJI: Self = Self::new(400, 10_014, "Unknown Emoji");
    pub(crate) const UNKNOWN_WEBHOOK: Self = Self::new(404, 10_015, "Unknown Webhook");
    pub(crate) const UNKNOWN_INTERACTION: Self = Self::new(404, 10_062, "Unknown interaction");
    pub(crate) const TOO_LARGE: Self = Self::new(413, 40_005, "Request entity too large");
    pub(crate) const ALREADY_ANSWERED: Self = Self::new(400, 40_060, "Interaction has already been acknowledged.");
    pub(crate) const MISSING_ACCESS: Self = Self::new(403, 50_001, "Missing Access");
    pub(crate) const NOT_YOURS: Self = Self::new(403, 50_005, "Cannot edit a message authored by another user");
    pub(crate) const EMPTY: Self = Self::new(400, 50_006, "Cannot send an empty message");
    pub(crate) const CLOSED_DM: Self = Self::new(403, 50_007, "Cannot send messages to this user");
    pub(crate) const WRONG_KIND: Self = Self::new(400, 50_024, "Cannot execute action on this channel type");
    pub(crate) const MISSING_PERMISSIONS: Self = Self::new(403, 50_013, "Missing Permissions");
    pub(crate) const BULK_COUNT: Self = Self::new(
        400,
        50_016,
        "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete",
    );
    pub(crate) const BULK_AGE: Self =
        Self::new(400, 50_034, "You can only bulk delete messages that are under 14 days old.");
    pub(crate) const INVALID_TOKEN: Self = Self::new(401, 50_027, "Invalid Webhook Token");
    pub(crate) const NOT_JSON: Self = Self::new(400, 50_109, "The request body contains invalid JSON.");
    pub(crate) const HAS_THREAD: Self = Self::new(400, 160_004, "A thread has already been created for this message");

    /// 50035 with what is wrong where.
    pub(crate) fn form(errors: Value) -> Self {
        Self { errors: Some(errors), ..Self::new(400, 50_035, "Invalid Form Body") }
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }
}

/// Collects what is wrong with a form.
#[derive(Debug, Default)]
pub(crate) struct Errors(Value);

impl Errors {
    /// `path` is as `components.0.label`.
    pub(crate) fn add(&mut self, path: &str, code: &str, message: &str) {
        let place = path.split('.').fold(&mut self.0, |place, part| &mut place[part]);
        if place["_errors"].is_null() {
            place["_errors"] = json!([]);
        }
        if let Value::Array(list) = &mut place["_errors"] {
            list.push(json!({ "code": code, "message": message }));
        }
    }

    /// Adds an error where `text` has more characters than `max`, or none.
    pub(crate) fn length(&mut self, path: &str, text: &str, max: usize) {
        if text.chars().count() > max {
            self.add(path, "BASE_TYPE_MAX_LENGTH", &format!("Must be {max} or fewer in length."));
        }
    }

    pub(crate) fn result(self) -> Result<(), Failure> {
        if self.0.is_null() { Ok(()) } else { Err(Failure::form(self.0)) }
    }
}
