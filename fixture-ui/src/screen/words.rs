//! What the local screen says besides what the daemon tells: in which languages, and how the first administrator gets in.

use std::path::{Path, PathBuf};

use blinkup::Tick;
use fixture_link::settings::Settings;

use crate::view::language::Languages;
use crate::view::notice::SetupWords;
use crate::view::standing::Heard;
use crate::view::{Face, View};
use crate::web::door;

/// The longest that a file of one line is read.
const LONGEST: u64 = 400;

/// Where the local screen has its words from.
#[derive(Debug, Default)]
pub struct Words {
    languages: Languages,
    setup: Option<Setup>,
}

/// The files in which the dashboard says how the first administrator gets in.
#[derive(Debug)]
struct Setup {
    code: PathBuf,
    /// Of the certificate, where pages are served with one.
    fingerprint: Option<PathBuf>,
    /// Where the pages are.
    address: String,
}

impl Words {
    /// The words of a configured screen.
    pub fn of(settings: &Settings, languages: Languages) -> Self {
        Self {
            languages,
            setup: Some(Setup {
                code: settings.web.setup_code_file(),
                fingerprint: settings.web.network.as_ref().map(|_| settings.web.fingerprint_file()),
                address: match &settings.web.network {
                    Some(network) => door::address(network),
                    None => format!("http://{}/", settings.web.bind),
                },
            }),
        }
    }

    /// What was heard, as it stands at `now`, in the language of the line; with the code of the first administrator as long as there is one.
    pub fn view(&self, heard: &Heard, now: Tick) -> View {
        let mut view = View::of_line(heard, now, &self.languages);
        // While the daemon is away nobody can be made an administrator, and what has to be said then needs the place.
        if matches!(view.face, Face::Gone(_)) {
            return view;
        }
        view.setup = self.setup.as_ref().and_then(|setup| {
            let code = line(&setup.code)?;
            let fingerprint = setup.fingerprint.as_deref().and_then(line);
            let language = View::language(heard, &self.languages);
            Some(SetupWords::of(&code, &setup.address, fingerprint.as_deref(), language))
        });
        view
    }
}

/// The one line of a file; `None` where it cannot be read, or holds nothing that can be shown.
fn line(file: &Path) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)
        .ok()?
        .take(LONGEST)
        .read_to_string(&mut text)
        .ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty() && !line.contains(char::is_control)).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use fixture_link::snapshot::LaneState;

    use super::*;
    use crate::view::tests::{heard, snapshot};

    #[test]
    fn the_setup_code_stands_as_long_as_its_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let words = Words {
            languages: Languages::default().usually("de").unwrap(),
            setup: Some(Setup {
                code: folder.path().join("setup-code"),
                fingerprint: Some(folder.path().join("fingerprint")),
                address: "https://192.168.1.7:8443/".to_owned(),
            }),
        };
        let told = heard(snapshot(vec![LaneState::Empty]));
        let setup = || words.view(&told, Tick::ZERO).setup;
        assert_eq!(setup(), None);
        std::fs::write(folder.path().join("setup-code"), "1234-5678\n").unwrap();
        assert_eq!(
            setup().unwrap().code,
            "Einrichtungscode 1234-5678 auf https://192.168.1.7:8443/"
        );
        assert_eq!(setup().unwrap().fingerprint, "");
        std::fs::write(folder.path().join("fingerprint"), "AB:CD:EF\n").unwrap();
        let shown = setup().unwrap();
        assert_eq!(shown.code, "Einrichtungscode 1234-5678 auf https://192.168.1.7:8443/");
        assert_eq!(shown.fingerprint, "Zertifikat AB:CD:EF");
        let away = words.view(&Heard::default(), Tick::ZERO);
        assert_eq!(away.setup, None, "nobody can use it while the daemon is away");
        std::fs::write(folder.path().join("setup-code"), "\n").unwrap();
        assert_eq!(setup(), None, "an empty file is no code");
        std::fs::write(folder.path().join("setup-code"), [0xff, 0xfe]).unwrap();
        assert_eq!(setup(), None, "an unreadable file is nothing");
    }
}
