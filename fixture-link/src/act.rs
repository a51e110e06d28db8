//! What a person does: always audited, with who, when and why.

use serde::{Deserialize, Serialize};

use crate::identity::{LaneId, Serial};

/// An act and who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// The person, or `console` for the local console.
    pub by: String,
    /// What is to be done.
    pub act: Act,
}

/// What a person can do to the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Starts the unit that lies in a lane, where the recipe does not start by itself; or the line again after a stop.
    Start {
        /// The lane; all of the line when left out.
        #[serde(default)]
        lane: Option<LaneId>,
        /// The unit's serial, typed or scanned, where the lane has none yet.
        #[serde(default)]
        serial: Option<Serial>,
    },
    /// Stops a lane's run, or the line.
    Stop {
        /// The lane; all of the line when left out.
        #[serde(default)]
        lane: Option<LaneId>,
        /// Why; 1 to 200 characters.
        reason: String,
    },
    /// Acknowledges what stopped the line; it goes on.
    Acknowledge {
        /// What was found or done; may be empty.
        #[serde(default)]
        note: String,
    },
    /// Lifts a quarantine or the retest limit of a unit.
    Unlock {
        /// The unit.
        serial: Serial,
        /// Why; 1 to 200 characters.
        reason: String,
    },
    /// Names the lot that the next units belong to.
    Lot {
        /// The lot; empty for none.
        lot: String,
    },
    /// Names the work order that the next units belong to.
    WorkOrder {
        /// The work order; empty for none.
        work_order: String,
    },
}

/// The daemon's answer to an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ActAnswer {
    /// Done, and audited.
    Done,
    /// Not done; the attempt is audited as well.
    Refused {
        /// What was expected, for the person.
        why: String,
    },
}
