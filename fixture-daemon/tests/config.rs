//! Every example in `config/` loads, and every kind of mistake is told by file, line, field and what was expected.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use fixture_daemon::config::{Config, Enrolment, Jig, load_recipe};
use fixture_daemon::engine::recipe::PassRule;
use fixture_daemon::jig::raspberry_pi::pins::{self, Role};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config")
}

/// A copy of the example configuration that a test may spoil.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&examples(), folder.path());
        Self { folder }
    }

    /// What loading says after `wrong` stands for `instead_of` in `file`, without the temporary folder's name.
    fn said(&self, file: &str, instead_of: &str, wrong: &str) -> String {
        self.said_by("simulated.toml", file, instead_of, wrong)
    }

    /// As [`said`](Self::said), loading another main file.
    fn said_by(&self, main: &str, file: &str, instead_of: &str, wrong: &str) -> String {
        let path = self.folder.path().join(file);
        let right = std::fs::read_to_string(&path).unwrap();
        assert!(right.contains(instead_of), "{file} holds {instead_of:?}");
        std::fs::write(&path, right.replacen(instead_of, wrong, 1)).unwrap();
        let said = match Config::load(&self.folder.path().join(main)) {
            Ok(_) => "no mistake found".to_owned(),
            Err(mistake) => mistake.to_string(),
        };
        std::fs::write(&path, right).unwrap();
        said.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_example_configuration_loads() {
    let config = Config::load(&examples().join("simulated.toml")).unwrap();
    assert_eq!(config.lanes.len(), 4);
    assert_eq!(config.recipe.name, "claimed");
    assert!(matches!(config.jig, Jig::Simulated { seed: 1, .. }));
    assert!(matches!(config.enrolment, Some(Enrolment::Simulated)));
    assert!(config.simulated());
}

#[test]
fn the_example_of_a_real_jig_loads_and_is_wired_as_hw_draws_it() {
    let config = Config::load(&examples().join("raspberry-pi.toml")).unwrap();
    assert!(!config.simulated());
    let Jig::RaspberryPi(pi) = &config.jig else {
        panic!("{:?}", config.jig);
    };
    let wired = pins::Drawing::Four.wires();
    let of = |role: fn(u8) -> Role| -> Vec<u8> {
        (1..=4)
            .filter_map(|lane| wired.iter().find(|wire| wire.role == role(lane)).map(|wire| wire.gpio))
            .collect()
    };
    assert_eq!(pi.nest.pins, of(Role::Nest));
    assert_eq!(pi.power.as_ref().unwrap().pins, of(Role::Relay));
    assert_eq!((pi.lamp.kind(), pi.sensor.kind()), pins::Drawing::Four.parts());
}

#[test]
fn every_example_recipe_loads_and_each_pass_rule_has_one() {
    let mut rules = Vec::new();
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(examples().join("recipes")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let (recipe, _) = load_recipe(&path).unwrap_or_else(|mistake| panic!("{mistake}"));
            assert_eq!(
                Some(recipe.name.as_str()),
                path.file_stem().and_then(|name| name.to_str())
            );
            assert_eq!(recipe.version.len(), 16);
            versions.push(recipe.version);
            rules.push(match recipe.pass {
                PassRule::Blessed { .. } => "blessed",
                PassRule::Claimed { .. } => "claimed",
                PassRule::LedOnly { .. } => "led-only",
            });
        }
    }
    rules.sort_unstable();
    assert_eq!(rules, ["blessed", "claimed", "led-only"]);
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), 3, "different recipes have different versions");
}

#[test]
fn a_recipes_version_follows_its_content_and_not_its_secrets() {
    let copy = Copy::new();
    let path = copy.folder.path().join("recipes/claimed.toml");
    let version = || load_recipe(&path).unwrap().0.version;
    let before = version();

    std::fs::write(
        copy.folder.path().join("recipes/example-secrets/wifi-password"),
        "another one\n",
    )
    .unwrap();
    assert_eq!(version(), before);

    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("# a comment\n{text}")).unwrap();
    assert_eq!(version(), before);
    std::fs::write(&path, text.replace("attempts = 3", "attempts = 4")).unwrap();
    assert_ne!(version(), before);
}

