//! The entries of a packet: type, length, data.

use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;
use core::num::NonZeroU16;

use super::{
    Contents, Credentials, Enrolment, FrameError, Password, PlanId, Proxy, Settings, SettingsError, Ssid,
    StaticAddress, Token, Wifi,
};

/// The type of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The network's name.
    Ssid,
    /// The network's password; present with length 0 on an open network.
    Password,
    /// A static address.
    Address,
    /// A proxy.
    Proxy,
    /// Plan id and token.
    Enrolment,
    /// Forget all settings; sent alone.
    ClearSettings,
}

impl EntryKind {
    /// The kinds in their order on the wire.
    const WIRE_ORDER: [Self; 6] = [
        Self::Ssid,
        Self::Password,
        Self::Address,
        Self::Proxy,
        Self::Enrolment,
        Self::ClearSettings,
    ];

    /// The type byte.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ssid => 1,
            Self::Password => 6,
            Self::Address => 11,
            Self::Proxy => 13,
            Self::Enrolment => 5,
            Self::ClearSettings => 7,
        }
    }

    /// The kind that a type byte names, and its place on the wire.
    fn placed(code: u8) -> Option<(usize, Self)> {
        Self::WIRE_ORDER
            .into_iter()
            .enumerate()
            .find(|(_, kind)| kind.code() == code)
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryFault {
    /// No entry has this type.
    UnknownKind,
    /// The packet ends before the entry does.
    Overruns,
    /// It comes again, or after an entry that it must come before.
    OutOfOrder,
    /// The password of a network without name, a name without password, or `clear settings` beside something else.
    Alone,
    /// Its data have a length that they cannot have.
    Length {
        /// Bytes of data.
        bytes: usize,
    },
    /// A text is not UTF-8.
    Utf8,
    /// A text has too few or too many bytes.
    Text(SettingsError),
    /// The proxy's port is 0.
    PortZero,
}

impl fmt::Display for EntryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind => f.write_str("expected one of the types 1, 6, 11, 13, 5, 7"),
            Self::Overruns => f.write_str("longer than the packet"),
            Self::OutOfOrder => f.write_str("expected each once, in the order 1, 6, 11, 13, 5"),
            Self::Alone => f.write_str("expected 1 and 6 together, and 7 by itself"),
            Self::Length { bytes } => write!(f, "{bytes} bytes of data do not fit its type"),
            Self::Utf8 => f.write_str("text is not UTF-8"),
            Self::Text(error) => error.fmt(f),
            Self::PortZero => f.write_str("proxy.port: 0, expected 1 to 65535"),
        }
    }
}

/// Appends one entry. Data longer than a byte can say make the whole longer than a packet can be, which the caller refuses.
fn push(kind: EntryKind, data: &[&[u8]], entries: &mut Vec<u8>) {
    let length: usize = data.iter().map(|part| part.len()).sum();
    entries.push(kind.code());
    entries.push(u8::try_from(length).unwrap_or(u8::MAX));
    for part in data {
        entries.extend_from_slice(part);
    }
}

/// Appends the settings' entries in their order on the wire.
pub(super) fn write(settings: &Settings, entries: &mut Vec<u8>) {
    let Settings {
        wifi,
        address,
        proxy,
        enrolment,
    } = settings;
    if let Some(Wifi { ssid, password }) = wifi {
        push(EntryKind::Ssid, &[ssid.as_str().as_bytes()], entries);
        push(EntryKind::Password, &[password.as_str().as_bytes()], entries);
    }
    if let Some(address) = address {
        let second = address.dns2.map(|dns2| dns2.octets());
        push(
            EntryKind::Address,
            &[
                &address.ip.octets(),
                &address.netmask.octets(),
                &address.gateway.octets(),
                &address.dns1.octets(),
                second.as_ref().map_or(&[], |octets| octets),
            ],
            entries,
        );
    }
    if let Some(proxy) = proxy {
        let port = proxy.port().get().to_le_bytes();
        let server = proxy.server().as_bytes();
        if let Some(credentials) = proxy.credentials() {
            let username = credentials.username().as_bytes();
            let password = credentials.password().as_bytes();
            push(
                EntryKind::Proxy,
                &[
                    &port,
                    &[length_byte(server)],
                    server,
                    &[length_byte(username)],
                    username,
                    &[length_byte(password)],
                    password,
                ],
                entries,
            );
        } else {
            push(EntryKind::Proxy, &[&port, &[length_byte(server)], server], entries);
        }
    }
    if let Some(Enrolment { plan_id, token }) = enrolment {
        let mut plan_id = plan_id.bytes();
        let mut token = token.bytes();
        plan_id.reverse();
        token.reverse();
        push(EntryKind::Enrolment, &[&plan_id, &token], entries);
    }
}

/// The length byte of a text of at most 250 bytes.
fn length_byte(text: &[u8]) -> u8 {
    u8::try_from(text.len()).unwrap_or(u8::MAX)
}

