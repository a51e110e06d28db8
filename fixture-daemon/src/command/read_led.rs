//! `fixture-daemon read-led`: recorded traces in, readings out.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use blinkup::codes::CodeTable;
use blinkup::reader::{Reader, ReaderSettings, Reading};
use blinkup::trace::Trace;
use serde::Serialize;

use super::codes::Codes;

/// Reads status LEDs from recorded traces; writes one JSON object a reading, in order of time.
///
/// {"trace": the file as given, `"at_ms"`: time of the deciding sample, "codes": all that look alike, or none when the light has become unreadable,
/// "confidence": 0 to 1}. A bad file is named on stderr with its line; the others are still read, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub struct ReadLed {
    #[command(flatten)]
    codes: Codes,
    /// Traces (CSV).
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<String>,
}

/// A line of the output; fields in this order.
#[derive(Serialize)]
struct Line<'a> {
    trace: &'a str,
    at_ms: u64,
    codes: Vec<&'a str>,
    confidence: Confidence,
}

/// A probability, written with four decimals.
struct Confidence(f32);

impl Serialize for Confidence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((f64::from(self.0) * 1e4).round() / 1e4)
    }
}

/// Reads every trace in the order given.
///
/// # Errors
/// The table of codes is bad, or stdout could not be written.
pub fn run(arguments: &ReadLed) -> anyhow::Result<ExitCode> {
    let table = arguments.codes.load()?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut ended = ExitCode::SUCCESS;
    for name in &arguments.traces {
        match trace(name) {
            Ok(trace) => read(name, &trace, &table, &mut output).context("stdout")?,
            Err(error) => {
                ended = ExitCode::FAILURE;
                eprintln!("{name}: {error:#}");
            }
        }
        output.flush().context("stdout")?;
    }
    Ok(ended)
}

/// A trace in a file.
pub(super) fn trace(name: &str) -> anyhow::Result<Trace> {
    let bytes = std::fs::read(name)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        anyhow!("line {line}: expected UTF-8 text")
    })?;
    Ok(Trace::parse(text)?)
}

fn read(name: &str, trace: &Trace, table: &CodeTable, output: &mut impl Write) -> io::Result<()> {
    let mut reader = Reader::new(table, trace.header.sensor(), ReaderSettings::default());
    for sample in trace.samples() {
        if let Some(Reading {
            at,
            pattern,
            confidence,
        }) = reader.push(&sample).reading
        {
            let codes = pattern.map(|pattern| table.codes_of(pattern).map(|code| &*code.id).collect());
            let line = Line {
                trace: name,
                at_ms: at.as_millis(),
                codes: codes.unwrap_or_default(),
                confidence: Confidence(confidence),
            };
            serde_json::to_writer(&mut *output, &line)?;
            writeln!(output)?;
        }
    }
    Ok(())
}
