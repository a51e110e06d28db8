//! The dashboard's part: where it listens, and what it keeps.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::screen::Source;
use crate::mistake::Mistake;

/// The dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// Where it listens at the line: a loopback address, without encryption.
    pub bind: SocketAddr,
    /// Where it listens for the network, encrypted; `None`: it does not.
    pub network: Option<Network>,
    /// The webhook for bless events; `None`: there is none.
    pub bless: Option<Bless>,
    /// The folder of what only the dashboard writes: accounts, certificate, the code for the first administrator. Beside the ledger where the
    /// configuration names none.
    pub state: PathBuf,
}

impl Web {
    /// The database of accounts, log-ins and tokens.
    pub fn people_file(&self) -> PathBuf {
        self.state.join("people.db")
    }

    /// The file that holds the one-time code for the first administrator, as long as there is no administrator.
    pub fn setup_code_file(&self) -> PathBuf {
        self.state.join("setup-code")
    }

    /// The file that holds the fingerprint of the certificate that pages are served with, where they are served with one.
    pub fn fingerprint_file(&self) -> PathBuf {
        self.state.join("fingerprint")
    }
}

/// How the dashboard is reached from the network: always encrypted, and everybody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Where it listens.
    pub bind: SocketAddr,
    /// The site's certificate and its key; `None`: the fixture makes its own.
    pub certificate: Option<Certificate>,
    /// Names and addresses that a certificate of its own is for, besides the machine's own name.
    pub names: Vec<String>,
}

/// A certificate of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The file with the certificate and those of its issuers, PEM.
    pub file: PathBuf,
    /// The file with its key, PEM.
    pub key_file: PathBuf,
}

/// The webhook for bless events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bless {
    /// The file with the key that events are signed with.
    pub key_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWeb {
    bind: Spanned<String>,
    bless: Option<RawBless>,
    state: Option<Spanned<PathBuf>>,
    network: Option<RawNetwork>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNetwork {
    bind: Spanned<String>,
    certificate: Option<RawCertificate>,
    #[serde(default)]
    names: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCertificate {
    file: Spanned<PathBuf>,
    key_file: Spanned<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBless {
    key_file: Spanned<PathBuf>,
}

impl Web {
    /// The checked section; `None` where the configuration has none.
    pub(super) fn checked(raw: Option<&RawWeb>, source: &Source<'_>, ledger: &Path) -> Result<Self, Mistake> {
        let beside_the_ledger = || ledger.with_file_name("web");
        let Some(raw) = raw else {
            return Ok(Self {
                bless: None,
                state: beside_the_ledger(),
                network: None,
                bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            });
        };
        let bind = address(source, &raw.bind, "127.0.0.1:8080")?;
        if !bind.ip().is_loopback() {
            return Err(source.mistake(
                &raw.bind,
                format_args!(
                    "expected a loopback address (127.0.0.1 or [::1]), since nothing is encrypted there; for the network there is \
                     [ui.web.network]; found {}",
                    bind.ip()
                ),
            ));
        }
        let key_file = raw.bless.as_ref().map(|bless| source.path(&bless.key_file));
        let network = raw.network.as_ref().map(|raw| Network::checked(raw, source, bind));
        let state = raw.state.as_ref().map(|state| source.path(state)).transpose()?;
        Ok(Self {
            bind,
            network: network.transpose()?,
            state: state.unwrap_or_else(beside_the_ledger),
            bless: key_file.transpose()?.map(|key_file| Bless { key_file }),
        })
    }
}

impl Network {
    fn checked(raw: &RawNetwork, source: &Source<'_>, line: SocketAddr) -> Result<Self, Mistake> {
        let bind = address(source, &raw.bind, "0.0.0.0:8443")?;
        if bind == line {
            return Err(source.mistake(&raw.bind, "expected another port than the line's"));
        }
        for name in &raw.names {
            let text = name.get_ref();
            let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-:".contains(letter);
            if text.is_empty() || text.len() > LONGEST_NAME || !text.chars().all(plain) {
                return Err(source.mistake(name, format_args!("expected a host's name or address, found {text:?}")));
            }
        }
        let certificate = match &raw.certificate {
            None => None,
            Some(raw) => Some(Certificate {
                file: source.path(&raw.file)?,
                key_file: source.path(&raw.key_file)?,
            }),
        };
        Ok(Self {
            bind,
            certificate,
            names: raw.names.iter().map(|name| name.get_ref().clone()).collect(),
        })
    }
}

/// The most letters of a host's name (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;

fn address(source: &Source<'_>, raw: &Spanned<String>, example: &str) -> Result<SocketAddr, Mistake> {
    raw.get_ref().parse().map_err(|_| {
        source.mistake(
            raw,
            format_args!(
                "expected an address and port such as \"{example}\", found {:?}",
                raw.get_ref()
            ),
        )
    })
}