#[test]
fn the_status_codes_of_the_examples_are_those_of_the_reader() {
    let text = std::fs::read_to_string(examples().join("status-codes.toml")).unwrap();
    let table = blinkup::codes::CodeTable::parse(&text).unwrap();
    assert_eq!(table, blinkup::codes::CodeTable::vendor());
}

#[test]
fn no_secret_is_shown() {
    let copy = Copy::new();
    let secrets = copy.folder.path().join("recipes/example-secrets");
    std::fs::write(secrets.join("wifi-password"), "hunter2-of-the-plant\n").unwrap();
    std::fs::write(secrets.join("key"), "0123key4567\n").unwrap();
    let config = copy.folder.path().join("simulated.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace(
        "[enrolment.simulated]",
        "[enrolment.impcloud]\nkey_file = \"recipes/example-secrets/key\"\nauth = \"key\"",
    );
    std::fs::write(&config, text).unwrap();
    let shown = format!("{:?}", Config::load(&config).unwrap());
    assert!(shown.contains("ImpCloud"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("0123key"), "{shown}");

    std::fs::write(secrets.join("wifi-password"), "hunter2".repeat(20)).unwrap();
    let said = Config::load(&config).unwrap_err().to_string();
    assert!(said.contains("password: 140 bytes, expected 0 to 64"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_rung_that_never_fits_is_remarked() {
    let copy = Copy::new();
    let path = copy.folder.path().join("recipes/claimed.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("listens_for = \"60s\"", "listens_for = \"40s\"")).unwrap();
    let (_, remarks) = load_recipe(&path).unwrap();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("20 symbols a second is never used"), "{remarks:?}");
}

const MAIN: &str = "simulated.toml";
/// As the example, but its recipe is the one for the LED alone; the test makes it.
const ONLY_LED: &str = "only-led.toml";
const RECIPE: &str = "recipes/claimed.toml";

/// File, what is right in it, what is wrong instead.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        MAIN,
        "recipe = \"recipes/claimed.toml\"",
        "recipe = \"recipes/clamed.toml\"",
    ),
    (MAIN, "recipe = \"recipes/claimed.toml\"\n", ""),
    (MAIN, "count = 4", "count = 12"),
    (MAIN, "count = 4", "count = \"four\""),
    (MAIN, "count = 4", "count = 4\nlight = [1.0, 0.5]"),
    (MAIN, "count = 4", "count = 2\nlight = [1.0, 1.5]"),
    (MAIN, "count = 4", "cuont = 4"),
    (MAIN, "k_in_a_row = 3", "k_in_a_row = 1"),
    (MAIN, "\"60s\"", "60"),
    (MAIN, "\"60s\"", "\"60\""),
    (MAIN, "\"60s\"", "\"60h\""),
    (MAIN, "[jig.simulated]\n", "[jig.raspberry_pi]\nboard = 5\n"),
    (MAIN, "[jig.simulated]\n", "[jig.simulatd]\n"),
    (MAIN, "[jig.simulated]\n", "[jig.raspberry_pi]\n[jig.simulated]\n"),
    (MAIN, "seed = 1", "seed = -1"),
    (MAIN, "seed = 1", "scenario = \"none.toml\""),
    (MAIN, "[enrolment.simulated]", ""),
    (MAIN, "[enrolment.simulated]", "[enrolment.simulated]\nseed = 2"),
    (
        MAIN,
        "[enrolment.simulated]",
        "[enrolment.fixed]\nplan = \"fedcba9876543210\"\ntoken_file = \"t\"",
    ),
    (
        MAIN,
        "[enrolment.simulated]",
        "[enrolment.impcloud]\nkey_file = \"none\"\nauth = \"key\"",
    ),
    (
        MAIN,
        "[enrolment.simulated]",
        "[enrolment.impcloud]\nkey_file = \"none\"\nauth = \"colon\"",
    ),
    (
        MAIN,
        "[enrolment.simulated]",
        "[enrolment.impcloud]\nkey_file = \"none\"\nauth = \"key\"\nbase_url = \"http://example.com\"",
    ),
    (
        MAIN,
        "[enrolment.simulated]",
        "[network]\nserver = \"imp example\"\n[enrolment.simulated]",
    ),
    (
        MAIN,
        "[enrolment.simulated]",
        "[network]\nserver = \"imp.example\"\nportal.url = \"https://page.example/\"\n[enrolment.simulated]",
    ),
    (
        MAIN,
        "[enrolment.simulated]",
        "[network]\nserver = \"imp.example\"\ninterface = \"wlan0; rm\"\n[enrolment.simulated]",
    ),
    (MAIN, "127.0.0.1:8080", "192.168.1.2:8080"),
    (MAIN, "id = \"sim-1\"", "id = \"Sim 1\""),
    (MAIN, "/fixture.sock\"", "/ledger.db\""),
    (RECIPE, "example-secrets/wifi-password", "example-secrets/empty"),
    (RECIPE, "name = \"claimed\"", "name = \"\""),
    (RECIPE, "link = \"wifi\"", "link = \"wlan\""),
    (RECIPE, "link = \"wifi\"", "link = \"ethernet\""),
    (RECIPE, "enrols = true", "enrols = false"),
    (RECIPE, "ssid = \"factory-floor\"", "ssid = \"\""),
    (
        RECIPE,
        "ssid = \"factory-floor\"",
        "ssid = \"a name of more than thirty-two bytes\"",
    ),
    (
        RECIPE,
        "ssid = \"factory-floor\"",
        "ssid = \"factory-floor\"\npassword = \"x\"",
    ),
    (RECIPE, "example-secrets/wifi-password", "example-secrets/wifi"),
    (
        RECIPE,
        "[pass.claimed]\nwithin = \"60s\"",
        "[pass.claimed]\nwithin = \"0s\"",
    ),
    (RECIPE, "[pass.claimed]", "[pass.claim]"),
    (RECIPE, "codes = [\"no-network-settings\"]", "codes = []"),
    (RECIPE, "\"no-network-settings\"", "\"no-netwerk-settings\""),
    (RECIPE, "attempts = 3", "attempts = 0"),
    (RECIPE, "late_limit = 0.25", "late_limit = 25"),
    (RECIPE, "rate = 60", "rate = 61"),
    (RECIPE, "mid_share = 0.5", "mid_share = 0.95"),
    (RECIPE, "listens_for = \"60s\"", "listens_for = \"10s\""),
    (RECIPE, "confidence = 0.99", "confidence = 0.4"),
    (RECIPE, "runs_at_most = 3", "runs_at_most = 0"),
    (RECIPE, "[times]", "[proxy]\nserver = \"p\"\nport = 0\n[times]"),
    (
        RECIPE,
        "[times]",
        "[proxy]\nserver = \"p\"\nport = 8080\nusername = \"u\"\n[times]",
    ),
    (RECIPE, "[times]", "[static]\nip = \"10.0.0.300\"\n[times]"),
    (RECIPE, "[times]", "[[times]"),
    // Lots and work orders.
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nrecipe = \"recipes/claimed.toml\"\n[fixture]",
    ),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nlot = \"L-1\"\nwork_order = \"W-1\"\nrecipe = \"recipes/claimed.toml\"\n[fixture]",
    ),
    (MAIN, "[fixture]", "[[lots]]\nlot = \"L-1\"\n[fixture]"),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/nothing.toml\"\n[fixture]",
    ),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nlot = \"L-*-1\"\nrecipe = \"recipes/claimed.toml\"\n[fixture]",
    ),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nwork_order = \"\"\nrecipe = \"recipes/claimed.toml\"\n[fixture]",
    ),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/claimed.toml\"\n[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/led-only.toml\"\n[fixture]",
    ),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nlot = \"L-*\"\nrecipe = \"recipes/claimed.toml\"\n[[lots]]\nlot = \"L-1*\"\nrecipe = \"recipes/led-only.toml\"\n[fixture]",
    ),
    (
        MAIN,
        "[fixture]",
        "[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/twin.toml\"\n[fixture]",
    ),
    (MAIN, "[fixture]", "unknown_lots = \"default\"\n[fixture]"),
    (
        MAIN,
        "[fixture]",
        "unknown_lots = \"ignore\"\n[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/claimed.toml\"\n[fixture]",
    ),
    // A recipe that only a lot chooses fits the rest as the first one does.
    (
        ONLY_LED,
        "[enrolment.simulated]",
        "[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/blessed.toml\"",
    ),
    (
        ONLY_LED,
        "[enrolment.simulated]",
        "[[lots]]\nlot = \"L-1\"\nrecipe = \"recipes/blessed.toml\"\n[enrolment.fixed]\nplan = \"0123456789abcdef\"\ntoken_file = \"recipes/example-secrets/token\"",
    ),
];

