//! Scanners on serial ports (USB CDC or UART): lines of bytes, and what each is by the pattern that it fits.

use std::collections::VecDeque;

use fixture_link::identity::{LaneId, Serial};

use super::serial::{Heard, Port, Reader};
use crate::jig::{Field, JigError, Scan, Scanner};

/// The longest scan: a QR code of a label may be long, a whole document is none.
const LONGEST: usize = 256;

/// One scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannerParts {
    /// The port.
    pub port: Port,
    /// The lane that it belongs to; `None`: the next lane to be seated.
    pub lane: Option<LaneId>,
    /// Bytes that end a scan. None: a pause does.
    pub terminators: Vec<u8>,
    /// What is read, and what it is; at least one.
    pub patterns: Vec<(Kind, Pattern)>,
}

/// What a pattern is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A unit's serial.
    Serial,
    /// A lot.
    Lot,
    /// A work order.
    WorkOrder,
}

/// What a field looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// How it begins (an identifier such as `S` or `1T`), which is left out of the field.
    pub starts: String,
    /// Letters in the rest, at least and at most; 1 to 64.
    pub length: (usize, usize),
    /// What the rest is made of.
    pub only: Only,
}

/// Letters of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// Any printable letter.
    #[default]
    Printable,
    /// 0 to 9.
    Digits,
    /// 0 to 9 and the letters of ASCII.
    Alphanumeric,
    /// 0 to 9, A to F, in either case.
    Hexadecimal,
}

impl Pattern {
    /// The field in a scan, without how it begins; `None` where it does not fit.
    fn field<'a>(&self, scan: &'a str) -> Option<&'a str> {
        let rest = scan.strip_prefix(&self.starts)?;
        let letters = rest.chars().count();
        let made_of = |letter: char| match self.only {
            Only::Printable => !letter.is_control(),
            Only::Digits => letter.is_ascii_digit(),
            Only::Alphanumeric => letter.is_ascii_alphanumeric(),
            Only::Hexadecimal => letter.is_ascii_hexdigit(),
        };
        ((self.length.0..=self.length.1).contains(&letters) && rest.chars().all(made_of)).then_some(rest)
    }
}

/// What a scan is: of the patterns that it fits, the one with the longest beginning.
fn field(patterns: &[(Kind, Pattern)], scan: &str) -> Option<Field> {
    let (kind, rest) = patterns
        .iter()
        .filter_map(|(kind, pattern)| Some((pattern.starts.len(), *kind, pattern.field(scan)?)))
        // The first one of equals.
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, kind, rest)| (kind, rest))?;
    match kind {
        Kind::Serial => Serial::new(rest).ok().map(Field::Serial),
        Kind::Lot => Some(Field::Lot(rest.trim().to_owned())),
        Kind::WorkOrder => Some(Field::WorkOrder(rest.trim().to_owned())),
    }
}

/// Scans out of bytes. Pure.
#[derive(Debug, Default)]
struct Lines {
    terminators: Vec<u8>,
    line: Vec<u8>,
    /// More came than a scan may have: everything up to its end is thrown away.
    too_long: bool,
}

/// A whole scan, or why there is none.
type Line = Result<String, String>;

impl Lines {
    fn new(terminators: Vec<u8>) -> Self {
        Self {
            terminators,
            ..Self::default()
        }
    }

    fn bytes(&mut self, bytes: &[u8], lines: &mut Vec<Line>) {
        for byte in bytes {
            if self.terminators.contains(byte) {
                lines.extend(self.end());
            } else if self.line.len() == LONGEST {
                self.too_long = true;
            } else {
                self.line.push(*byte);
            }
        }
    }

    /// Nothing came for a while. It ends a scan only where no byte does.
    fn quiet(&mut self) -> Option<Line> {
        if self.terminators.is_empty() { self.end() } else { None }
    }

    /// The port was lost in the middle.
    fn lost(&mut self) {
        self.line.clear();
        self.too_long = false;
    }

    fn end(&mut self) -> Option<Line> {
        let line = core::mem::take(&mut self.line);
        if core::mem::take(&mut self.too_long) {
            return Some(Err(format!(
                "more than {LONGEST} bytes without an end: check its terminator and speed"
            )));
        }
        // CR LF ends one scan, not two.
        if line.is_empty() {
            return None;
        }
        let text = String::from_utf8(line).map_err(|_| "what came is no text: check its speed".to_owned());
        Some(text.map(|text| text.trim().to_owned()))
    }
}

/// One scanner that is being read.
struct One {
    parts: ScannerParts,
    reader: Reader,
    lines: Lines,
    lost: Option<String>,
    /// What it read last and nobody could use.
    unfit: Option<String>,
}

