//! What people are to a fixture, and what each may do.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::act::Act;
use crate::verdict::Unknown;

/// What a person is to a fixture. A person has one role; [`Admin`](Self::Admin) may do everything, since it could give itself any role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Works at the line.
    Operator,
    /// Answers for what is shipped.
    Qa,
    /// Answers for the fixture.
    Engineer,
    /// Decides who is who.
    Admin,
}

impl Role {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Operator, Self::Qa, Self::Engineer, Self::Admin];

    /// The name in records and forms, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Qa => "qa",
            Self::Engineer => "engineer",
            Self::Admin => "admin",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Qa => "QA",
            Self::Engineer => "engineer",
            Self::Admin => "administrator",
        }
    }

    /// Whether somebody of this role may do what needs a right.
    pub const fn has(self, right: Right) -> bool {
        match (self, right) {
            (Self::Admin, _) | (_, Right::Look) => true,
            (Self::Viewer, _) => false,
            (Self::Operator, Right::RunTheLine) => true,
            (
                Self::Operator,
                Right::JudgeUnits
                | Right::ChangeTheFixture
                | Right::StudyTheFixture
                | Right::ReadTheAudit
                | Right::KeepAccounts,
            ) => false,
            (Self::Qa, Right::RunTheLine | Right::JudgeUnits | Right::StudyTheFixture | Right::ReadTheAudit) => true,
            (Self::Qa, Right::ChangeTheFixture | Right::KeepAccounts) => false,
            (
                Self::Engineer,
                Right::RunTheLine | Right::ChangeTheFixture | Right::StudyTheFixture | Right::ReadTheAudit,
            ) => true,
            (Self::Engineer, Right::JudgeUnits | Right::KeepAccounts) => false,
        }
    }

    /// Whether somebody of this role may do an act.
    pub const fn may(self, act: &Act) -> bool {
        self.has(act.needs())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "role"))
    }
}

/// A right, which a role has or has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// To read pages, reports and exports.
    Look,
    /// To start and stop, to acknowledge, to choose the lot, to set a unit aside.
    RunTheLine,
    /// To unlock and dispose of units, to mark golden ones.
    JudgeUnits,
    /// To change recipes and limits, to shelve alarms.
    ChangeTheFixture,
    /// To begin and end a gauge study.
    StudyTheFixture,
    /// To read who did what.
    ReadTheAudit,
    /// To make accounts and tokens, and to take them away.
    KeepAccounts,
}

impl Right {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Look,
        Self::RunTheLine,
        Self::JudgeUnits,
        Self::ChangeTheFixture,
        Self::StudyTheFixture,
        Self::ReadTheAudit,
        Self::KeepAccounts,
    ];

    /// The right in words, as what follows "may".
    pub const fn title(self) -> &'static str {
        match self {
            Self::Look => "read pages, reports and exports",
            Self::RunTheLine => "start and stop, acknowledge, choose the lot, set units aside",
            Self::JudgeUnits => "unlock and dispose of units, mark golden ones",
            Self::ChangeTheFixture => "change recipes and limits, shelve alarms",
            Self::StudyTheFixture => "begin and end a gauge study",
            Self::ReadTheAudit => "read who did what",
            Self::KeepAccounts => "make accounts and tokens, and take them away",
        }
    }
}

impl Act {
    /// The right that this act needs.
    pub const fn needs(&self) -> Right {
        match self {
            // Everybody changes the own password: the web service decides whose it is.
            Self::Account { .. } => Right::Look,
            Self::Start { .. }
            | Self::Stop { .. }
            | Self::Acknowledge { .. }
            | Self::Lot { .. }
            | Self::WorkOrder { .. }
            | Self::Operator { .. }
            | Self::Quarantine { .. }
            | Self::GoldenCheck { .. }
            | Self::Language { .. } => Right::RunTheLine,
            Self::Unlock { .. } | Self::Dispose { .. } | Self::Mark { .. } => Right::JudgeUnits,
            Self::Shelve { .. } | Self::Recipe { .. } => Right::ChangeTheFixture,
            Self::Study { .. } => Right::StudyTheFixture,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_what_it_needs_and_nothing_more() {
        let rights = |role: Role| Right::ALL.map(|right| u8::from(role.has(right)));
        assert_eq!(rights(Role::Viewer), [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(rights(Role::Operator), [1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(rights(Role::Qa), [1, 1, 1, 0, 1, 1, 0]);
        assert_eq!(rights(Role::Engineer), [1, 1, 0, 1, 1, 1, 0]);
        assert_eq!(rights(Role::Admin), [1; 7]);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>(), Ok(role));
        }
    }
}