#[test]
fn mistakes_are_told_by_place_field_and_expectation() {
    let copy = Copy::new();
    std::fs::write(copy.folder.path().join("recipes/example-secrets/empty"), "\n").unwrap();
    std::fs::write(
        copy.folder.path().join("recipes/example-secrets/token"),
        "0123456789abcdef",
    )
    .unwrap();
    let main = std::fs::read_to_string(copy.folder.path().join(MAIN)).unwrap();
    std::fs::write(
        copy.folder.path().join(ONLY_LED),
        main.replace("recipes/claimed.toml", "recipes/led-only.toml"),
    )
    .unwrap();
    std::fs::copy(
        copy.folder.path().join(RECIPE),
        copy.folder.path().join("recipes/twin.toml"),
    )
    .unwrap();
    let said: Vec<String> = MISTAKES
        .iter()
        .map(|(file, right, wrong)| {
            let main = if *file == ONLY_LED { ONLY_LED } else { MAIN };
            copy.said_by(main, file, right, wrong)
        })
        .collect();
    for said in &said {
        assert!(!said.contains("no mistake found"), "{said}");
    }
    insta::assert_snapshot!(said.join("\n\n"));
}

const PI: &str = "raspberry-pi.toml";
const EXPANDER: &str = "[jig.raspberry_pi.lamp.expander]\nbus = \"/dev/i2c-1\"\naddress = 0x40\nchannels = [0, 1, 2, 3]\nfrequency = 1526\n";
const COLOUR: &str = "[jig.raspberry_pi.sensor.colour]\nbus = \"/dev/i2c-1\"\n";
const WEB: &str = concat!(
    "[ui.web]\n",
    "bind = \"127.0.0.1:8080\"\n",
    "state = \"/var/lib/fixture-web\"\n",
    "\n",
    "# For the network, always encrypted, and everybody logs in (docs/people.md). Without certificate = { file = \"…\", key_file = \"…\" } the fixture makes its own.\n",
    "[ui.web.network]\n",
    "bind = \"0.0.0.0:8443\"\n",
);
const NESTS: &str = "pins = [5, 6, 16, 20]";

