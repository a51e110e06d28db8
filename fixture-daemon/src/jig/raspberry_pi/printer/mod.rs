//! Label printers on a serial port or a printer's device file.
//!
//! A printer that can be asked is asked before a label (so that nothing is sent to one without paper, which would print it later on its
//! own) and after it (so that the label is known to be out).

mod barcode;
mod brother;
mod wire;
mod zpl;

use core::time::Duration;

use super::serial::Port;
use crate::clock::Clock;
use crate::jig::{JigError, Label, LabelPrinter, Printed};

use wire::Wire;

/// What a label is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterParts {
    /// The port.
    pub port: Port,
    /// What the printer speaks.
    pub language: Language,
    /// Lines of text, each with `{serial}`, `{device_id}`, `{lot}` and `{work_order}` in it.
    pub lines: Vec<String>,
    /// What stands below them as a Code 128 bar code, in the same words; `None` for none.
    pub code: Option<String>,
}

/// What a printer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Zebra's ZPL II, for a label of so many dots.
    Zpl {
        /// Across.
        width: u32,
        /// Along.
        height: u32,
    },
    /// Brother's QL raster, on continuous tape.
    BrotherQl {
        /// The tape.
        tape: Tape,
    },
}

/// Brother's continuous tapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tape {
    /// 29 mm.
    Mm29,
    /// 62 mm.
    Mm62,
}

/// What a printer says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Status {
    /// Nothing keeps it from printing, and nothing waits in it.
    Ready,
    /// It is still busy with a label.
    Printing,
    /// Why it cannot print.
    Stopped(&'static str),
    /// It does not tell.
    Silent,
}

/// How long a printer may take to say how it is.
const ANSWERS: Duration = Duration::from_millis(1500);

/// How long a label may take to come out.
const PRINTS: Duration = Duration::from_secs(8);

/// How often a printer that is still busy is asked again.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// A printer. Its port is opened for each label, so that it may be unplugged in between.
pub struct Printer {
    parts: PrinterParts,
    clock: Clock,
}

impl Printer {
    /// A printer that need not be there yet.
    pub fn new(parts: PrinterParts) -> Self {
        Self {
            parts,
            clock: Clock::start(),
        }
    }

    fn failed(&self, what: impl core::fmt::Display) -> JigError {
        JigError::Board(format!("label printer {}: {what}", self.parts.port.file.display()))
    }

    /// The text of a line, or of the bar code.
    fn filled(line: &str, label: &Label) -> String {
        let serial = label.serial.as_ref().map_or("", |serial| serial.as_str());
        // One pass, so that a serial with braces in it is not filled in again.
        let mut filled = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('{') {
            let (before, after) = rest.split_at(at);
            filled.push_str(before);
            let known = [
                ("{serial}", serial),
                ("{device_id}", label.device_id.as_deref().unwrap_or("")),
                ("{lot}", label.lot.as_str()),
                ("{work_order}", label.work_order.as_str()),
            ];
            if let Some((name, value)) = known.iter().find(|(name, _)| after.starts_with(name)) {
                filled.push_str(value);
                rest = after.get(name.len()..).unwrap_or_default();
            } else {
                filled.push('{');
                rest = after.get(1..).unwrap_or_default();
            }
        }
        filled + rest
    }

    fn bytes(&self, label: &Label) -> Result<Vec<u8>, String> {
        let lines: Vec<String> = self.parts.lines.iter().map(|line| Self::filled(line, label)).collect();
        let code = self.parts.code.as_ref().map(|code| Self::filled(code, label));
        let code = code.as_deref().filter(|code| !code.is_empty());
        match self.parts.language {
            Language::Zpl { width, height } => Ok(zpl::label(width, height, &lines, code)),
            Language::BrotherQl { tape } => brother::label(tape, &lines, code),
        }
    }

    fn status(&self, wire: &mut Wire) -> Result<Status, String> {
        match self.parts.language {
            Language::Zpl { .. } => zpl::status(wire, self.clock, ANSWERS),
            Language::BrotherQl { .. } => brother::status(wire, self.clock, ANSWERS),
        }
    }
}

impl LabelPrinter for Printer {
    fn ready(&mut self) -> Result<Printed, JigError> {
        let mut wire = Wire::open(&self.parts.port).map_err(|what| self.failed(what))?;
        match self.status(&mut wire).map_err(|what| self.failed(what))? {
            Status::Stopped(why) => Err(self.failed(why)),
            Status::Ready | Status::Printing => Ok(Printed::Confirmed),
            Status::Silent => Ok(Printed::Taken),
        }
    }

