//! The packet: what a unit is told, built through types that cannot hold an invalid one.

/// Network name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wifi {}
/// A static address instead of DHCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticAddress {}
/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {}
/// An enrolment token; secret, `Debug` shows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {}
/// A plan id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanId {}
/// A whole packet, from the length byte through the CRC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {}