/// All scanners of a jig.
pub struct Scanners {
    each: Vec<One>,
    waiting: VecDeque<Scan>,
}

impl Scanners {
    /// Starts reading. A scanner need not be plugged in.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open(scanners: &[ScannerParts]) -> Result<Self, JigError> {
        let each = scanners
            .iter()
            .enumerate()
            .map(|(place, parts)| {
                let name = format!("scanner {}", place + 1);
                let reader = Reader::start(parts.port.clone(), &name)
                    .map_err(|error| JigError::Board(format!("{name}: {error}")))?;
                Ok(One {
                    lines: Lines::new(parts.terminators.clone()),
                    parts: parts.clone(),
                    reader,
                    lost: None,
                    unfit: None,
                })
            })
            .collect::<Result<_, JigError>>()?;
        Ok(Self {
            each,
            waiting: VecDeque::new(),
        })
    }
}

impl One {
    fn look(&mut self, waiting: &mut VecDeque<Scan>) {
        while let Some(heard) = self.reader.next() {
            let mut lines = Vec::new();
            match heard {
                Heard::Open => self.lost = None,
                Heard::Bytes(bytes) => self.lines.bytes(&bytes, &mut lines),
                Heard::Quiet => lines.extend(self.lines.quiet()),
                Heard::Lost(why) => {
                    self.lines.lost();
                    let ended = why.ends_with("has ended");
                    self.lost = Some(why);
                    if ended {
                        return;
                    }
                }
            }
            for line in lines {
                let scanned = line.and_then(|text| {
                    field(&self.parts.patterns, &text)
                        .ok_or_else(|| format!("{text:?} fits no pattern of this scanner"))
                });
                match scanned {
                    Ok(field) => {
                        self.unfit = None;
                        waiting.push_back(Scan {
                            lane: self.parts.lane,
                            field,
                        });
                    }
                    Err(why) => self.unfit = Some(why),
                }
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        let file = self.reader.file().display();
        match (&self.lost, &self.unfit) {
            (Some(lost), _) => Some(format!("scanner: {lost}")),
            (None, Some(unfit)) => Some(format!("scanner {file}: {unfit}")),
            (None, None) => None,
        }
    }
}

impl Scanner for Scanners {
    fn next(&mut self) -> Result<Option<Scan>, JigError> {
        for one in &mut self.each {
            one.look(&mut self.waiting);
        }
        if let Some(scan) = self.waiting.pop_front() {
            return Ok(Some(scan));
        }
        match self.each.iter().find_map(One::trouble) {
            Some(why) => Err(JigError::Board(why)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use core::time::Duration;
    use std::io::Write as _;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use serialport::{SerialPort as _, TTYPort};

    use super::*;
    use crate::clock::Clock;

    fn pattern(starts: &str, length: (usize, usize), only: Only) -> Pattern {
        Pattern {
            starts: starts.to_owned(),
            length,
            only,
        }
    }

    fn patterns() -> Vec<(Kind, Pattern)> {
        vec![
            (Kind::Serial, pattern("S", (4, 8), Only::Digits)),
            (Kind::Lot, pattern("1T", (1, 64), Only::Printable)),
            (Kind::WorkOrder, pattern("SWO", (3, 6), Only::Alphanumeric)),
        ]
    }

    fn serial(text: &str) -> Field {
        Field::Serial(Serial::new(text).unwrap())
    }

    #[test]
    fn a_scan_is_what_its_pattern_says() {
        for (scan, is) in [
            ("S12345", Some(serial("12345"))),
            ("S123", None),
            ("S123456789", None),
            ("S12x45", None),
            ("1TLot 7/b", Some(Field::Lot("Lot 7/b".to_owned()))),
            ("SWO77a", Some(Field::WorkOrder("77a".to_owned()))),
            ("12345", None),
            ("", None),
        ] {
            assert_eq!(field(&patterns(), scan), is, "{scan}");
        }
    }

    fn lines(terminators: &[u8], pieces: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::new(terminators.to_vec());
        let mut found = Vec::new();
        for piece in pieces {
            lines.bytes(piece, &mut found);
            found.extend(lines.quiet());
        }
        found
    }

    #[test]
    fn carriage_return_and_line_feed_end_one_scan_in_whatever_pieces_they_come() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(
            lines(b"\r\n", &[b"S1234\r\nS12", b"", b"35", b"\r", b"\n"]),
            [ok("S1234"), ok("S1235")]
        );
        assert_eq!(lines(b"", &[b"S1234", b"S1235"]), [ok("S1234"), ok("S1235")]);
    }

    #[test]
    fn a_wrong_speed_and_a_missing_end_are_told() {
        assert!(
            lines(b"\r", &[b"\xff\xfe\r"])[0]
                .as_ref()
                .unwrap_err()
                .contains("speed")
        );
        let long = lines(b"\r", &[&[b'1'; 300], b"\rS1234\r"]);
        assert!(long[0].as_ref().unwrap_err().contains("without an end"));
        assert_eq!(long[1], Ok("S1234".to_owned()));
    }

    proptest! {
        #[test]
        fn scans_do_not_depend_on_the_pieces_they_come_in(
            scans in proptest::collection::vec("[A-Z0-9]{1,20}", 1..6),
            cuts in proptest::collection::vec(1_usize..9, 0..40),
        ) {
            let all: Vec<u8> = scans.iter().flat_map(|scan| format!("{scan}\r\n").into_bytes()).collect();
            let mut rest = all.as_slice();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let found: Vec<String> = lines(b"\r\n", &pieces).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(found, scans);
        }
    }

    /// A pseudo-terminal behind a name that stays the same, as udev gives one.
    pub(in crate::jig::raspberry_pi) struct Plug {
        folder: tempfile::TempDir,
        device: Option<TTYPort>,
    }

    impl Plug {
        pub(in crate::jig::raspberry_pi) fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                device: None,
            }
        }

        fn name(&self) -> PathBuf {
            self.folder.path().join("scanner")
        }

        pub(in crate::jig::raspberry_pi) fn in_(&mut self) {
            let (device, line) = TTYPort::pair().unwrap();
            std::os::unix::fs::symlink(line.name().unwrap(), self.name()).unwrap();
            self.device = Some(device);
        }

        pub(in crate::jig::raspberry_pi) fn out(&mut self) {
            std::fs::remove_file(self.name()).unwrap();
            self.device = None;
        }

        pub(in crate::jig::raspberry_pi) fn scans(&mut self, bytes: &[u8]) {
            self.device.as_mut().unwrap().write_all(bytes).unwrap();
        }
    }

    fn scanners(plug: &Plug) -> Scanners {
        of_lane(plug, 2)
    }

    pub(in crate::jig::raspberry_pi) fn of_lane(plug: &Plug, number: u8) -> Scanners {
        Scanners::open(&[ScannerParts {
            port: Port {
                file: plug.name(),
                baud: 9600,
            },
            lane: LaneId::new(number).ok(),
            terminators: b"\r\n".to_vec(),
            patterns: patterns(),
        }])
        .unwrap()
    }

    /// Looks, as the nests' thread does, until something is as wanted; ten seconds at most.
    fn until<T>(
        scanners: &mut Scanners,
        what: &str,
        wanted: impl Fn(Result<Option<Scan>, JigError>) -> Option<T>,
    ) -> T {
        let clock = Clock::start();
        let end = clock.now() + Duration::from_secs(10);
        while clock.now() < end {
            if let Some(found) = wanted(scanners.next()) {
                return found;
            }
            clock.sleep_until(clock.now() + Duration::from_millis(5));
        }
        panic!("{what}: not within ten seconds");
    }

    #[test]
    fn a_scanner_that_is_unplugged_comes_back_without_a_restart() {
        let mut plug = Plug::new();
        let mut scanners = scanners(&plug);
        let trouble = until(&mut scanners, "a scanner that is not there", Result::err);
        assert!(trouble.to_string().contains("scanner"), "{trouble}");

        plug.in_();
        until(&mut scanners, "plugged in", |seen| seen.is_ok().then_some(()));
        plug.scans(b"S12345\r\nS12");
        let scan = until(&mut scanners, "a scan", |seen| seen.ok().flatten());
        assert_eq!((scan.lane, scan.field), (LaneId::new(2).ok(), serial("12345")));

        plug.out();
        until(&mut scanners, "unplugged", Result::err);
        plug.in_();
        until(&mut scanners, "plugged in again", |seen| seen.is_ok().then_some(()));
        // What was cut off by the plug is not glued to the next scan.
        plug.scans(b"S67890\r\n");
        let scan = until(&mut scanners, "a scan after that", |seen| seen.ok().flatten());
        assert_eq!(scan.field, serial("67890"));
    }

    #[test]
    fn what_fits_no_pattern_is_told_until_the_next_good_scan() {
        let mut plug = Plug::new();
        let mut scanners = scanners(&plug);
        until(&mut scanners, "a scanner that is not there", Result::err);
        plug.in_();
        until(&mut scanners, "plugged in", |seen| seen.is_ok().then_some(()));
        plug.scans(b"nonsense\r");
        let said = until(&mut scanners, "what does not fit", Result::err).to_string();
        assert!(said.contains("\"nonsense\" fits no pattern"), "{said}");
        assert!(scanners.next().is_err());
        plug.scans(b"S12345\r");
        until(&mut scanners, "a good scan", |seen| seen.ok().flatten());
        assert_eq!(scanners.next(), Ok(None));
    }
}