    fn print(&mut self, label: &Label) -> Result<Printed, JigError> {
        let bytes = self.bytes(label).map_err(|what| self.failed(what))?;
        let mut wire = Wire::open(&self.parts.port).map_err(|what| self.failed(what))?;
        let before = self.status(&mut wire).map_err(|what| self.failed(what))?;
        if let Status::Stopped(why) = before {
            return Err(self.failed(why));
        }
        wire.send(&bytes).map_err(|what| self.failed(what))?;
        if before == Status::Silent {
            return Ok(Printed::Taken);
        }
        let end = self.clock.now() + PRINTS;
        loop {
            match self.status(&mut wire).map_err(|what| self.failed(what))? {
                Status::Ready => return Ok(Printed::Confirmed),
                Status::Stopped(why) => return Err(self.failed(why)),
                Status::Printing | Status::Silent if self.clock.now() >= end => {
                    return Err(self.failed("did not say that the label is out"));
                }
                Status::Printing | Status::Silent => self.clock.sleep_until(self.clock.now() + ASK_EVERY),
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Read as _, Write as _};
    use std::thread::JoinHandle;

    use fixture_link::identity::Serial;
    use serialport::{SerialPort as _, TTYPort};

    use super::*;

    fn label(serial: &str) -> Label {
        Label {
            serial: Serial::new(serial).ok(),
            device_id: Some("2000000000000001".to_owned()),
            lot: "L-7".to_owned(),
            work_order: "W-3".to_owned(),
        }
    }

    #[test]
    fn a_line_is_filled_once() {
        assert_eq!(Printer::filled("{serial} of {lot}", &label("A{lot}")), "A{lot} of L-7");
        assert_eq!(Printer::filled("{lot}/{work_order}", &label("A")), "L-7/W-3");
        assert_eq!(Printer::filled("{x}{serial", &label("A")), "{x}{serial");
    }

    /// A Zebra on a pseudo-terminal: answers `~HS` with one of these states after the other, and tells what else it was sent.
    pub(in crate::jig::raspberry_pi) fn zebra(
        states: Vec<(bool, u32)>,
    ) -> (Printer, JoinHandle<(Vec<u8>, TTYPort)>, TTYPort) {
        let (mut printer, line) = TTYPort::pair().unwrap();
        let port = Port {
            file: line.name().unwrap().into(),
            baud: 9600,
        };
        printer.set_timeout(Duration::from_mins(1)).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut heard, mut states) = (Vec::new(), states.into_iter());
            let mut byte = [0];
            let mut next = states.next();
            while let Some((paper_out, waiting)) = next {
                printer.read_exact(&mut byte).unwrap();
                heard.push(byte[0]);
                if heard.ends_with(b"~HS\n") {
                    heard.truncate(heard.len() - 4);
                    let out = u8::from(paper_out);
                    let answer = format!(
                        "\x02030,{out},0,0400,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,{waiting:08},1,000\x03\r\n\x021234,0\x03\r\n"
                    );
                    printer.write_all(answer.as_bytes()).unwrap();
                    next = states.next();
                }
            }
            // Not unplugged before its last answer is read.
            (heard, printer)
        });
        let parts = PrinterParts {
            port,
            language: Language::Zpl {
                width: 400,
                height: 200,
            },
            lines: vec!["{serial}".to_owned()],
            code: Some("{serial}".to_owned()),
        };
        let printer = Printer::new(parts);
        (printer, thread, line)
    }

    #[test]
    fn a_label_is_confirmed_when_the_printer_says_that_nothing_waits_in_it() {
        let (mut printer, zebra, _line) = zebra(vec![(false, 0), (false, 1), (false, 0)]);
        assert_eq!(printer.print(&label("SN-1")), Ok(Printed::Confirmed));
        let heard = String::from_utf8(zebra.join().unwrap().0).unwrap();
        assert!(heard.starts_with("^XA") && heard.ends_with("^XZ\n"), "{heard}");
    }

    #[test]
    fn a_printer_without_paper_is_sent_nothing_and_prints_when_it_has_some() {
        let (mut printer, zebra, _line) = zebra(vec![(true, 0), (false, 0), (false, 0)]);
        let error = printer.print(&label("SN-1")).unwrap_err();
        assert!(error.to_string().ends_with("paper out"), "{error}");
        assert_eq!(printer.print(&label("SN-1")), Ok(Printed::Confirmed));
        let heard = String::from_utf8(zebra.join().unwrap().0).unwrap();
        assert_eq!(heard.matches("^XA").count(), 1, "{heard}");
    }

    #[test]
    fn a_printer_is_asked_how_it_is_without_a_label() {
        let (mut printer, zebra, _line) = zebra(vec![(true, 0), (false, 0)]);
        assert!(printer.ready().unwrap_err().to_string().ends_with("paper out"));
        assert_eq!(printer.ready(), Ok(Printed::Confirmed));
        assert!(zebra.join().unwrap().0.is_empty(), "nothing was sent to be printed");
    }

    #[test]
    fn paper_that_ends_in_the_middle_is_told() {
        let (mut printer, zebra, _line) = zebra(vec![(false, 0), (true, 1)]);
        assert!(
            printer
                .print(&label("SN-1"))
                .unwrap_err()
                .to_string()
                .ends_with("paper out")
        );
        zebra.join().unwrap();
    }

    #[test]
    fn a_printer_that_is_not_there_is_told() {
        let mut printer = Printer::new(PrinterParts {
            port: Port {
                file: "/nowhere/lp0".into(),
                baud: 9600,
            },
            language: Language::BrotherQl { tape: Tape::Mm62 },
            lines: vec!["{serial}".to_owned()],
            code: None,
        });
        let error = printer.print(&label("SN-1")).unwrap_err().to_string();
        assert!(error.starts_with("label printer /nowhere/lp0: "), "{error}");
    }
}