/// What is right in the example of a real jig, and what is wrong instead.
const PI_MISTAKES: &[(&str, &str)] = &[
    ("board = \"pi-4\"", "board = \"pi-2\""),
    ("gpio = \"character-device\"", "gpio = \"sysfs\""),
    ("calibration_lasts = \"2160h\"", "calibration_lasts = \"0s\""),
    // A pin used twice, by two parts, by a bus, and one that is not on the header.
    (NESTS, "pins = [5, 6, 16, 13]\n# "),
    (NESTS, "pins = [5, 6, 16, 16]"),
    (NESTS, "pins = [5, 6, 16, 3]"),
    (NESTS, "pins = [5, 6, 16, 28]"),
    (NESTS, "pins = [5, 6, 16]"),
    ("reset = 4", "reset = 20"),
    // Combinations that cannot be built.
    (EXPANDER, "[jig.raspberry_pi.lamp.pwm]\npins = [12, 13, 18, 19]\n"),
    (EXPANDER, "[jig.raspberry_pi.lamp.pwm]\npins = [12, 14, 18, 19]\n"),
    (
        EXPANDER,
        "[jig.raspberry_pi.lamp.ladder]\npins = [[23, 24], [25, 27]]\nmid_share = 0.5\n",
    ),
    (
        EXPANDER,
        "[jig.raspberry_pi.lamp.ladder]\npins = [[23, 24], [25, 27], [7, 8], [9, 10]]\nmid_share = 0.95\n",
    ),
    (
        EXPANDER,
        "[jig.raspberry_pi.lamp.expander]\nbus = \"/dev/i2c-1\"\nchannels = [0, 1, 2, 2]\n",
    ),
    (EXPANDER, ""),
    (EXPANDER, "[jig.raspberry_pi.lamp.laser]\n"),
    ("gain = 16", "gain = 10"),
    ("integration = \"4800us\"", "integration = \"10ms\""),
    (
        "multiplexer = { address = 0x70, channels = [0, 1, 2, 3], reset = 4 }\n",
        "",
    ),
    ("channels = [0, 1, 2, 3], reset", "channels = [0, 1, 2, 8], reset"),
    (COLOUR, "[jig.raspberry_pi.sensor.photodiodes]\nchips = []\n"),
    // Signals, scanners, printer, imp.
    (WEB, "[jig.raspberry_pi.signals]\nbuzzer = 20\n"),
    (WEB, "[jig.raspberry_pi.signals]\non = \"low\"\n"),
    (
        WEB,
        "[jig.raspberry_pi.signals]\nplc = { ready = 21, busy = 23, pass = 26, fail = 9, start = 7, begins = \"1ms\" }\n",
    ),
    (WEB, "[jig.raspberry_pi.start]\npin = 4\n"),
    (WEB, "[[jig.raspberry_pi.scanner]]\nport = \"/dev/ttyUSB0\"\n"),
    (
        WEB,
        "[[jig.raspberry_pi.scanner]]\nport = \"/dev/ttyUSB0\"\nlane = 5\nserial = {}\n",
    ),
    (
        WEB,
        "[[jig.raspberry_pi.scanner]]\nport = \"/dev/ttyUSB0\"\nserial = { length = [9, 3] }\n",
    ),
    (WEB, "[[jig.raspberry_pi.scanner]]\nport = \"scanner\"\nserial = {}\n"),
    (
        WEB,
        "[[jig.raspberry_pi.scanner]]\nport = \"/dev/serial0\"\nserial = {}\n[jig.raspberry_pi.transmitter]\nport = \"/dev/serial0\"\nlane = 1\n",
    ),
    (WEB, "[jig.raspberry_pi.printer]\nport = \"/dev/usb/lp0\"\n"),
    (
        WEB,
        "[jig.raspberry_pi.printer]\nport = \"/dev/usb/lp0\"\nbrother_ql = { tape = 50 }\n",
    ),
    (
        WEB,
        "[jig.raspberry_pi.transmitter]\nport = \"/dev/serial0\"\nlane = 0\n",
    ),
];