/// Reads all entries of a packet.
pub(super) fn read(entries: &[u8]) -> Result<Contents, FrameError> {
    let mut settings = Settings::default();
    let mut ssid = None;
    let mut clear = false;
    let mut least_place = 0;
    let mut last = (1, 0);
    let mut offset = 1;
    let mut rest = entries;
    while let Some((&code, after)) = rest.split_first() {
        let wrong = |fault| FrameError::Entry {
            offset,
            kind: code,
            fault,
        };
        let (place, kind) = EntryKind::placed(code).ok_or(wrong(EntryFault::UnknownKind))?;
        let (data, after) = after
            .split_first()
            .and_then(|(&length, after)| after.split_at_checked(usize::from(length)))
            .ok_or(wrong(EntryFault::Overruns))?;
        if place < least_place {
            return Err(wrong(EntryFault::OutOfOrder));
        }
        match kind {
            EntryKind::Ssid => ssid = Some(name(data).map_err(wrong)?),
            EntryKind::Password => {
                let password = password(data).map_err(wrong)?;
                let ssid = ssid.take().ok_or(wrong(EntryFault::Alone))?;
                settings.wifi = Some(Wifi { ssid, password });
            }
            EntryKind::Address => settings.address = Some(address(data).map_err(wrong)?),
            EntryKind::Proxy => settings.proxy = Some(proxy(data).map_err(wrong)?),
            EntryKind::Enrolment => settings.enrolment = Some(enrolment(data).map_err(wrong)?),
            EntryKind::ClearSettings if offset > 1 => return Err(wrong(EntryFault::Alone)),
            EntryKind::ClearSettings if !data.is_empty() => {
                return Err(wrong(EntryFault::Length { bytes: data.len() }));
            }
            EntryKind::ClearSettings => clear = true,
        }
        if ssid.is_some() && kind != EntryKind::Ssid {
            return Err(wrong(EntryFault::Alone));
        }
        last = (offset, code);
        least_place = place + 1;
        offset += 2 + data.len();
        rest = after;
    }
    if ssid.is_some() {
        let (offset, kind) = last;
        return Err(FrameError::Entry {
            offset,
            kind,
            fault: EntryFault::Alone,
        });
    }
    Ok(if clear {
        Contents::ClearSettings
    } else {
        Contents::Configure(settings)
    })
}

fn text(data: &[u8]) -> Result<&str, EntryFault> {
    core::str::from_utf8(data).map_err(|_| EntryFault::Utf8)
}

fn name(data: &[u8]) -> Result<Ssid, EntryFault> {
    Ssid::new(text(data)?).map_err(EntryFault::Text)
}

fn password(data: &[u8]) -> Result<Password, EntryFault> {
    Password::new(text(data)?).map_err(EntryFault::Text)
}

fn address(data: &[u8]) -> Result<StaticAddress, EntryFault> {
    let (addresses, []) = data.as_chunks::<4>() else {
        return Err(EntryFault::Length { bytes: data.len() });
    };
    let (&[ip, netmask, gateway, dns1], dns2) = addresses
        .split_first_chunk::<4>()
        .filter(|(_, more)| more.len() < 2)
        .ok_or(EntryFault::Length { bytes: data.len() })?;
    Ok(StaticAddress {
        ip: Ipv4Addr::from(ip),
        netmask: Ipv4Addr::from(netmask),
        gateway: Ipv4Addr::from(gateway),
        dns1: Ipv4Addr::from(dns1),
        dns2: dns2.first().copied().map(Ipv4Addr::from),
    })
}

/// A text with its length byte before it, and what follows.
fn counted(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = data.split_first()?;
    rest.split_at_checked(usize::from(length))
}

fn proxy(data: &[u8]) -> Result<Proxy, EntryFault> {
    let wrong_length = EntryFault::Length { bytes: data.len() };
    let (&port, rest) = data.split_first_chunk::<2>().ok_or(wrong_length)?;
    let port = NonZeroU16::new(u16::from_le_bytes(port)).ok_or(EntryFault::PortZero)?;
    let (server, rest) = counted(rest).ok_or(wrong_length)?;
    let credentials = if rest.is_empty() {
        None
    } else {
        let (username, rest) = counted(rest).ok_or(wrong_length)?;
        let (password, rest) = counted(rest).ok_or(wrong_length)?;
        if !rest.is_empty() {
            return Err(wrong_length);
        }
        Some(Credentials::new(text(username)?, text(password)?).map_err(EntryFault::Text)?)
    };
    Proxy::new(text(server)?, port, credentials).map_err(EntryFault::Text)
}

fn enrolment(data: &[u8]) -> Result<Enrolment, EntryFault> {
    let ([plan_id, token], []) = data.as_chunks::<8>() else {
        return Err(EntryFault::Length { bytes: data.len() });
    };
    let (mut plan_id, mut token) = (*plan_id, *token);
    plan_id.reverse();
    token.reverse();
    Ok(Enrolment {
        plan_id: PlanId::from_bytes(plan_id),
        token: Token::from_bytes(token),
    })
}
