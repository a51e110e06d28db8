//! What a status LED can say: the status codes, and the patterns of light that they share.

/// A colour of the bicolour status LED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Colour {
    /// Neither die lit.
    Off,
    /// The red die.
    Red,
    /// Both dice.
    Amber,
    /// The green die.
    Green,
}

/// A pattern's place in its [`CodeTable`]: small, copyable, valid for that table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(pub u16);

/// A checked table of status codes.
#[derive(Debug, Clone)]
pub struct CodeTable {}
