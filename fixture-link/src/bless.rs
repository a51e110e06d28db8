//! What the cloud says about a blessing.

use serde::{Deserialize, Serialize};

/// A bless event, from a webhook or from the fixture's own agent; matched to a run by device id or token id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlessEvent {
    /// The sender's id of this event, so that the same event twice counts once.
    pub event: String,
    /// The device that was blessed, 16 hex digits, where the sender knows it.
    #[serde(default)]
    pub device_id: Option<String>,
    /// The id of the token (not the token) that the device used, where the sender knows it.
    #[serde(default)]
    pub token_id: Option<String>,
    /// Whether the blessing was granted.
    pub blessed: bool,
}

impl BlessEvent {
    /// Whether everything in it can be written down and matched.
    ///
    /// # Errors
    /// The field that cannot, and what was expected: an event's id of 1 to 128 printable bytes, a device's of 16 hex digits, a token's of
    /// 1 to 128 bytes, at least one of the latter two.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.event.is_empty() || self.event.len() > 128 || self.event.chars().any(char::is_control) {
            return Err("event: expected an id of 1 to 128 printable bytes");
        }
        let device = |id: &str| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        if self.device_id.as_deref().is_some_and(|id| !device(id)) {
            return Err("device_id: expected 16 hexadecimal digits");
        }
        if self
            .token_id
            .as_deref()
            .is_some_and(|id| id.is_empty() || id.len() > 128)
        {
            return Err("token_id: expected 1 to 128 bytes");
        }
        if self.device_id.is_none() && self.token_id.is_none() {
            return Err("expected device_id, token_id or both");
        }
        Ok(())
    }
}
