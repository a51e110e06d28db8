//! What must hold for any light: run by the fuzz target, and over its corpus by the tests.

use blinkup::packet::Packet;
use blinkup::receive::Receiver;
use blinkup::symbol::Symbol;

/// Bytes as light: the first says how the others are read. One answer at most, and a receiver that was reset hears the next frame.
pub fn light(data: &[u8]) {
    let Some((&how, data)) = data.split_first() else { return };
    let mut receiver = Receiver::new();
    let mut results = Vec::new();
    for &byte in data {
        let result = match how % 3 {
            0 => receiver.push_symbol([Symbol::Dark, Symbol::Mid, Symbol::Bright, Symbol::Dark][usize::from(byte % 4)]),
            1 => receiver.push_level(f32::from(byte) / 255.0),
            _ => receiver.push_level(f32::from_bits(u32::from(byte) << 24 | u32::from(how))),
        };
        results.extend(result);
    }
    results.extend(receiver.finish().map(Err));
    assert!(results.len() <= 1, "{results:?}");
    if let Some(Ok(packet)) = results.pop() {
        receiver.reset();
        assert_eq!(hears(&mut receiver, &packet), Some(packet));
    }
    receiver.reset();
    let clear = Packet::clear_settings();
    assert_eq!(hears(&mut receiver, &clear), Some(clear));
}

fn hears(receiver: &mut Receiver, packet: &Packet) -> Option<Packet> {
    let mut symbols = packet.frame(3).symbols();
    symbols.find_map(|symbol| receiver.push_symbol(symbol))?.ok()
}
