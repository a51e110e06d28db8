//! `fixture-daemon teach` through the binary: light of a code with unknown colours, taught, and read back.
#![expect(clippy::pedantic, clippy::unwrap_used, reason = "shares the reader's tests' light")]
#![expect(dead_code, reason = "the reader's tests use the rest of the light")]

#[path = "../../blinkup/tests/light/mod.rs"]
mod light;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use blinkup::codes::{CodeTable, Colour};
use light::factory::{Condition, Stretch, record};
use light::random::Random;

const WPS: [(Colour, f64); 4] = [
    (Colour::Off, 500.0),
    (Colour::Green, 250.0),
    (Colour::Off, 250.0),
    (Colour::Amber, 250.0),
];

/// A trace of these colours and milliseconds, some rounds.
fn trace(folder: &Path, name: &str, steps: &[(Colour, f64)], condition: Condition, seed: u64) -> PathBuf {
    let mut until_ms = 0.0;
    let stretches: Vec<Stretch> = steps
        .iter()
        .cycle()
        .take(steps.len() * 12)
        .map(|(colour, ms)| {
            until_ms += ms;
            Stretch {
                until_ms,
                colour: *colour,
            }
        })
        .collect();
    let path = folder.join(name);
    fs::write(&path, record(condition, &mut Random::new(seed), &stretches).to_string()).unwrap();
    path
}

