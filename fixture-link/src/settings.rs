//! What every process of a fixture reads from `fixture.toml`: who the fixture is, and where its processes meet.
//!
//! The sections `recipe`, `lanes`, `policy`, `jig`, `enrolment` and `network` are the daemon's: known here by name only. Reading the file is
//! the caller's.

mod lots;
mod screen;
mod shifts;
mod study;
mod web;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use self::lots::RawLot;
pub use self::lots::{LONGEST_LOT, Label, LotEntry, LotName, Lots, UnknownLots};
pub use self::screen::{Colours, Drm, Framebuffer, PngFile, Rotation, Screen, SpiPanel, Tongue};
use self::screen::{RawScreen, Source};
use self::shifts::RawShifts;
pub use self::shifts::{ShiftTime, Shifts};
use self::study::RawStudy;
use self::web::RawWeb;
pub use self::web::{Bless, Certificate, Network, Web};
use crate::mistake::{Mistake, read};
use crate::study::Criteria;

/// The part of the configuration that daemon, screen and web share, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The fixture's id, as stored with every run: 1 to 32 of a–z, 0–9 and `-`.
    pub id: String,
    /// What people call it: 1 to 64 printable characters.
    pub name: String,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// The daemon's Unix socket.
    pub socket: PathBuf,
    /// The fixture's own table of status codes; `None`: the vendor's.
    pub status_codes: Option<PathBuf>,
    /// The dashboard.
    pub web: Web,
    /// The local display; `None`: the fixture has none.
    pub screen: Option<Screen>,
    /// In which language the local display speaks.
    pub tongue: Tongue,
    /// Its time zone and shifts.
    pub shifts: Shifts,
    /// The lots and work orders that it has recipes for.
    pub lots: Lots,
    /// What its gauge studies have to show.
    pub study: Criteria,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    fixture: RawFixture,
    #[serde(default)]
    ui: RawUi,
    shifts: Option<RawShifts>,
    #[serde(default)]
    lots: Vec<Spanned<RawLot>>,
    unknown_lots: Option<Spanned<UnknownLots>>,
    study: Option<RawStudy>,
    #[serde(rename = "recipe")]
    _recipe: Option<IgnoredAny>,
    #[serde(rename = "lanes")]
    _lanes: Option<IgnoredAny>,
    #[serde(rename = "policy")]
    _policy: Option<IgnoredAny>,
    #[serde(rename = "jig")]
    _jig: Option<IgnoredAny>,
    #[serde(rename = "enrolment")]
    _enrolment: Option<IgnoredAny>,
    #[serde(rename = "network")]
    _network: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFixture {
    id: Spanned<String>,
    name: Spanned<String>,
    ledger: Spanned<PathBuf>,
    socket: Spanned<PathBuf>,
    status_codes: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawUi {
    web: Option<RawWeb>,
    screen: Option<RawScreen>,
}

/// The longest path that the address of a Unix socket holds (`sun_path` of unix(7) without its end).
const LONGEST_SOCKET: usize = 107;

impl Settings {
    /// The settings in `text`, the content of `file`. Relative paths in it are relative to the file's folder.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Mistake> {
        let raw: Raw = read(file, text)?;
        let mistake = |span, what: String| Mistake::at(file, text, span, what);
        let folder = file.parent().unwrap_or(Path::new(""));
        let path = |raw: &Spanned<PathBuf>| {
            if raw.get_ref().as_os_str().is_empty() {
                return Err(mistake(raw.span(), "expected a path, found nothing".to_owned()));
            }
            Ok(folder.join(raw.get_ref()))
        };

        let id = raw.fixture.id.get_ref();
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if !(1..=32).contains(&id.len()) || !id.chars().all(plain) {
            return Err(mistake(
                raw.fixture.id.span(),
                format!("expected 1 to 32 of a-z, 0-9 and -, found {id:?}"),
            ));
        }
        let name = raw.fixture.name.get_ref();
        if name.trim().is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(mistake(
                raw.fixture.name.span(),
                format!("expected 1 to 64 printable characters, found {name:?}"),
            ));
        }
        let socket = path(&raw.fixture.socket)?;
        if socket.as_os_str().len() > LONGEST_SOCKET {
            return Err(mistake(
                raw.fixture.socket.span(),
                format!(
                    "expected a path of at most {LONGEST_SOCKET} bytes (a limit of Unix sockets), found {} bytes: {}",
                    socket.as_os_str().len(),
                    socket.display()
                ),
            ));
        }
        let ledger = path(&raw.fixture.ledger)?;
        let source = Source { file, text };
        let web = Web::checked(raw.ui.web.as_ref(), &source, &ledger)?;
        let screen = raw.ui.screen.as_ref().map(|raw| Screen::checked(raw, &source));
        let screen = screen.transpose()?.flatten();
        let tongue = raw.ui.screen.as_ref().map(|raw| Tongue::checked(raw, &source));
        let tongue = tongue.transpose()?.unwrap_or_default();
        if of_ledger(&ledger, &socket) {
            return Err(mistake(
                raw.fixture.socket.span(),
                format!("expected a path of its own: {} is the ledger's", socket.display()),
            ));
        }
        if let (Some(Screen::Png(png)), Some(raw)) = (&screen, raw.ui.screen.as_ref().and_then(RawScreen::png_file))
            && let Some(whose) = taken_by(&png.file, &ledger, &socket)
        {
            return Err(mistake(
                raw.span(),
                format!("expected a path of its own: {} is {whose}", png.file.display()),
            ));
        }
        Ok(Self {
            id: id.clone(),
            name: name.clone(),
            ledger,
            socket,
            status_codes: raw.fixture.status_codes.as_ref().map(path).transpose()?,
            web,
            screen,
            tongue,
            shifts: match &raw.shifts {
                None => Shifts::default(),
                Some(shifts) => Shifts::checked(shifts, file, text)?,
            },
            lots: Lots::checked(&raw.lots, raw.unknown_lots.as_ref(), &source)?,
            study: match &raw.study {
                None => Criteria::default(),
                Some(study) => study.checked(file, text)?,
            },
        })
    }
}

