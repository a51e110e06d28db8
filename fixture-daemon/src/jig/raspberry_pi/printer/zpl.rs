//! Zebra's ZPL II. Commands by the "ZPL II Programming Guide" (P1099958), named where they are used.

use core::fmt::Write as _;
use core::time::Duration;

use super::Status;
use super::wire::Wire;
use crate::clock::Clock;

/// Dots from the label's edge.
const MARGIN: u32 = 16;

/// The height of a bar code, in dots.
const BARS: u32 = 80;

/// A label: lines of text, and a Code 128 below them.
pub fn label(width: u32, height: u32, lines: &[String], code: Option<&str>) -> Vec<u8> {
    // ^CI28: UTF-8. ^JZN: after running out of paper nothing is printed again on its own; the fixture sends it again.
    let mut zpl = format!("^XA^CI28^JZN^PW{width}^LL{height}^LH0,0");
    let below = if code.is_some() { BARS + MARGIN } else { 0 };
    let count = u32::try_from(lines.len()).unwrap_or(u32::MAX).max(1);
    let line = (height.saturating_sub(2 * MARGIN + below) / count).clamp(12, 60);
    let mut top = MARGIN;
    for text in lines {
        // ^FH_: _ and two hexadecimal digits stand for a byte.
        write!(
            zpl,
            "^FO{MARGIN},{top}^A0N,{line},{line}^FH_^FD{}^FS",
            escaped(text, "")
        )
        .expect("a String takes all");
        top += line;
    }
    if let Some(code) = code {
        let top = height.saturating_sub(BARS + MARGIN);
        // In ^BC a > begins a command of its own, and >0 is the letter itself.
        write!(
            zpl,
            "^FO{MARGIN},{top}^BY2^BCN,{BARS},N,N,N^FH_^FD{}^FS",
            escaped(&code.replace('>', ">0"), ">")
        )
        .expect("a String takes all");
    }
    zpl.push_str("^PQ1^XZ\n");
    zpl.into_bytes()
}

/// Every byte that is not plainly harmless as `_` and two hexadecimal digits, so that no text can hold a command (`^`, `~`).
fn escaped(text: &str, harmless: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        let letter = char::from(byte);
        if letter.is_ascii_alphanumeric() || " -./:+".contains(letter) || harmless.contains(letter) {
            escaped.push(letter);
        } else {
            write!(escaped, "_{byte:02X}").expect("a String takes all");
        }
    }
    escaped
}

/// Asks by `~HS` ("Host Status Return").
pub fn status(wire: &mut Wire, clock: Clock, within: Duration) -> Result<Status, String> {
    wire.send(b"~HS\n")?;
    Ok(wire.answer(clock, within, read)?.unwrap_or(Status::Silent))
}

/// What the three strings of a host status say; `None` while they are not all there.
fn read(heard: &[u8]) -> Option<Status> {
    let text = core::str::from_utf8(heard).ok()?;
    let mut strings = text.split('\u{2}').skip(1).map(|string| string.split_once('\u{3}'));
    let mut next = || {
        strings
            .next()
            .flatten()
            .map(|(fields, _)| fields.split(',').collect::<Vec<_>>())
    };
    let (first, second) = (next()?, next()?);
    next()?;
    let is_on = |fields: &[&str], place: usize| fields.get(place).is_some_and(|field| field.trim() == "1");
    // String 1: aaa,b,c,…: b paper out, c pause; eee, the fifth: formats that wait in the receive buffer.
    // String 2: mmm,n,o,p,…: o head up, p ribbon out; the ninth: labels still to be printed.
    let waits = |fields: &[&str], place: usize| {
        fields
            .get(place)
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0_u32)
    };
    Some(if is_on(&first, 1) {
        Status::Stopped("paper out")
    } else if is_on(&second, 2) {
        Status::Stopped("head open")
    } else if is_on(&second, 3) {
        Status::Stopped("ribbon out")
    } else if is_on(&first, 2) {
        Status::Stopped("paused")
    } else if waits(&first, 4) > 0 || waits(&second, 8) > 0 {
        Status::Printing
    } else {
        Status::Ready
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zpl(text: &str) -> String {
        String::from_utf8(label(400, 200, &[text.to_owned()], Some(text))).unwrap()
    }

    #[test]
    fn a_plain_serial_is_printed_and_coded_as_it_is() {
        assert_eq!(
            zpl("SN-1"),
            "^XA^CI28^JZN^PW400^LL200^LH0,0^FO16,16^A0N,60,60^FH_^FDSN-1^FS\
             ^FO16,104^BY2^BCN,80,N,N,N^FH_^FDSN-1^FS^PQ1^XZ\n"
        );
    }

    #[test]
    fn a_hostile_serial_is_text_and_nothing_else() {
        let zpl = zpl("^XZ~JR_>:ü");
        assert!(zpl.contains("^FD_5EXZ_7EJR_5F_3E:_C3_BC^FS"), "{zpl}");
        assert!(zpl.contains("^FD_5EXZ_7EJR_5F>0:_C3_BC^FS"), "{zpl}");
    }

    proptest! {
        #[test]
        fn no_text_adds_a_command(text in "\\PC{1,64}") {
            let commands = |zpl: &str| zpl.matches(['^', '~']).count();
            prop_assert_eq!(commands(&zpl(&text)), commands(&zpl("A")));
        }

        #[test]
        fn no_answer_is_too_damaged_to_be_looked_at(heard in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = read(&heard);
        }
    }

    #[test]
    fn a_host_status_is_read_when_all_of_it_is_there() {
        let whole = "\u{2}030,0,0,0400,000,0,0,0,000,0,0,0\u{3}\r\n\u{2}000,0,0,0,0,2,4,0,00000000,1,000\u{3}\r\n\u{2}1234,0\u{3}\r\n";
        assert_eq!(read(whole.as_bytes()), Some(Status::Ready));
        let cut = whole.len() - 4;
        assert_eq!(read(&whole.as_bytes()[..cut]), None);
        for (from, to, status) in [
            ("030,0,0,0400,000", "030,1,0,0400,000", Status::Stopped("paper out")),
            ("030,0,0,0400,000", "030,0,1,0400,000", Status::Stopped("paused")),
            ("030,0,0,0400,000", "030,0,0,0400,001", Status::Printing),
            ("000,0,0,0,0,2", "000,0,1,0,0,2", Status::Stopped("head open")),
            ("000,0,0,0,0,2", "000,0,0,1,0,2", Status::Stopped("ribbon out")),
            ("00000000,1", "00000002,1", Status::Printing),
        ] {
            assert_eq!(read(whole.replace(from, to).as_bytes()), Some(status), "{to}");
        }
    }
}