#[test]
fn mistakes_in_the_wiring_are_told_by_place_field_and_expectation() {
    let copy = Copy::new();
    let said: Vec<String> = PI_MISTAKES
        .iter()
        .map(|(right, wrong)| copy.said_by(PI, PI, right, wrong))
        .collect();
    for said in &said {
        assert!(!said.contains("no mistake found"), "{said}");
    }
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn every_part_of_the_line_is_read() {
    let copy = Copy::new();
    let file = copy.folder.path().join(PI);
    let parts = r#"
[jig.raspberry_pi.start]
pin = 17
[jig.raspberry_pi.signals]
tower = { green = 22, amber = 24, red = 25 }
buzzer = 27
plc = { ready = 21, busy = 23, pass = 26, fail = 9, start = 7 }
[[jig.raspberry_pi.scanner]]
port = "/dev/serial/by-id/usb-scanner"
lane = 1
terminators = ["cr"]
serial = { starts = "S", length = [8, 12], only = "digits" }
work_order = { starts = "W" }
[[jig.raspberry_pi.scanner]]
port = "/dev/ttyUSB1"
baud = 115200
lot = {}
[jig.raspberry_pi.printer]
port = "/dev/usb/lp0"
zpl = { width = 400, height = 200 }
lines = ["{serial}", "{device_id}"]
code = "{serial}"
[jig.raspberry_pi.transmitter]
port = "/dev/serial0"
lane = 2
speed = "fast"
"#;
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + parts).unwrap();
    let config = Config::load(&file).unwrap();
    let Jig::RaspberryPi(pi) = &config.jig else {
        panic!("{:?}", config.jig);
    };
    assert_eq!(pi.scanners.len(), 2);
    assert_eq!(pi.scanners[0].patterns.len(), 2);
    assert_eq!(pi.scanners[1].terminators, b"\r\n");
    assert!(pi.signals.as_ref().unwrap().plc.is_some());
    assert!(pi.printer.is_some() && pi.start.is_some());
    let imp = pi.transmitter.as_ref().unwrap();
    assert_eq!(imp.wifi, config.recipe.wifi);
    assert!(imp.wifi.is_some());
}

