//! Symbols encoded a second, beside the plain way of writing bits as text; and light received a second.
#![expect(clippy::expect_used, reason = "a benchmark")]

use blinkup::packet::{Enrolment, Packet, Password, PlanId, Settings, Ssid, Token, Wifi};
use blinkup::receive::Receiver;
use blinkup::symbol::Symbol;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// The longest packet without address and proxy: 32 + 63 bytes of Wi-Fi.
fn packet() -> Packet {
    Packet::configure(&Settings {
        wifi: Some(Wifi {
            ssid: Ssid::new(&"s".repeat(32)).expect("32 bytes"),
            password: Password::new(&"p".repeat(63)).expect("63 bytes"),
        }),
        enrolment: Some(Enrolment {
            plan_id: PlanId::from_bytes([0x5A; 8]),
            token: Token::from_bytes([0xA5; 8]),
        }),
        ..Settings::default()
    })
    .expect("it fits")
}

/// The iterator of a frame, every symbol looked at.
#[divan::bench]
fn symbols(bencher: Bencher) {
    let packet = packet();
    let count = packet.frame(4).symbol_count();
    bencher.counter(ItemsCount::new(count)).bench(|| {
        for symbol in black_box(&packet).frame(4).symbols() {
            black_box(symbol);
        }
    });
}

/// The same, written as digits.
#[divan::bench]
fn symbols_as_text(bencher: Bencher) {
    let packet = packet();
    let count = packet.frame(4).symbol_count();
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let symbols = black_box(&packet).frame(4).symbols();
        symbols.map(Symbol::digit).collect::<String>()
    });
}

/// The same symbols as text, made by formatting every byte as bits.
#[divan::bench]
fn symbols_by_formatting_bits(bencher: Bencher) {
    let packet = packet();
    let count = packet.frame(4).symbol_count();
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut bytes = vec![0, 0, 0, 0, 0x2A];
        bytes.extend_from_slice(black_box(&packet).bytes());
        let mut digits = Vec::new();
        for byte in bytes {
            for bit in format!("{byte:08b}").bytes() {
                digits.push(b'0');
                digits.push(bit + 1);
            }
        }
        digits.extend_from_slice(b"000000");
        digits
    });
}

/// A packet made from its settings and all its symbols.
#[divan::bench]
fn a_whole_frame_from_its_settings(bencher: Bencher) {
    let settings = packet().settings().cloned().expect("settings");
    bencher.bench(|| {
        let packet = Packet::configure(black_box(&settings)).expect("it fits");
        packet.frame(4).symbols().map(Symbol::digit).collect::<String>()
    });
}

/// Light levels taken by a receiver, four for every symbol.
#[divan::bench]
fn levels_received(bencher: Bencher) {
    let packet = packet();
    let levels: Vec<f32> = packet
        .frame(4)
        .symbols()
        .map(|symbol| match symbol {
            Symbol::Dark => 0.2,
            Symbol::Mid => 0.3,
            Symbol::Bright => 0.4,
        })
        .flat_map(|level| std::iter::repeat_n(level, 4))
        .collect();
    let mut receiver = Receiver::new();
    bencher.counter(ItemsCount::new(levels.len())).bench_local(|| {
        receiver.reset();
        levels.iter().find_map(|&level| receiver.push_level(level))
    });
}
