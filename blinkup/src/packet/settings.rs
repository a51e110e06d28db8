//! The parts of the settings: each holds only what a packet can carry.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::Ipv4Addr;
use core::num::NonZeroU16;
use core::str::FromStr;

use super::Packet;

/// A part of the settings, by the name that it has in configuration files and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The network's name.
    Ssid,
    /// The network's password.
    Password,
    /// The plan id.
    PlanId,
    /// The enrolment token.
    Token,
    /// The proxy's host.
    ProxyServer,
    /// The user name at the proxy.
    ProxyUsername,
    /// The password at the proxy.
    ProxyPassword,
}

impl Field {
    /// The name, as in `proxy.server`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ssid => "ssid",
            Self::Password => "password",
            Self::PlanId => "plan_id",
            Self::Token => "token",
            Self::ProxyServer => "proxy.server",
            Self::ProxyUsername => "proxy.username",
            Self::ProxyPassword => "proxy.password",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why settings cannot be sent: which field, and its limit. Never shows the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettingsError {
    /// A text is too short or too long.
    Length {
        /// Which.
        field: Field,
        /// Its length in bytes of UTF-8.
        bytes: usize,
        /// The fewest bytes.
        least: usize,
        /// The most bytes.
        most: usize,
    },
    /// An id is not 16 hexadecimal digits.
    Hex {
        /// Which.
        field: Field,
    },
    /// All entries together do not fit the packet's one length byte.
    Total {
        /// Their bytes.
        bytes: usize,
    },
    /// There is nothing to send.
    Nothing,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length {
                field,
                bytes,
                least,
                most,
            } => write!(f, "{field}: {bytes} bytes, expected {least} to {most}"),
            Self::Hex { field } => write!(f, "{field}: expected 16 hexadecimal digits"),
            Self::Total { bytes } => write!(
                f,
                "entries: {bytes} bytes in all, expected at most {}",
                Packet::MOST_ENTRIES
            ),
            Self::Nothing => {
                f.write_str("settings: nothing to send, expected at least one of ssid, static, proxy, token")
            }
        }
    }
}

impl core::error::Error for SettingsError {}

/// Checks a text's length in bytes.
fn fitting(field: Field, text: &str, least: usize, most: usize) -> Result<String, SettingsError> {
    let bytes = text.len();
    if (least..=most).contains(&bytes) {
        Ok(text.to_string())
    } else {
        Err(SettingsError::Length {
            field,
            bytes,
            least,
            most,
        })
    }
}

/// The name of a Wi-Fi network: 1 to 32 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ssid(String);

impl Ssid {
    /// The most bytes of a name (IEEE 802.11).
    pub const MOST_BYTES: usize = 32;

