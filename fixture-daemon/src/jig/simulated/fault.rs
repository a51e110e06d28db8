//! What can be wrong with a unit, a lane or the line.

use core::fmt;

/// A fault, by the name that scenarios and reports use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The network takes another password than the one in the packet; or the unit stores its last character wrongly.
    WrongPassword,
    /// The network is off the air; or the unit's antenna is.
    NoNetwork,
    /// Nobody hands out an address (to this unit).
    NoDhcp,
    /// No name is resolved (for this unit).
    NoDns,
    /// TCP 31314 is blocked (for this unit).
    PortBlocked,
    /// The cloud refuses the enrolment: a unit of another product.
    Rejected,
    /// The unit's program crashes as soon as it is online.
    CrashLoop,
    /// The supply breaks down as soon as the radio is on.
    BrownOut,
    /// The LED never lights.
    DeadLed,
    /// The supply is too weak: red for ever.
    PowerFaultSolid,
    /// The supply is too weak: one reset after the other.
    PowerFaultRapid,
    /// The SPI flash does not answer.
    FlashMissing,
    /// The SPI flash fails.
    FlashBad,
    /// No signed impOS image.
    NoFirmware,
    /// The unit does not see the lamp.
    Misaligned,
    /// Every packet arrives damaged.
    PacketDamaged,
    /// The first packet arrives damaged.
    PacketDamagedOnce,
    /// Early impOS, whose receiver is too slow for 60 symbols a second.
    SlowReceiver,
    /// A receiver that full light saturates, so that it cannot tell mid from bright.
    DazzledReceiver,
    /// An impOS update that takes longer than any line waits: its green must not pass.
    SlowUpdate,
    /// The unit fails its tests: solid red, and no blessing.
    BlessFailed,
    /// Blessed, but the cloud's event never arrives.
    BlessEventMissing,
    /// Blessed, but the cloud's event arrives after the verdict.
    BlessEventLate,
    /// The cloud says blessed while the unit shows red.
    BlessEventForRed,
    /// The cloud never says which device used the token.
    NoDeviceId,
    /// The unit is taken out before its verdict.
    LiftedEarly,
    /// A person stops the run.
    OperatorStop,
    /// The unit starts again and again and never gets ready.
    NeverReady,
    /// The unit has a configuration already and uses it.
    AlreadyConfigured,
    /// The unit loses its connection after it was online.
    LosesConnection,
    /// The slow red of imp004m boards with a suspect flash.
    SlowRed,
    /// The lamp does not light.
    DeadLamp,
    /// The lamp gives a small part of its light.
    WeakLamp,
    /// The lamp's mid light is as bright as its bright light: a resistor's short circuit.
    LampLevels,
    /// The lamp's light follows its orders late.
    LampLags,
    /// The LED gives a small part of its light.
    DimLed,
    /// The LED's green die gives half of its light beside the red one.
    OffColourLed,
    /// The sensor's registers do not change.
    SensorStuck,
    /// The sensor's bus does not answer.
    SensorSilent,
    /// The sensor is out of range.
    SensorSaturated,
    /// The lid is open.
    BrightAmbient,
    /// The sender stutters: symbols come late.
    LateSymbols,
    /// No enrolment token can be had.
    TokenUnavailable,
}

/// What a fault is a fault of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One unit, as long as it lives (or for its first runs).
    Unit,
    /// One lane, for a time.
    Lane,
    /// All lanes, for a time.
    Line,
}

