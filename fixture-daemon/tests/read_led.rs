//! `fixture-daemon read-led` through the binary, as its users call it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn trace(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../blinkup/tests/vectors/led-traces")
        .join(name)
}

fn read_led(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fixture-daemon"))
        .arg("read-led")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn codes(output: &Output) -> Vec<serde_json::Value> {
    lines(output).into_iter().map(|line| line["codes"].clone()).collect()
}

#[test]
fn readings_come_in_order_with_all_codes_that_look_alike_in_the_order_of_the_table() {
    let output = read_led(&[&trace("clean-07.csv"), &trace("clean-01.csv")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let solid_green = [
        "blinkup-successful",
        "updating-impos",
        "legacy-installing-impos",
        "factory-bless-pass",
    ];
    let expected = [
        &["no-network-settings", "legacy-no-wifi-settings"][..],
        &["power-supply-rapid-red"],
        &["joining-wifi"],
        &["imp004m-red-3s"],
        &["imp004m-red-3s"],
        &["getting-ip-address"],
        &solid_green,
        &["connected"],
        &["lost-connection"],
    ];
    assert_eq!(codes(&output), expected.map(|codes| serde_json::json!(codes)));
    let lines = lines(&output);
    assert!(lines[..4].is_sorted_by_key(|line| line["at_ms"].as_u64()));
    assert!(lines[4..].is_sorted_by_key(|line| line["at_ms"].as_u64()));
    assert_eq!(lines[0]["trace"], trace("clean-07.csv").to_str().unwrap());
    assert_eq!(lines[8]["trace"], trace("clean-01.csv").to_str().unwrap());
}

#[test]
fn a_line_holds_trace_time_codes_and_confidence_to_four_decimals_in_this_order() {
    let name = trace("clean-05.csv");
    let output = read_led(&[&name]);
    let first = text(&output.stdout).lines().next().unwrap();
    let rest = first
        .strip_prefix(&format!("{{\"trace\":\"{}\",\"at_ms\":", name.to_str().unwrap()))
        .unwrap();
    let (at_ms, rest) = rest
        .split_once(",\"codes\":[\"lost-connection\"],\"confidence\":")
        .unwrap();
    let at_ms: u64 = at_ms.parse().unwrap();
    // Decidable 1.81 s after the trace's start, by the truth beside it.
    assert!((1600..2300).contains(&at_ms), "{at_ms}");
    let decimals = rest.strip_suffix('}').unwrap();
    assert!(decimals.len() <= 6, "{decimals}");
    let confidence: f64 = decimals.parse().unwrap();
    assert!((0.9..=1.0).contains(&confidence), "{confidence}");
}

#[test]
fn a_cut_trace_gives_the_same_lines_before_the_cut() {
    let whole = read_led(&[&trace("clean-03.csv")]);
    let full = std::fs::read_to_string(trace("clean-03.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.csv");
    let without_name = |output: &Output| -> Vec<_> {
        lines(output)
            .into_iter()
            .map(|line| {
                (
                    line["at_ms"].as_u64().unwrap(),
                    line["codes"].clone(),
                    line["confidence"].clone(),
                )
            })
            .collect()
    };
    let whole = without_name(&whole);
    for rows in [5, 300, 1200, 2500, 4000] {
        let kept: Vec<&str> = full.lines().take(rows).collect();
        std::fs::write(&cut, kept.join("\n")).unwrap();
        let part = without_name(&read_led(&[&cut]));
        assert_eq!(part, whole[..part.len()], "{rows} lines");
        let until: u64 = kept
            .last()
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .parse()
            .map_or(0, |micros: u64| micros / 1000);
        assert!(
            whole[part.len()..].iter().all(|reading| reading.0 > until),
            "{rows} lines"
        );
    }
}

#[test]
fn bad_files_are_named_with_their_line_and_the_others_are_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.csv");
    let good = std::fs::read_to_string(trace("clean-05.csv")).unwrap();
    let mut spoilt: Vec<&str> = good.lines().take(20).collect();
    spoilt[11] = "71000,12,x,14,15";
    std::fs::write(&bad, spoilt.join("\n")).unwrap();
    let bytes = folder.path().join("bytes.csv");
    std::fs::write(&bytes, b"# blinkup-trace 1\n\xff\xfe\n").unwrap();
    let missing = folder.path().join("missing.csv");

    let output = read_led(&[&bad, &missing, &bytes, &trace("clean-05.csv")]);
    assert_eq!(output.status.code(), Some(1));
    let said: Vec<&str> = text(&output.stderr).lines().collect();
    assert_eq!(said.len(), 3, "{said:?}");
    let line = format!(
        "{}: line 12: green: expected a count of 0 to 65535, found \"x\"",
        bad.display()
    );
    assert!(said[0].ends_with(&line), "{}", said[0]);
    assert!(said[1].contains(missing.to_str().unwrap()), "{}", said[1]);
    assert!(
        said[2].ends_with(&format!("{}: line 2: expected UTF-8 text", bytes.display())),
        "{}",
        said[2]
    );
    assert_eq!(codes(&output).len(), 3);
}

#[test]
fn a_fixtures_own_table_of_codes_is_used_and_a_bad_one_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("codes.toml");
    let vendor =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../blinkup/status-codes.toml")).unwrap();
    std::fs::write(&table, vendor.replace("id = \"lost-connection\"", "id = \"line-lost\"")).unwrap();
    let run = |table: &Path| read_led(&[Path::new("--codes"), table, &trace("clean-05.csv")]);
    assert_eq!(codes(&run(&table))[0], serde_json::json!(["line-lost"]));

    std::fs::write(&table, "[[code]]\nid = 7\n").unwrap();
    let output = run(&table);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(
        text(&output.stderr).contains(&format!("{}: line ", table.display())),
        "{}",
        text(&output.stderr)
    );
}
