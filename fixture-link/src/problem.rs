//! Why a request was not carried out.

use serde::{Deserialize, Serialize};

/// The body of every answer whose status is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// What was wrong with the request and what was expected, one sentence.
    pub error: String,
}