#[test]
fn lamps_on_resistors_cannot_be_dimmed_and_too_many_lines_do_not_fit() {
    let copy = Copy::new();
    let ladder = |pairs: &str| format!("[jig.raspberry_pi.lamp.ladder]\npins = {pairs}\nmid_share = 0.5\n");
    let path = copy.folder.path().join(PI);
    let text = std::fs::read_to_string(&path).unwrap();
    let with_ladder = text.replace(EXPANDER, &ladder("[[23, 24], [25, 27], [7, 8], [9, 10]]"));
    std::fs::write(&path, &with_ladder).unwrap();
    Config::load(&path).unwrap_or_else(|mistake| panic!("{mistake}"));
    std::fs::write(&path, with_ladder.replace("# light =", "light =")).unwrap();
    let said = Config::load(&path).unwrap_err().to_string();
    assert!(
        said.contains("lanes.light: the light of these lamps is fixed"),
        "{said}"
    );
}

const IMP: &str = "[jig.raspberry_pi.transmitter]\nport = \"/dev/serial0\"\nlane = 1\n";

#[test]
fn an_imp_transmitter_gets_its_tokens_itself_and_sends_only_what_it_knows() {
    let copy = Copy::new();
    let path = copy.folder.path().join(PI);
    let text = std::fs::read_to_string(&path).unwrap() + IMP;
    let one_lane = text
        .replace("count = 4", "count = 1")
        .replace("channels = [0, 1, 2, 3]\nfrequency", "channels = [0]\nfrequency")
        .replace(
            "multiplexer = { address = 0x70, channels = [0, 1, 2, 3], reset = 4 }\n",
            "",
        )
        .replace(NESTS, "pins = [5]")
        .replace("pins = [13, 18, 19, 12]", "pins = [13]")
        .replace("recipes/led-only.toml", "recipes/blessed.toml");
    std::fs::write(&path, &one_lane).unwrap();
    let config = Config::load(&path).unwrap_or_else(|mistake| panic!("{mistake}"));
    assert!(config.recipe.enrols && config.enrolment.is_none());
    assert_eq!(config.remarks, [""; 0]);

    // Lanes with lamps still need tokens.
    std::fs::write(&path, text.replace("recipes/led-only.toml", "recipes/blessed.toml")).unwrap();
    let said = Config::load(&path).unwrap_err().to_string();
    assert!(said.contains("this recipe enrols units: expected a section"), "{said}");

    for (recipe, more, why) in [
        (
            "recipes/claimed.toml",
            "",
            "an imp transmitter does not tell its tokens",
        ),
        (
            "recipes/blessed.toml",
            "[proxy]\nserver = \"10.0.0.1\"\nport = 8080\n",
            "an imp transmitter sends network and password only",
        ),
    ] {
        std::fs::write(&path, one_lane.replace("recipes/blessed.toml", recipe)).unwrap();
        let file = copy.folder.path().join(recipe);
        let right = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, right.clone() + more).unwrap();
        let said = Config::load(&path).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
        std::fs::write(&file, right).unwrap();
    }
}

#[test]
fn limits_of_the_led_are_checked() {
    let copy = Copy::new();
    let wrong = |right: &str, wrong: &str| copy.said("recipes/claimed.toml", right, wrong);
    let said = wrong("strength = [0.25, 5.0]", "strength = [0.25, 5.0]\ncounts = [300, 9000]");
    assert!(
        said.contains("led.counts: expected strength or counts, not both"),
        "{said}"
    );
    let said = wrong("strength = [0.25, 5.0]", "strength = [5.0, 0.25]");
    assert!(said.contains("led.strength: expected the lower limit first"), "{said}");
    let said = wrong("green_share = [0.4, 0.6]", "green_share = [0.4, 1.6]");
    assert!(said.contains("led.green_share"), "{said}");
}
