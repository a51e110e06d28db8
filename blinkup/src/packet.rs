//! The packet: what a unit is told, built through types that cannot hold an invalid one.
//!
//! [`Settings`] go in, [`Packet::configure`] lays them out as the vendor's SDK 0.3.0 does, and [`Packet::contents`] gives them back.
//! A [`Packet`] is always well-formed: [`Packet::from_bytes`] takes nothing that [`Packet::configure`] would not have made.

mod entry;
mod settings;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::crc::crc16;

pub use entry::{EntryFault, EntryKind};
pub use settings::{
    Credentials, Enrolment, Field, Password, PlanId, Proxy, SettingsError, Ssid, StaticAddress, Token, Wifi,
};

/// Why bytes or light are not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameError {
    /// The light ended without a start byte after its preamble.
    NoStart,
    /// The length byte is one that no packet has (0 or 1), or does not fit the bytes that follow it.
    Length {
        /// What the length byte says.
        said: u8,
        /// Bytes of entries that are there; `None` while they were still to come.
        found: Option<usize>,
    },
    /// The check value is wrong: at least one bit was misread.
    Crc {
        /// Computed over length and entries.
        computed: u16,
        /// What the last two bytes say.
        said: u16,
    },
    /// The check value is right, but an entry makes no sense.
    Entry {
        /// Offset of the entry's type byte from the length byte.
        offset: usize,
        /// What the type byte says.
        kind: u8,
        /// What is wrong with it.
        fault: EntryFault,
    },
    /// The light ended inside the packet.
    CutShort {
        /// Whole bytes received, from the length byte on.
        received: usize,
        /// Bytes that the packet has by its length byte; `None` where that had not come yet.
        expected: Option<usize>,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStart => f.write_str("no start byte (0x2a) after the preamble"),
            Self::Length { said, found: None } => write!(f, "length byte {said}: expected 2 to 255"),
            Self::Length {
                said,
                found: Some(found),
            } => write!(f, "length byte {said}: {found} bytes of entries follow it"),
            Self::Crc { computed, said } => write!(f, "crc {said:#06x}: expected {computed:#06x}"),
            Self::Entry { offset, kind, fault } => write!(f, "entry of type {kind} at byte {offset}: {fault}"),
            Self::CutShort {
                received,
                expected: Some(expected),
            } => write!(f, "cut short after {received} of {expected} bytes"),
            Self::CutShort {
                received,
                expected: None,
            } => write!(f, "cut short after {received} bytes, before the length byte"),
        }
    }
}

impl core::error::Error for FrameError {}

/// What a packet configures: each part is left out of the packet when it is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Network and password; `None` on Ethernet and cellular units.
    pub wifi: Option<Wifi>,
    /// A static address instead of DHCP.
    pub address: Option<StaticAddress>,
    /// An HTTP proxy.
    pub proxy: Option<Proxy>,
    /// Plan id and token; `None` sends network settings only.
    pub enrolment: Option<Enrolment>,
}

/// What a packet says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Configure the unit.
    Configure(Settings),
    /// Forget all settings.
    ClearSettings,
}

/// A whole packet, from the length byte through the CRC. Its `Debug` shows the size only, for it holds secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    bytes: Box<[u8]>,
    contents: Contents,
}

impl Packet {
    /// The most bytes that all entries of a packet have together: they must fit the one length byte.
    pub const MOST_ENTRIES: usize = 255;
    /// The most bytes of a packet: length byte, entries, CRC.
    pub const MOST_BYTES: usize = 1 + Self::MOST_ENTRIES + 2;

    /// The packet that configures a unit, its entries in the order of the vendor's SDK.
    ///
    /// # Errors
    /// [`SettingsError::Nothing`] when there is nothing in `settings`; [`SettingsError::Total`] when the entries have more than
    /// 255 bytes together.
    pub fn configure(settings: &Settings) -> Result<Self, SettingsError> {
        let mut entries = Vec::new();
        entry::write(settings, &mut entries);
        if entries.is_empty() {
            return Err(SettingsError::Nothing);
        }
        let length = u8::try_from(entries.len()).map_err(|_| SettingsError::Total { bytes: entries.len() })?;
        Ok(Self {
            bytes: seal(length, &entries),
            contents: Contents::Configure(settings.clone()),
        })
    }

    /// The packet that makes a unit forget its settings.
    pub fn clear_settings() -> Self {
        Self {
            bytes: seal(2, &[EntryKind::ClearSettings.code(), 0]),
            contents: Contents::ClearSettings,
        }
    }

