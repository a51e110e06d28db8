//! `fixture-daemon encode` through its real binary.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// The vendor SDK's own packets.
const VECTORS: &str = include_str!("../../blinkup/tests/vectors/packets.jsonl");

const TOKEN: &str = r#""token":"0123456789abcdef","plan_id":"fedcba9876543210""#;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture-daemon"));
    command
        .args(["encode", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// The lines that come out, and the exit code.
fn encode(input: &[u8]) -> (Vec<Value>, i32) {
    let mut child = command().spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, output.status.code().unwrap())
}

fn error_of(line: &str) -> String {
    let (lines, code) = encode(line.as_bytes());
    let [answer] = &*lines else { panic!("{line}: {lines:?}") };
    assert_eq!(code, 1, "{line}");
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

#[test]
fn every_packet_of_the_vendors_sdk_is_encoded_symbol_for_symbol() {
    let mut input = String::new();
    let mut expected = Vec::new();
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        writeln!(input, "{}", vector["config"]).unwrap();
        expected.push(json!({ "packet": vector["packet"], "symbols": vector["symbols"] }));
    }
    let (lines, code) = encode(input.as_bytes());
    assert_eq!(code, 0);
    assert_eq!(lines.len(), 300);
    for (number, (line, expected)) in lines.iter().zip(&expected).enumerate() {
        assert_eq!(line, expected, "line {}", number + 1);
    }
}

#[test]
fn what_the_vectors_leave_out_is_encoded_too() {
    let input =
        format!("{{\"clear\":true}}\n{{{TOKEN}}}\n{{\"ssid\":\"\",{TOKEN}}}\r\n{{\"ssid\":\"a\",\"password\":\"\"}}");
    let (lines, code) = encode(input.as_bytes());
    assert_eq!(code, 0, "{lines:?}");
    let packets: Vec<&str> = lines.iter().map(|line| line["packet"].as_str().unwrap()).collect();
    let enrolment = "1205101032547698badcfeefcdab8967452301e401";
    assert_eq!(packets[..3], ["0207001d41", enrolment, enrolment]);
    assert!(packets[3].starts_with("050101610600"), "{}", packets[3]);
    let symbols = lines[0]["symbols"].as_str().unwrap();
    assert_eq!(symbols.len(), 16 * (3 + 1 + 5) + 6);
    assert!(
        symbols.starts_with(&"01".repeat(24)) && symbols.ends_with("000000"),
        "{symbols}"
    );
}

#[test]
fn a_bad_line_is_answered_in_its_place_and_the_others_still_are() {
    let input = format!("{{{TOKEN}}}\n{{\"ssid\":3}}\n\n{{{TOKEN}}}\n");
    let mut input = input.into_bytes();
    input.extend_from_slice(b"{\"ssid\":\"\xFF\"}\n");
    let (lines, code) = encode(&input);
    assert_eq!(code, 1);
    let kinds: Vec<bool> = lines.iter().map(|line| line.get("packet").is_some()).collect();
    assert_eq!(kinds, [true, false, false, true, false]);
    assert_eq!(lines[1]["error"], "ssid: a number, expected a text");
    assert_eq!(lines[2]["error"], "line: empty, expected a JSON object");
    assert_eq!(lines[4]["error"], "line: not UTF-8, expected a JSON object");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_error_names_the_field_and_its_limit() {
    let long = "x".repeat(70_000);
    for (line, expected) in [
        (
            "{}",
            "settings: nothing to send, expected at least one of ssid, static, proxy, token",
        ),
        ("[]", "line: a list, expected an object"),
        (
            "{\"ssid\":\"a\"",
            "line: not JSON at column 11: EOF while parsing an object, expected a JSON object",
        ),
        (
            "{} {}",
            "line: not JSON at column 4: trailing characters, expected a JSON object",
        ),
        (
            &format!("{{\"ssid\":\"{long}\",{TOKEN}}}"),
            "line: expected fewer than 65536 bytes",
        ),
        (
            "{\"ssid\":\"123456789012345678901234567890123\",\"password\":\"\"}",
            "ssid: 33 bytes, expected 1 to 32",
        ),
        (
            "{\"ssid\":\"a\"}",
            "password: missing beside ssid, expected 0 to 64 bytes (\"\" on an open network)",
        ),
        (
            "{\"password\":\"a\"}",
            "ssid: missing beside a password, expected 1 to 32 bytes",
        ),
        ("{\"ssid\":null,\"password\":\"a\"}", "ssid: null, expected a text"),
        (
            "{\"ssid\":\"a\",\"ssid\":\"b\",\"password\":\"\"}",
            "ssid: stands twice, expected once",
        ),
        (
            "{\"SSID\":\"a\",\"password\":\"\"}",
            "SSID: unknown key, expected ssid, password, token, plan_id, static, proxy, or clear alone",
        ),
        (
            "{\"token\":\"0123456789abcdef\"}",
            "plan_id: missing beside token, expected 16 hexadecimal digits",
        ),
        (
            "{\"plan_id\":\"0123456789abcdef\"}",
            "token: missing beside plan_id, expected 16 hexadecimal digits",
        ),
        (
            "{\"token\":\"0123456789abcdeg\",\"plan_id\":\"0123456789abcdef\"}",
            "token: expected 16 hexadecimal digits",
        ),
        (
            "{\"token\":\"0123456789abcdef\",\"plan_id\":\"\"}",
            "plan_id: expected 16 hexadecimal digits",
        ),
        ("{\"clear\":false}", "clear: expected true, or no such key"),
        (
            "{\"clear\":true,\"ssid\":\"\"}",
            "ssid: not expected beside clear, which is sent alone",
        ),
        ("{\"static\":\"10.0.0.1\"}", "static: a text, expected an object"),
        (
            "{\"static\":{\"ip\":\"10.0.0.256\"}}",
            "static.ip: expected an IPv4 address as in \"192.168.1.20\"",
        ),
        (
            "{\"static\":{\"ip\":\"10.0.0.5\",\"netmask\":\"255.0.0.0\",\"gateway\":\"10.0.0.1\"}}",
            "static.dns1: missing, expected an IPv4 address as in \"192.168.1.20\"",
        ),
        (
            "{\"static\":{\"ip\":\"10.0.0.5\",\"netmask\":\"255.0.0.0\",\"gateway\":\"10.0.0.1\",\"dns1\":\"10.0.0.1\",\"dns3\":\"\"}}",
            "static.dns3: unknown key, expected ip, netmask, gateway, dns1, dns2",
        ),
        (
            "{\"proxy\":{\"port\":80}}",
            "proxy.server: missing, expected 1 to 250 bytes",
        ),
        (
            "{\"proxy\":{\"server\":\"\",\"port\":80}}",
            "proxy.server: 0 bytes, expected 1 to 250",
        ),
        (
            "{\"proxy\":{\"server\":\"p\",\"port\":0}}",
            "proxy.port: expected a whole number, 1 to 65535",
        ),
        (
            "{\"proxy\":{\"server\":\"p\",\"port\":65536}}",
            "proxy.port: expected a whole number, 1 to 65535",
        ),
        (
            "{\"proxy\":{\"server\":\"p\",\"port\":\"80\"}}",
            "proxy.port: expected a whole number, 1 to 65535",
        ),
        (
            "{\"proxy\":{\"server\":\"p\",\"port\":80,\"port\":81}}",
            "proxy.port: stands twice, expected once",
        ),
        (
            "{\"proxy\":{\"server\":\"p\",\"port\":80,\"username\":\"u\"}}",
            "proxy.password: missing beside username, expected 0 to 246 bytes",
        ),
        (
            "{\"proxy\":{\"server\":\"p\",\"port\":80,\"password\":\"u\"}}",
            "proxy.username: missing beside password, expected 1 to 247 bytes",
        ),
    ] {
        assert_eq!(error_of(line), expected, "{line}");
    }
}

#[test]
fn entries_that_do_not_fit_together_are_an_error() {
    let line = json!({
        "ssid": "s".repeat(32), "password": "p".repeat(64),
        "token": "0123456789abcdef", "plan_id": "0123456789abcdef",
        "proxy": { "server": "h".repeat(133), "port": 80 },
    });
    assert_eq!(
        error_of(&line.to_string()),
        "entries: 256 bytes in all, expected at most 255"
    );
}

#[test]
fn an_error_never_shows_a_secret() {
    let secret = "f00dsecret".repeat(8);
    for line in [
        json!({ "ssid": "a", "password": secret }),
        json!({ "token": secret, "plan_id": "0123456789abcdef" }),
        json!({ "proxy": { "server": "p", "port": 80, "username": "u", "password": secret.repeat(4) } }),
        json!({ "ssid": { "password": secret }, "password": secret }),
    ] {
        let error = error_of(&line.to_string());
        assert!(!error.contains("f00d"), "{error}");
    }
}

#[test]
fn an_answer_comes_before_the_next_line_is_asked_for() {
    let mut child = command().spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(stdin, "{{\"clear\":true}}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.starts_with("{\"packet\":\"0207001d41\""), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
