//! What must hold for any bytes: run by the fuzz target, and over its corpus by the tests.

use blinkup::crc::crc16;
use blinkup::packet::{Contents, Packet};

/// Bytes as a packet, and as entries under a right length and check value: what is taken is what would have been made.
pub fn packet(data: &[u8]) {
    judge(Packet::from_bytes(data).ok(), data);
    if let Ok(length) = u8::try_from(data.len()) {
        let mut sealed = vec![length];
        sealed.extend_from_slice(data);
        let crc = crc16(&sealed);
        sealed.extend_from_slice(&crc.to_be_bytes());
        judge(Packet::from_bytes(&sealed).ok(), &sealed);
    }
}

fn judge(packet: Option<Packet>, bytes: &[u8]) {
    let Some(packet) = packet else { return };
    let made = match packet.contents() {
        Contents::ClearSettings => Ok(Packet::clear_settings()),
        Contents::Configure(settings) => Packet::configure(settings),
    };
    // A packet without any entry has a length byte of 0 and is never taken.
    assert_eq!(made.as_ref().map(Packet::bytes), Ok(bytes));
}