    /// The packet that these bytes are, from the length byte through the CRC.
    ///
    /// # Errors
    /// Every variant of [`FrameError`] but `NoStart`: a packet that ends early, a length that does not fit, a wrong check value, or
    /// an entry that [`configure`](Self::configure) would not have written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let cut_short = |expected| FrameError::CutShort {
            received: bytes.len(),
            expected,
        };
        let (&said, rest) = bytes.split_first().ok_or(cut_short(None))?;
        let length = usize::from(said);
        if length < 2 {
            return Err(FrameError::Length { said, found: None });
        }
        let (entries, crc) = rest.split_at_checked(length).ok_or(cut_short(Some(length + 3)))?;
        let [high, low] = *crc else {
            return Err(if crc.len() < 2 {
                cut_short(Some(length + 3))
            } else {
                FrameError::Length {
                    said,
                    found: Some(rest.len() - 2),
                }
            });
        };
        let computed = crc16(bytes.split_at(1 + length).0);
        let said = u16::from_be_bytes([high, low]);
        if computed != said {
            return Err(FrameError::Crc { computed, said });
        }
        Ok(Self {
            bytes: bytes.into(),
            contents: entry::read(entries)?,
        })
    }

    /// The bytes, from the length byte through the CRC; 5 to 258 of them. Secret.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the packet says. Secret in part; `Debug` of the parts hides them.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The settings, unless it is the packet that clears them.
    pub fn settings(&self) -> Option<&Settings> {
        match &self.contents {
            Contents::Configure(settings) => Some(settings),
            Contents::ClearSettings => None,
        }
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Length byte, entries, CRC.
fn seal(length: u8, entries: &[u8]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(entries.len() + 3);
    bytes.push(length);
    bytes.extend_from_slice(entries);
    let crc = crc16(&bytes);
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    /// The second example of the signal's description: no SSID, plan fedcba9876543210, token 0123456789abcdef.
    const ENROLMENT_ONLY: [u8; 21] = [
        0x12, 0x05, 0x10, 0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE, 0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23,
        0x01, 0xE4, 0x01,
    ];

    fn enrolment_only() -> Settings {
        Settings {
            enrolment: Some(Enrolment {
                plan_id: "fedcba9876543210".parse().unwrap(),
                token: "0123456789abcdef".parse().unwrap(),
            }),
            ..Settings::default()
        }
    }

    #[test]
    fn clear_settings_has_the_published_bytes() {
        assert_eq!(
            Packet::clear_settings().bytes(),
            [0x02, 0x07, 0x00, 0x1D, 0x41],
            "length, type, no data, crc"
        );
    }

    #[test]
    fn an_enrolment_alone_has_the_published_bytes() {
        let packet = Packet::configure(&enrolment_only()).unwrap();
        assert_eq!(packet.bytes(), ENROLMENT_ONLY);
    }

    #[test]
    fn a_packet_with_nothing_in_it_is_refused() {
        assert_eq!(Packet::configure(&Settings::default()), Err(SettingsError::Nothing));
    }

    #[test]
    fn entries_beyond_the_length_byte_are_an_error_and_never_wrap() {
        let mut settings = Settings {
            wifi: Some(Wifi {
                ssid: Ssid::new(&"s".repeat(32)).unwrap(),
                password: Password::new(&"p".repeat(64)).unwrap(),
            }),
            ..enrolment_only()
        };
        let proxy = |server: usize| Proxy::new(&"h".repeat(server), core::num::NonZeroU16::MIN, None).unwrap();
        settings.proxy = Some(proxy(132));
        assert_eq!(Packet::configure(&settings).unwrap().bytes().len(), Packet::MOST_BYTES);
        settings.proxy = Some(proxy(133));
        assert_eq!(
            Packet::configure(&settings).map_err(|error| format!("{error}")),
            Err("entries: 256 bytes in all, expected at most 255".into())
        );
    }

    #[test]
    fn every_damaged_byte_is_found() {
        for place in 0..ENROLMENT_ONLY.len() {
            for bit in 0..8 {
                let mut bytes = ENROLMENT_ONLY;
                bytes[place] ^= 1 << bit;
                assert!(Packet::from_bytes(&bytes).is_err(), "byte {place} bit {bit}");
            }
        }
    }

    #[test]
    fn the_reason_says_what_is_wrong_with_the_bytes() {
        let from = |bytes: &[u8]| Packet::from_bytes(bytes).unwrap_err();
        assert_eq!(
            from(&[]),
            FrameError::CutShort {
                received: 0,
                expected: None
            }
        );
        assert_eq!(from(&[1, 7]), FrameError::Length { said: 1, found: None });
        assert_eq!(
            from(&ENROLMENT_ONLY[..20]),
            FrameError::CutShort {
                received: 20,
                expected: Some(21)
            }
        );
        assert_eq!(
            from(&[2, 7, 0, 0x1D, 0x41, 0]),
            FrameError::Length {
                said: 2,
                found: Some(3)
            }
        );
        assert_eq!(
            from(&[2, 7, 0, 0x1D, 0x40]),
            FrameError::Crc {
                computed: 0x1D41,
                said: 0x1D40
            }
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let settings = Settings {
            wifi: Some(Wifi {
                ssid: Ssid::new("plant").unwrap(),
                password: Password::new("hunter2").unwrap(),
            }),
            proxy: Some(
                Proxy::new(
                    "proxy.example",
                    core::num::NonZeroU16::MIN,
                    Some(Credentials::new("user", "hunter3").unwrap()),
                )
                .unwrap(),
            ),
            ..enrolment_only()
        };
        let packet = Packet::configure(&settings).unwrap();
        let shown = format!("{packet:?} {settings:?} {:?}", packet.contents());
        assert!(shown.contains("plant"), "{shown}");
        for secret in ["hunter2", "hunter3", "0123456789abcdef", "103, 137", "104, 117"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
