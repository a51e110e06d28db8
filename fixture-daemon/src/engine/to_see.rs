//! What a person should see to, as whoever finds it says it: still without a time.

/// Something that a person should see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSee {
    /// The part that it is about.
    pub part: String,
    /// What is so, one sentence.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}