impl Scope {
    /// The scope's name in scenarios.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Lane => "lane",
            Self::Line => "line",
        }
    }

    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Lane, Self::Line];
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 43] = [
        Self::WrongPassword,
        Self::NoNetwork,
        Self::NoDhcp,
        Self::NoDns,
        Self::PortBlocked,
        Self::Rejected,
        Self::CrashLoop,
        Self::BrownOut,
        Self::DeadLed,
        Self::PowerFaultSolid,
        Self::PowerFaultRapid,
        Self::FlashMissing,
        Self::FlashBad,
        Self::NoFirmware,
        Self::Misaligned,
        Self::PacketDamaged,
        Self::PacketDamagedOnce,
        Self::SlowReceiver,
        Self::DazzledReceiver,
        Self::SlowUpdate,
        Self::BlessFailed,
        Self::BlessEventMissing,
        Self::BlessEventLate,
        Self::BlessEventForRed,
        Self::NoDeviceId,
        Self::LiftedEarly,
        Self::OperatorStop,
        Self::NeverReady,
        Self::AlreadyConfigured,
        Self::LosesConnection,
        Self::SlowRed,
        Self::DeadLamp,
        Self::WeakLamp,
        Self::LampLevels,
        Self::LampLags,
        Self::DimLed,
        Self::OffColourLed,
        Self::SensorStuck,
        Self::SensorSilent,
        Self::SensorSaturated,
        Self::BrightAmbient,
        Self::LateSymbols,
        Self::TokenUnavailable,
    ];

    /// The fault's name in scenarios and reports, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong-password",
            Self::NoNetwork => "no-network",
            Self::NoDhcp => "no-dhcp",
            Self::NoDns => "no-dns",
            Self::PortBlocked => "port-blocked",
            Self::Rejected => "rejected",
            Self::CrashLoop => "crash-loop",
            Self::BrownOut => "brown-out",
            Self::DeadLed => "dead-led",
            Self::PowerFaultSolid => "power-fault-solid",
            Self::PowerFaultRapid => "power-fault-rapid",
            Self::FlashMissing => "flash-missing",
            Self::FlashBad => "flash-bad",
            Self::NoFirmware => "no-firmware",
            Self::Misaligned => "misaligned",
            Self::PacketDamaged => "packet-damaged",
            Self::PacketDamagedOnce => "packet-damaged-once",
            Self::SlowReceiver => "slow-receiver",
            Self::DazzledReceiver => "dazzled-receiver",
            Self::SlowUpdate => "slow-update",
            Self::BlessFailed => "bless-failed",
            Self::BlessEventMissing => "bless-event-missing",
            Self::BlessEventLate => "bless-event-late",
            Self::BlessEventForRed => "bless-event-for-red",
            Self::NoDeviceId => "no-device-id",
            Self::LiftedEarly => "lifted-early",
            Self::OperatorStop => "operator-stop",
            Self::NeverReady => "never-ready",
            Self::AlreadyConfigured => "already-configured",
            Self::LosesConnection => "loses-connection",
            Self::SlowRed => "slow-red",
            Self::DeadLamp => "dead-lamp",
            Self::WeakLamp => "weak-lamp",
            Self::LampLevels => "lamp-levels",
            Self::LampLags => "lamp-lags",
            Self::DimLed => "dim-led",
            Self::OffColourLed => "off-colour-led",
            Self::SensorStuck => "sensor-stuck",
            Self::SensorSilent => "sensor-silent",
            Self::SensorSaturated => "sensor-saturated",
            Self::BrightAmbient => "bright-ambient",
            Self::LateSymbols => "late-symbols",
            Self::TokenUnavailable => "token-unavailable",
        }
    }

    /// What it can be a fault of.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::WrongPassword | Self::NoNetwork | Self::NoDhcp | Self::NoDns | Self::PortBlocked => {
                &[Scope::Unit, Scope::Line]
            }
            Self::Rejected
            | Self::CrashLoop
            | Self::BrownOut
            | Self::DeadLed
            | Self::PowerFaultSolid
            | Self::PowerFaultRapid
            | Self::FlashMissing
            | Self::FlashBad
            | Self::NoFirmware
            | Self::Misaligned
            | Self::PacketDamaged
            | Self::PacketDamagedOnce
            | Self::SlowReceiver
            | Self::DazzledReceiver
            | Self::SlowUpdate
            | Self::BlessFailed
            | Self::BlessEventMissing
            | Self::BlessEventLate
            | Self::BlessEventForRed
            | Self::NoDeviceId
            | Self::LiftedEarly
            | Self::OperatorStop
            | Self::NeverReady
            | Self::AlreadyConfigured
            | Self::LosesConnection
            | Self::SlowRed
            | Self::DimLed
            | Self::OffColourLed => &[Scope::Unit],
            Self::DeadLamp
            | Self::WeakLamp
            | Self::LampLevels
            | Self::LampLags
            | Self::SensorStuck
            | Self::SensorSilent
            | Self::SensorSaturated => &[Scope::Lane],
            Self::BrightAmbient | Self::LateSymbols => &[Scope::Lane, Scope::Line],
            Self::TokenUnavailable => &[Scope::Line],
        }
    }
}

/// What of a unit's way a line uses: faults of the rest do not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uses {
    /// Enrols units, and they test and bless themselves.
    Blessing,
    /// Enrols units.
    Enrolment,
    /// Configures units only.
    Settings,
}

impl Fault {
    /// Whether the fault is one of an LED whose pattern is as it should be: only a recipe with limits for the LED tells it.
    pub const fn is_of_light(self) -> bool {
        matches!(self, Self::DimLed | Self::OffColourLed)
    }

    /// Whether the fault can show on a line that uses no more than this.
    pub const fn shows_on(self, uses: Uses) -> bool {
        match self {
            Self::BlessFailed | Self::BlessEventMissing | Self::BlessEventLate | Self::BlessEventForRed => {
                matches!(uses, Uses::Blessing)
            }
            Self::NoDeviceId | Self::TokenUnavailable => matches!(uses, Uses::Blessing | Uses::Enrolment),
            Self::WrongPassword
            | Self::NoNetwork
            | Self::NoDhcp
            | Self::NoDns
            | Self::PortBlocked
            | Self::Rejected
            | Self::CrashLoop
            | Self::BrownOut
            | Self::DeadLed
            | Self::PowerFaultSolid
            | Self::PowerFaultRapid
            | Self::FlashMissing
            | Self::FlashBad
            | Self::NoFirmware
            | Self::Misaligned
            | Self::PacketDamaged
            | Self::PacketDamagedOnce
            | Self::SlowReceiver
            | Self::DazzledReceiver
            | Self::SlowUpdate
            | Self::LiftedEarly
            | Self::OperatorStop
            | Self::NeverReady
            | Self::AlreadyConfigured
            | Self::LosesConnection
            | Self::SlowRed
            | Self::DeadLamp
            | Self::WeakLamp
            | Self::LampLevels
            | Self::LampLags
            | Self::DimLed
            | Self::OffColourLed
            | Self::SensorStuck
            | Self::SensorSilent
            | Self::SensorSaturated
            | Self::BrightAmbient
            | Self::LateSymbols => true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
