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