    /// A network's name.
    ///
    /// # Errors
    /// The name has no byte, or more than 32 in UTF-8.
    pub fn new(name: &str) -> Result<Self, SettingsError> {
        fitting(Field::Ssid, name, 1, Self::MOST_BYTES).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The password of a Wi-Fi network: 0 (an open network) to 64 bytes of UTF-8. Secret; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Password(String);

impl Password {
    /// The most bytes of a password: a WPA key written as 64 hexadecimal digits.
    pub const MOST_BYTES: usize = 64;

    /// A network's password; empty for an open network.
    ///
    /// # Errors
    /// The password has more than 64 bytes in UTF-8.
    pub fn new(password: &str) -> Result<Self, SettingsError> {
        fitting(Field::Password, password, 0, Self::MOST_BYTES).map(Self)
    }

    /// The password. Secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A Wi-Fi network and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wifi {
    /// The network's name.
    pub ssid: Ssid,
    /// Its password.
    pub password: Password,
}

/// Eight bytes from 16 hexadecimal digits of either case.
fn eight_bytes(field: Field, digits: &str) -> Result<[u8; 8], SettingsError> {
    let all_hex = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !all_hex {
        return Err(SettingsError::Hex { field });
    }
    u64::from_str_radix(digits, 16)
        .map(u64::to_be_bytes)
        .map_err(|_| SettingsError::Hex { field })
}

/// A plan id: eight bytes, written as 16 hexadecimal digits. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanId([u8; 8]);

impl PlanId {
    /// A plan id from its bytes, in the order in which they are written.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes, in the order in which they are written.
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl FromStr for PlanId {
    type Err = SettingsError;

    fn from_str(digits: &str) -> Result<Self, SettingsError> {
        eight_bytes(Field::PlanId, digits).map(Self)
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlanId({self})")
    }
}

/// An enrolment token: eight bytes, written as 16 hexadecimal digits. Secret; `Debug` shows nothing of it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 8]);

impl Token {
    /// A token from its bytes, in the order in which they are written.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes, in the order in which they are written. Secret.
    pub const fn bytes(&self) -> [u8; 8] {
        self.0
    }

    /// The 16 hexadecimal digits, lower case. Secret.
    pub fn to_hex(&self) -> String {
        PlanId(self.0).to_string()
    }
}

impl FromStr for Token {
    type Err = SettingsError;

    fn from_str(digits: &str) -> Result<Self, SettingsError> {
        eight_bytes(Field::Token, digits).map(Self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What enrols a unit: plan and token go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The plan.
    pub plan_id: PlanId,
    /// The token, good for one transmission.
    pub token: Token,
}

/// A static IPv4 address instead of DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StaticAddress {
    /// The unit's address.
    pub ip: Ipv4Addr,
    /// The network's mask.
    pub netmask: Ipv4Addr,
    /// The way out.
    pub gateway: Ipv4Addr,
    /// The name server.
    pub dns1: Ipv4Addr,
    /// A second name server.
    pub dns2: Option<Ipv4Addr>,
}

/// User name and password at a proxy. The password is secret; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// Bytes of a proxy entry beside its texts: type, length, port, and a length for each of the three texts.
    const BESIDE: usize = 2 + 2 + 3;
    /// The most bytes of a text: what the entry leaves when the other two are as short as they may be.
    const MOST_BYTES: usize = Packet::MOST_ENTRIES - Self::BESIDE - 1;

    /// A user name of at least one byte and a password, which may be empty.
    ///
    /// # Errors
    /// The name is empty, or one of them could not fit any packet (more than 247 bytes of UTF-8).
    pub fn new(username: &str, password: &str) -> Result<Self, SettingsError> {
        Ok(Self {
            username: fitting(Field::ProxyUsername, username, 1, Self::MOST_BYTES)?,
            password: fitting(Field::ProxyPassword, password, 0, Self::MOST_BYTES - 1)?,
        })
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password. Secret.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    server: String,
    port: NonZeroU16,
    credentials: Option<Credentials>,
}

impl Proxy {
    /// The most bytes of a host's name: what a packet with nothing but this entry leaves it.
    pub const MOST_SERVER_BYTES: usize = Packet::MOST_ENTRIES - 2 - 2 - 1;

    /// A proxy by its host name or address, and its port. Whether all of it fits is known when the whole packet is made.
    ///
    /// # Errors
    /// The name is empty, or could not fit any packet (more than 250 bytes of UTF-8).
    pub fn new(server: &str, port: NonZeroU16, credentials: Option<Credentials>) -> Result<Self, SettingsError> {
        Ok(Self {
            server: fitting(Field::ProxyServer, server, 1, Self::MOST_SERVER_BYTES)?,
            port,
            credentials,
        })
    }

    /// Host name or address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The port.
    pub fn port(&self) -> NonZeroU16 {
        self.port
    }

    /// User name and password, where the proxy wants them.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn an_ssid_has_1_to_32_bytes_of_utf_8() {
        assert!(Ssid::new("").is_err());
        assert!(Ssid::new(&"x".repeat(32)).is_ok());
        assert!(Ssid::new(&"測".repeat(10)).is_ok());
        assert_eq!(
            format!("{}", Ssid::new(&"測".repeat(11)).unwrap_err()),
            "ssid: 33 bytes, expected 1 to 32"
        );
    }

    #[test]
    fn a_password_has_at_most_64_bytes() {
        assert!(Password::new("").is_ok());
        assert!(Password::new(&"x".repeat(64)).is_ok());
        assert_eq!(
            format!("{}", Password::new(&"x".repeat(65)).unwrap_err()),
            "password: 65 bytes, expected 0 to 64"
        );
    }

    #[test]
    fn an_id_has_16_hexadecimal_digits_of_either_case() {
        let plan: PlanId = "FEDCBA9876543210".parse().unwrap();
        assert_eq!(format!("{plan}"), "fedcba9876543210");
        let token: Token = "0123456789abcdef".parse().unwrap();
        assert_eq!(token.to_hex(), "0123456789abcdef");
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "+123456789abcdef",
            "0123456789abcdeg",
            "ééééoooo",
        ] {
            assert_eq!(
                wrong.parse::<Token>(),
                Err(SettingsError::Hex { field: Field::Token }),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_proxy_names_the_text_that_cannot_fit() {
        let port = NonZeroU16::MIN;
        assert!(Proxy::new("", port, None).is_err());
        assert!(Proxy::new(&"h".repeat(250), port, None).is_ok());
        assert_eq!(
            format!("{}", Proxy::new(&"h".repeat(251), port, None).unwrap_err()),
            "proxy.server: 251 bytes, expected 1 to 250"
        );
        assert_eq!(
            format!("{}", Credentials::new("", "p").unwrap_err()),
            "proxy.username: 0 bytes, expected 1 to 247"
        );
        assert!(Credentials::new("u", &"p".repeat(246)).is_ok());
        assert!(Credentials::new("u", &"p".repeat(247)).is_err());
    }
}
