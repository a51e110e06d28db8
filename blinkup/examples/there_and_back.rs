//! Configures a unit by light and reads the light back: `cargo run -p blinkup --example there_and_back`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use blinkup::frame::SymbolRate;
use blinkup::packet::{Contents, Enrolment, Packet, Password, Settings, Ssid, Wifi};
use blinkup::receive::Receiver;
use blinkup::symbol::Symbol;

fn main() -> Result<(), Box<dyn Error>> {
    // What the unit is to know. None of these can hold a value that a packet could not carry.
    let settings = Settings {
        wifi: Some(Wifi {
            ssid: Ssid::new("plant-floor")?,
            password: Password::new("correct horse")?,
        }),
        enrolment: Some(Enrolment {
            plan_id: "fedcba9876543210".parse()?,
            token: "0123456789abcdef".parse()?,
        }),
        ..Settings::default()
    };
    let packet = Packet::configure(&settings)?;

    // What a lamp shows, one symbol after the other.
    let rate = SymbolRate::new(60)?;
    let frame = packet.frame(rate.preamble());
    let digits: String = frame.symbols().map(Symbol::digit).collect();
    println!(
        "{} bytes, {} symbols, {:.1?} at 60 a second",
        packet.bytes().len(),
        digits.len(),
        frame.duration(rate)
    );
    println!("{digits}");

    // What a sensor beside it makes of the light: here a weak lamp under ambient light.
    let mut receiver = Receiver::new();
    for symbol in frame.symbols() {
        let level = match symbol {
            Symbol::Dark => 0.20,
            Symbol::Mid => 0.26,
            Symbol::Bright => 0.32,
        };
        if let Some(answer) = receiver.push_level(level) {
            let packet = answer?;
            assert_eq!(packet.contents(), &Contents::Configure(settings.clone()));
            println!("received: {:?}", packet.contents());
        }
    }
    Ok(())
}