fn daemon(arguments: &[&str], files: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fixture-daemon"))
        .args(arguments)
        .args(files)
        .output()
        .unwrap()
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn teach(code: &str, table: &Path, traces: &[&Path]) -> Output {
    daemon(&["teach", "--code", code, "--table", table.to_str().unwrap()], traces)
}

fn read(table: &Path, trace: &Path) -> String {
    let output = daemon(&["read-led", "--codes", table.to_str().unwrap()], &[trace]);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_taught_code_is_read_from_then_on_and_from_the_table_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("codes.toml");
    let one = trace(folder.path(), "one.csv", &WPS, Condition::Clean, 1);
    let two = trace(folder.path(), "two.csv", &WPS, Condition::Factory, 2);
    let other = trace(folder.path(), "other.csv", &WPS, Condition::Factory, 3);
    fs::write(&table, CodeTable::vendor_text()).unwrap();
    assert!(read(&table, &other).contains("device-offline"), "not told apart before");

    // By what the configuration names.
    let config = folder.path().join("fixture.toml");
    let text =
        "[fixture]\nid = \"a\"\nname = \"a\"\nledger = \"l.db\"\nsocket = \"s\"\nstatus_codes = \"codes.toml\"\n";
    fs::write(&config, text).unwrap();
    let output = daemon(
        &[
            "teach",
            "--code",
            "wps-in-progress",
            "--by",
            "Ada",
            "--config",
            config.to_str().unwrap(),
        ],
        &[&one, &two],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("off green off amber"), "{}", said(&output));
    let taught = CodeTable::parse(&fs::read_to_string(&table).unwrap()).unwrap();
    let code = taught.code("wps-in-progress").unwrap();
    let source = code.source.last().unwrap();
    assert!(
        source.starts_with("taught on 20") && source.contains(" by Ada from ") && source.contains("two.csv"),
        "{source}"
    );
    let readings = read(&table, &other);
    assert!(readings.contains("\"codes\":[\"wps-in-progress\"]"), "{readings}");
    assert_eq!(readings.lines().count(), 1, "{readings}");
    let by_config = daemon(&["read-led", "--config", config.to_str().unwrap()], &[&other]);
    assert_eq!(String::from_utf8(by_config.stdout).unwrap(), readings);
    let both = daemon(&["read-led", "--codes", "a", "--config", "b"], &[&other]);
    assert_eq!(both.status.code(), Some(2), "one or the other");
}

#[test]
fn every_command_works_with_the_fixtures_own_table_or_tells_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let codes = folder.path().join("codes.toml");
    // A code of the fixture's own, that a recipe then may ask for.
    let vendor = CodeTable::vendor_text();
    let row = vendor
        .split("[[code]]")
        .find(|row| row.contains("id = \"no-network-settings\""))
        .unwrap();
    let row = row.replace("id = \"no-network-settings\"", "id = \"our-no-network\"");
    fs::write(&codes, format!("{vendor}\n[[code]]{row}")).unwrap();
    let recipe = folder.path().join("recipe.toml");
    let text = fs::read_to_string(examples.join("recipes/claimed.toml")).unwrap();
    let secrets = examples.join("recipes/example-secrets").display().to_string();
    let own = text
        .replace("\"no-network-settings\"", "\"our-no-network\"")
        .replace("example-secrets", &secrets);
    assert_ne!(own, text);
    fs::write(&recipe, own).unwrap();
    let config = folder.path().join("fixture.toml");
    let text = fs::read_to_string(examples.join("simulated.toml"))
        .unwrap()
        .replace("recipes/claimed.toml", "recipe.toml")
        .replace("[fixture]", "[fixture]\nstatus_codes = \"codes.toml\"");
    fs::write(&config, text).unwrap();

    let good = daemon(&["check-config"], &[&config]);
    assert!(good.status.success(), "{}", said(&good));
    let out = std::str::from_utf8(&good.stdout).unwrap();
    assert!(
        out.contains("codes      the fixture's own: ") && out.contains("codes.toml"),
        "{out}"
    );

    let ledger = folder.path().join("line.db");
    let simulate = |how: &[&str]| {
        let mut arguments = vec!["simulate", "--seed", "1", "--units", "4", "--jsonl"];
        arguments.extend(how);
        arguments.extend([
            "--recipe",
            recipe.to_str().unwrap(),
            "--ledger",
            ledger.to_str().unwrap(),
        ]);
        daemon(&arguments, &[])
    };
    let vendors = simulate(&[]);
    assert!(!vendors.status.success());
    assert!(said(&vendors).contains("our-no-network"), "{}", said(&vendors));
    let own = simulate(&["--config", config.to_str().unwrap()]);
    assert!(own.status.success(), "{}", said(&own));
    let out = std::str::from_utf8(&own.stdout).unwrap();
    assert!(out.contains("\"PASS\"") && out.lines().count() >= 4, "{out}");

    // What does not hold is told by its place, by each of them.
    let broken = vendor.replacen("confidence = \"certain\"", "confidence = \"sure\"", 1);
    let line = broken.lines().position(|line| line.contains("\"sure\"")).unwrap() + 1;
    fs::write(&codes, &broken).unwrap();
    let config = config.to_str().unwrap();
    for arguments in [
        &["check-config", config][..],
        &["run", "--config", config],
        &["read-led", "--config", config, "none.csv"],
        &["teach", "--config", config, "--code", "wps-in-progress", "none.csv"],
        &[
            "simulate", "--seed", "1", "--units", "1", "--config", config, "--ledger", "line.db",
        ],
    ] {
        let output = daemon(arguments, &[]);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let place = format!("line {line}");
        assert!(said(&output).contains("codes.toml"), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(&place), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn a_table_keeps_its_rights_and_stays_whole_where_it_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let wps = trace(folder.path(), "wps.csv", &WPS, Condition::Clean, 8);
    let own = folder.path().join("own.toml");
    fs::write(&own, CodeTable::vendor_text()).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("codes.toml");
    std::os::unix::fs::symlink(&own, &link).unwrap();
    // A folder stands where the new text would be written first.
    let beside = folder.path().join("own.toml.new");
    fs::create_dir(&beside).unwrap();
    let output = teach("wps-in-progress", &link, &[&wps]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("cannot be written"), "{}", said(&output));
    assert_eq!(fs::read_to_string(&own).unwrap(), CodeTable::vendor_text());
    fs::remove_dir(&beside).unwrap();

    let output = teach("wps-in-progress", &link, &[&wps]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&own).unwrap().contains("taught on"));
}

#[test]
fn what_contradicts_or_equals_another_code_is_refused_and_the_table_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("codes.toml");
    let wps = trace(folder.path(), "wps.csv", &WPS, Condition::Clean, 4);
    let refused = |code: &str, traces: &[&Path], why: &str| {
        let before = fs::read_to_string(&table).ok();
        let output = teach(code, &table, traces);
        assert!(!output.status.success(), "{code} was taught");
        assert!(said(&output).contains(why), "{}", said(&output));
        assert_eq!(fs::read_to_string(&table).ok(), before);
        assert!(!folder.path().join("codes.toml.new").exists());
    };
    refused("no-such-code", &[&wps], "knows no such code");
    refused("connected", &[&wps], "knows every colour");
    refused("waiting-for-sim", &[&wps], "contradicts the known lengths");
    let mut slow = WPS;
    slow[1].1 = 400.0;
    let slow = trace(folder.path(), "slow.csv", &slow, Condition::Clean, 5);
    refused("wps-in-progress", &[&slow], "contradicts the known lengths");
    let connected = [(Colour::Off, 500.0), (Colour::Green, 500.0)];
    let connected = trace(folder.path(), "connected.csv", &connected, Condition::Clean, 6);
    refused(
        "cell-registration-denied",
        &[&connected],
        "the light is that of connected",
    );
    let mut red = WPS;
    red[1].0 = Colour::Red;
    let red = trace(folder.path(), "red.csv", &red, Condition::Clean, 7);
    refused(
        "wps-in-progress",
        &[&wps, &red],
        "has other colours (off red off amber)",
    );
    let missing = folder.path().join("missing.csv");
    refused("wps-in-progress", &[&missing], "missing.csv");

    // Once one code has these colours, no other may.
    let output = teach("wps-in-progress", &table, &[&wps]);
    assert!(output.status.success(), "{}", said(&output));
    refused("device-offline", &[&wps], "the light is that of wps-in-progress");
}
