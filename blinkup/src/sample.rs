//! What a status sensor delivers.

use crate::tick::Tick;

/// Raw counts of an RGBC colour sensor, 0 to its full scale (65535 at most).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counts {
    /// Red channel.
    pub red: u16,
    /// Green channel.
    pub green: u16,
    /// Blue channel.
    pub blue: u16,
    /// Clear (unfiltered) channel.
    pub clear: u16,
}

impl Counts {
    /// The channels in order: red, green, blue, clear.
    pub const fn channels(self) -> [u16; 4] {
        [self.red, self.green, self.blue, self.clear]
    }
}

/// One sample: counts with the start and end of their integration.
///
/// Next to a lamp that is sending, only samples that lie wholly inside a dark symbol see the unit's LED undisturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    /// When the integration started.
    pub start: Tick,
    /// When the integration ended; the time by which a trace names the sample.
    pub end: Tick,
    /// What was counted.
    pub counts: Counts,
}