/// Whose a path is already.
fn taken_by(path: &Path, ledger: &Path, socket: &Path) -> Option<&'static str> {
    if of_ledger(ledger, path) {
        Some("the ledger's")
    } else if path == socket {
        Some("the socket's")
    } else {
        None
    }
}

/// Whether a path is the ledger's: its file, or one of those that stand beside it.
fn of_ledger(ledger: &Path, path: &Path) -> bool {
    ["", "-wal", "-shm", ".lock", ".new", ".new-wal", ".new-shm"]
        .into_iter()
        .any(|ending| {
            let mut name = ledger.as_os_str().to_owned();
            name.push(ending);
            Path::new(&name) == path
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"recipe = "recipes/led-only.toml"

[fixture]
id = "line-1"
name = "Line 1, Füssen"
ledger = "data/ledger.db"
socket = "/run/fixture/fixture.sock"

[lanes]
count = 4

[jig.simulated]
seed = 1

[ui.web]
bind = "[::1]:8080"
"#;

    fn said(wrong: &str, instead_of: &str) -> String {
        assert!(WHOLE.contains(instead_of));
        let text = WHOLE.replace(instead_of, wrong);
        Settings::parse(Path::new("etc/fixture.toml"), &text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = Settings::parse(Path::new("etc/fixture.toml"), WHOLE).unwrap();
        assert_eq!(settings.ledger, Path::new("etc/data/ledger.db"));
        assert_eq!(settings.socket, Path::new("/run/fixture/fixture.sock"));
        assert_eq!(settings.name, "Line 1, Füssen");
        assert_eq!(settings.web.bind.port(), 8080);
        assert_eq!(settings.web.bless, None);
        assert_eq!(settings.status_codes, None);
        let own = WHOLE.replace("[fixture]", "[fixture]\nstatus_codes = \"codes.toml\"");
        let settings = Settings::parse(Path::new("etc/fixture.toml"), &own).unwrap();
        assert_eq!(settings.status_codes.unwrap(), Path::new("etc/codes.toml"));
        let hook = format!("{WHOLE}bless.key_file = \"secrets/bless\"\n");
        let settings = Settings::parse(Path::new("etc/fixture.toml"), &hook).unwrap();
        assert_eq!(settings.web.bless.unwrap().key_file, Path::new("etc/secrets/bless"));
        assert_eq!(settings.screen, None);
        assert_eq!(settings.shifts.takt(), None);
        let shifts = format!(
            "{WHOLE}[shifts]\ntakt = \"20s\"\n[[shifts.shift]]\nname = \"late\"\nfrom = \"14:00\"\nuntil = \"22:00\"\n"
        );
        let settings = Settings::parse(Path::new("etc/fixture.toml"), &shifts).unwrap();
        assert_eq!(settings.shifts.takt().unwrap().as_secs(), 20);
    }

    #[test]
    fn a_web_address_that_others_could_reach_is_refused() {
        let error = said("0.0.0.0:8080", "[::1]:8080");
        assert!(
            error.starts_with("etc/fixture.toml:16:8: ui.web.bind: expected a loopback address"),
            "{error}"
        );
        assert!(said("localhost", "[::1]:8080").contains("expected an address and port"));
    }

    #[test]
    fn an_id_a_name_and_a_socket_that_cannot_be_are_refused_with_their_place() {
        let error = said("Line 1!", "line-1");
        assert!(
            error.starts_with("etc/fixture.toml:4:6: fixture.id: expected 1 to 32 of"),
            "{error}"
        );
        assert!(said(" ", "Line 1, Füssen").contains("fixture.name: expected 1 to 64 printable"));
        assert!(said("", "data/ledger.db").contains("fixture.ledger: expected a path"));
        let long = format!("/run/{}", "x".repeat(110));
        assert!(
            said(&long, "/run/fixture/fixture.sock").contains("fixture.socket: expected a path of at most 107 bytes")
        );
    }

    #[test]
    fn two_things_on_one_path_are_refused_with_the_second_ones_place() {
        for same in ["/run/fixture/fixture.sock", "/run/fixture/./fixture.sock"] {
            let error = said(same, "data/ledger.db");
            assert!(
                error.starts_with(
                    "etc/fixture.toml:7:10: fixture.socket: expected a path of its own: /run/fixture/fixture.sock is the ledger's"
                ),
                "{error}"
            );
        }
        assert!(said("data/ledger.db-wal", "/run/fixture/fixture.sock").contains("is the ledger's"));
        let screen = |file: &str| said(&format!("[ui.screen.png]\nfile = \"{file}\"\n\n[ui.web]"), "[ui.web]");
        for (file, whose) in [
            ("data/ledger.db", "the ledger's"),
            ("data/ledger.db.lock", "the ledger's"),
            ("/run/fixture/fixture.sock", "the socket's"),
        ] {
            let error = screen(file);
            assert!(
                error.starts_with("etc/fixture.toml:16:8: ui.screen.png.file: expected a path of its own: ")
                    && error.contains(whose),
                "{error}"
            );
        }
    }

    #[test]
    fn a_section_that_nobody_reads_is_a_mistake() {
        let error = said("[yig.simulated]", "[jig.simulated]");
        assert!(error.contains("unknown field `yig`"), "{error}");
    }
}
