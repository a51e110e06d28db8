//! How a state looks: one vocabulary of colours and shapes for screen and pages.

/// What kind of thing a lane shows. Each has its own colour, shape and place; only those that need a person have a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// Nothing to judge, nothing to do but the next unit.
    Idle,
    /// A run is in progress: leave it alone.
    Running,
    /// PASS.
    Pass,
    /// FAIL.
    Fail,
    /// ERROR: the fixture or the network.
    Error,
    /// UNDECIDED: a person decides.
    Undecided,
    /// ABORTED or INTERRUPTED: no judgement.
    Aborted,
    /// A start that was not allowed.
    Refused,
    /// The lane takes no units.
    Stopped,
    /// The lane waits for its line: nothing is wrong with it.
    Held,
}

/// The shape beside the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// An open tray: put a unit in.
    Tray,
    /// Three dots: something is going on.
    Dots,
    /// A tick.
    Tick,
    /// A cross.
    Cross,
    /// A triangle with an exclamation mark.
    Triangle,
    /// A diamond with a question mark.
    Diamond,
    /// A square with a bar.
    Square,
    /// A ring with a bar across, as on a no-entry sign.
    NoEntry,
    /// An octagon with a raised bar.
    Octagon,
    /// A flag on its pole: something to see to, beside what the lanes do.
    Flag,
    /// A pair of dividers: something is measured.
    Dividers,
}

impl Look {
    /// Its shape.
    pub const fn shape(self) -> Shape {
        match self {
            Self::Idle => Shape::Tray,
            Self::Running => Shape::Dots,
            Self::Pass => Shape::Tick,
            Self::Fail => Shape::Cross,
            Self::Error => Shape::Triangle,
            Self::Undecided => Shape::Diamond,
            Self::Aborted => Shape::Square,
            Self::Refused => Shape::NoEntry,
            Self::Stopped | Self::Held => Shape::Octagon,
        }
    }

    /// Its name in style sheets.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Undecided => "undecided",
            Self::Aborted => "aborted",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Held => "held",
        }
    }
}
