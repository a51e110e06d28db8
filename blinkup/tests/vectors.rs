//! The vendor SDK's own packets, symbol for symbol, and back.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write;
use std::num::NonZeroU16;

use blinkup::packet::{Contents, Credentials, Enrolment, Packet, Password, Proxy, Settings, Ssid, StaticAddress, Wifi};
use blinkup::receive::{Hearing, Receiver};
use blinkup::symbol::Symbol;
use serde_json::Value;

const VECTORS: &str = include_str!("vectors/packets.jsonl");

struct Vector {
    settings: Settings,
    packet: String,
    symbols: String,
}

fn vectors() -> Vec<Vector> {
    VECTORS.lines().map(vector).collect()
}

fn vector(line: &str) -> Vector {
    let line: Value = serde_json::from_str(line).unwrap();
    let config = &line["config"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let wifi = (config["ssid"] != "").then(|| Wifi {
        ssid: Ssid::new(&text(&config["ssid"])).unwrap(),
        password: Password::new(&text(&config["password"])).unwrap(),
    });
    let address = config.get("static").map(|address| StaticAddress {
        ip: text(&address["ip"]).parse().unwrap(),
        netmask: text(&address["netmask"]).parse().unwrap(),
        gateway: text(&address["gateway"]).parse().unwrap(),
        dns1: text(&address["dns1"]).parse().unwrap(),
        dns2: address.get("dns2").map(|dns2| text(dns2).parse().unwrap()),
    });
    let proxy = config.get("proxy").map(|proxy| {
        let credentials = proxy
            .get("username")
            .map(|username| Credentials::new(&text(username), &text(&proxy["password"])).unwrap());
        let port = NonZeroU16::new(u16::try_from(proxy["port"].as_u64().unwrap()).unwrap()).unwrap();
        Proxy::new(&text(&proxy["server"]), port, credentials).unwrap()
    });
    Vector {
        settings: Settings {
            wifi,
            address,
            proxy,
            enrolment: Some(Enrolment {
                plan_id: text(&config["plan_id"]).parse().unwrap(),
                token: text(&config["token"]).parse().unwrap(),
            }),
        },
        packet: text(&line["packet"]),
        symbols: text(&line["symbols"]),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

#[test]
fn every_packet_of_the_vendors_sdk_is_made_bit_for_bit() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 300);
    for (line, vector) in vectors.iter().enumerate() {
        let packet = Packet::configure(&vector.settings).unwrap();
        assert_eq!(hex(packet.bytes()), vector.packet, "line {}", line + 1);
        let frame = packet.frame(3);
        let symbols: String = frame.symbols().map(Symbol::digit).collect();
        assert_eq!(symbols, vector.symbols, "line {}", line + 1);
        assert_eq!(frame.symbol_count(), vector.symbols.len());
    }
}

#[test]
fn every_packet_of_the_vendors_sdk_is_received_and_says_what_was_configured() {
    for (line, vector) in vectors().iter().enumerate() {
        let mut receiver = Receiver::new();
        let results: Vec<_> = vector
            .symbols
            .chars()
            .filter_map(|digit| receiver.push_symbol(Symbol::from_digit(digit).unwrap()))
            .collect();
        let [Ok(packet)] = &*results else {
            panic!("line {}: {results:?}", line + 1)
        };
        assert_eq!(
            packet.contents(),
            &Contents::Configure(vector.settings.clone()),
            "line {}",
            line + 1
        );
        assert_eq!(receiver.hearing(), Hearing::Over);
    }
}
