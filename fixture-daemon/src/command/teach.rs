//! `teach`: the colours of a code that nobody published, from recorded light, into the fixture's own table.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, ensure};
use blinkup::codes::{CodeTable, Colour, PatternId};
use blinkup::reader::{Reader, ReaderSettings, learned};
use blinkup::trace::Trace;
use clap::Args;

use super::codes::named_by;
use super::read_led::trace;
use crate::clock::wall;
use crate::config::load_codes;

/// Learns the colours of a status code from recorded light and writes them into the fixture's own table, with date and source.
///
/// Every trace has to show the code for three rounds or more. Light that contradicts the code's known lengths or colours, that differs from
/// trace to trace, or that is another code's is refused, and the table stays as it is.
#[derive(Debug, Args)]
pub struct Teach {
    /// The id of the code, such as wps-in-progress.
    #[arg(long, value_name = "ID")]
    code: String,
    /// The fixture's own table of status codes; begins as the vendor's where there is no such file. Left out: what the configuration names.
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// The fixture's configuration, for the table that it names (`fixture.status_codes`).
    #[arg(long, value_name = "FILE", default_value = "/etc/fixture/fixture.toml")]
    config: PathBuf,
    /// Who vouches for the traces; written down with the date.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Traces (CSV), as `record` writes them.
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<String>,
}

/// Learns, checks, and only then writes.
///
/// # Errors
/// A trace or the table cannot be read, the light does not teach the code, or the table cannot be written; it is then as it was.
pub fn run(arguments: &Teach) -> anyhow::Result<ExitCode> {
    let file = match &arguments.table {
        Some(file) => file.clone(),
        None => named_by(&arguments.config)?.with_context(|| {
            format!(
                "{}: names no table of the fixture's own: expected fixture.status_codes = \"FILE\" there, or --table FILE",
                arguments.config.display()
            )
        })?,
    };
    let (text, before) = if file.exists() {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        (text, load_codes(&file)?)
    } else {
        (CodeTable::vendor_text().to_owned(), CodeTable::vendor())
    };
    let id = &*arguments.code;
    let code = before
        .code(id)
        .ok_or_else(|| anyhow!("{id:?}: {} knows no such code", file.display()))?;
    let mut taught: Option<(&str, Vec<Colour>)> = None;
    let mut traces = Vec::new();
    for name in &arguments.traces {
        let trace = trace(name).with_context(|| name.clone())?;
        let colours = learned(&before, code, &shades(&trace, &before)).map_err(|why| anyhow!("{name}: {id}: {why}"))?;
        match &taught {
            Some((first, others)) => ensure!(
                *others == colours,
                "{name}: {id} has other colours ({}) than in {first} ({})",
                words(&colours),
                words(others)
            ),
            None => taught = Some((name, colours)),
        }
        traces.push((name, trace));
    }
    let (_, colours) = taught.context("expected a trace")?;
    let by = arguments.by.as_ref();
    let by = by.map_or_else(String::new, |name| format!(" by {name}"));
    let source = format!("taught on {}{by} from {}", today()?, arguments.traces.join(", "));
    let text = CodeTable::teach(&text, id, &colours, &source).map_err(|why| anyhow!("{}: {why}", file.display()))?;
    let after = CodeTable::parse(&text).map_err(|why| anyhow!("{}: {why}", file.display()))?;
    // Not before the reader reads it.
    let pattern = after.pattern_of(id).context("a code with a pattern")?.id();
    for (name, trace) in &traces {
        ensure!(
            standing(trace, &after) == Some(pattern),
            "{name}: with {}, {id} is still not what the light is read as",
            words(&colours)
        );
    }
    replace(&file, &text).with_context(|| format!("{}: cannot be written", file.display()))?;
    eprintln!(
        "{id}: {}; written to {}; daemon and pages read it when they are started again",
        words(&colours),
        file.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// The pattern that the light is read as at its end.
fn standing(trace: &Trace, table: &CodeTable) -> Option<PatternId> {
    let mut reader = Reader::new(table, trace.header.sensor(), ReaderSettings::default());
    let readings = trace.samples().filter_map(|sample| reader.push(&sample).reading);
    readings.last()?.pattern
}

/// The changes of colour.
fn shades(trace: &Trace, table: &CodeTable) -> Vec<blinkup::reader::Shade> {
    let mut reader = Reader::new(table, trace.header.sensor(), ReaderSettings::default());
    trace
        .samples()
        .filter_map(|sample| reader.push(&sample).shade)
        .collect()
}

fn words(colours: &[Colour]) -> String {
    colours
        .iter()
        .map(|colour| colour.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The date in UTC, as the record has it.
fn today() -> anyhow::Result<jiff::civil::Date> {
    let now = jiff::Timestamp::from_microsecond(wall().micros)?;
    Ok(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Writes a file as a whole or not at all; who may read it stays as it is.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    // What a link names, and not the link.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = fs::File::create(&beside).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        match fs::metadata(file) {
            Ok(before) => {
                std::os::unix::fs::fchown(&new, Some(before.uid()), Some(before.gid()))?;
                new.set_permissions(before.permissions())?;
            }
            // The daemon and the pages read it as other users; there is nothing secret in it.
            Err(_) => new.set_permissions(fs::Permissions::from_mode(0o644))?,
        }
        new.sync_all()?;
        fs::rename(&beside, file)
    });
    if written.is_err() {
        // What is left of the attempt helps nobody; that it cannot be removed is not what went wrong.
        let _ = fs::remove_file(&beside);
    }
    written
}
