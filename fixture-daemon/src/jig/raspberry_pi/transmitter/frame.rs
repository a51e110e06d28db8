//! One line of the protocol with the imp: `hw/imp-transmitter/PROTOCOL.md`, "Frames".

use core::fmt::Write as _;

/// The protocol's version.
pub const VERSION: u8 = 1;

/// The most bytes between `:` and `*`: 4 of a head and 250 of a payload.
const LONGEST: usize = 254;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is: a printable letter other than `:` and `*`.
    pub kind: u8,
    /// Its number.
    pub number: u8,
    /// The rest: printable ASCII without `:` and `*`.
    pub payload: String,
}

impl Frame {
    /// The line that is sent.
    pub fn line(&self) -> Vec<u8> {
        let body = format!(
            "{VERSION:X}{}{:02X}{}",
            char::from(self.kind),
            self.number,
            self.payload
        );
        let mut line = format!(":{body}*");
        // A String takes everything.
        let _ = writeln!(line, "{:04X}", crc(body.as_bytes()));
        line.into_bytes()
    }

    /// The frame in what stood between `:` and the end of a line. `None` where it is damaged or of another version.
    fn read(body: &[u8]) -> Option<Self> {
        let (body, check) = body.split_at_checked(body.len().checked_sub(5)?)?;
        let check = core::str::from_utf8(check.strip_prefix(b"*")?).ok()?;
        if !is_upper_hexadecimal(check) || u16::from_str_radix(check, 16).ok()? != crc(body) {
            return None;
        }
        let [version, kind, high, low, payload @ ..] = body else {
            return None;
        };
        let number = [*high, *low];
        let number = core::str::from_utf8(&number)
            .ok()
            .filter(|digits| is_upper_hexadecimal(digits))?;
        let fits = *version == b'0' + VERSION
            && is_payload(*kind)
            && *kind != b' '
            && payload.iter().all(|byte| is_payload(*byte));
        fits.then(|| {
            Some(Self {
                kind: *kind,
                number: u8::from_str_radix(number, 16).ok()?,
                payload: String::from_utf8(payload.to_vec()).ok()?,
            })
        })?
    }
}

fn is_upper_hexadecimal(digits: &str) -> bool {
    digits
        .bytes()
        .all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit))
}

/// Whether a byte may stand in a payload.
pub fn is_payload(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b':' && byte != b'*'
}

/// CRC-16 with polynomial 0x1021 and all ones at first ("CRC-16/IBM-3740"; 0x29B1 of "123456789").
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

/// Frames out of bytes. A `:` always begins a new frame, so that one that was cut off takes nothing with it.
#[derive(Debug, Default)]
pub struct Frames {
    body: Option<Vec<u8>>,
}

impl Frames {
    /// Takes bytes; the frames that they end.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for byte in bytes {
            match (byte, &mut self.body) {
                (b':', _) => self.body = Some(Vec::new()),
                (b'\n', _) => frames.extend(self.body.take().and_then(|body| Frame::read(&body))),
                (b'\r', _) | (_, None) => {}
                (byte, Some(body)) if body.len() < LONGEST + 5 => body.push(*byte),
                (_, Some(_)) => self.body = None,
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame() -> impl Strategy<Value = Frame> {
        let kind = (b'!'..=b'~').prop_filter("a kind", |kind| is_payload(*kind));
        (kind, any::<u8>(), "[ -)+-9;-~]{0,250}").prop_map(|(kind, number, payload)| Frame { kind, number, payload })
    }

    #[test]
    fn a_frame_is_as_the_protocol_has_it() {
        assert_eq!(crc(b"123456789"), 0x29b1);
        let frame = Frame {
            kind: b'S',
            number: 7,
            payload: "6C696E65,,F".to_owned(),
        };
        assert_eq!(frame.line(), b":1S076C696E65,,F*5D44\n");
    }

    #[test]
    fn another_version_and_small_letters_are_not_read() {
        let line = |body: &str| format!(":{body}*{:04X}\n", crc(body.as_bytes())).into_bytes();
        assert_eq!(Frames::default().take(&line("1S07")).len(), 1);
        for wrong in ["2S07", "1S0a", "1S0", "1S07:"] {
            assert_eq!(Frames::default().take(&line(wrong)), [], "{wrong}");
        }
        assert_eq!(Frames::default().take(&[b':'; 10]), []);
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_whatever_noise_is_between(
            frames in proptest::collection::vec(frame(), 0..8),
            noise in "[ -9;-~]{0,30}",
            piece in 1_usize..40,
        ) {
            let mut bytes = Vec::new();
            for frame in &frames {
                bytes.extend(noise.bytes());
                // A frame that was cut off.
                bytes.extend(frame.line().iter().take(6));
                bytes.extend(frame.line());
            }
            let mut reader = Frames::default();
            let found: Vec<Frame> = bytes.chunks(piece).flat_map(|piece| reader.take(piece)).collect();
            prop_assert_eq!(found, frames);
        }

        #[test]
        fn a_damaged_frame_is_not_read_as_another(frame in frame(), place in 0_usize..260, bit in 0_u8..8) {
            let mut line = frame.line();
            let place = place % line.len();
            line[place] ^= 1 << bit;
            for found in Frames::default().take(&line) {
                // Only what is left out anyway can change: the line's end.
                prop_assert_eq!(&found, &frame);
            }
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for frame in Frames::default().take(&bytes) {
                prop_assert_eq!(Frames::default().take(&frame.line()), [frame]);
            }
        }
    }
}
