//! Serial ports, as several parts name them.

use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use toml::Spanned;

use super::claims::Claims;
use crate::jig::raspberry_pi::serial::Port;

/// The slowest and the fastest speed that printers, scanners and modules use.
const SPEEDS: (u64, u64) = (1200, 921_600);

/// Checks a port; each is used by one part, and the header's UART takes its pins.
pub(in crate::config) fn check(
    claims: &mut Claims<'_>,
    port: &Spanned<PathBuf>,
    baud: Option<&Spanned<u64>>,
    usual: u64,
) -> Result<Port, Mistake> {
    let source = claims.source();
    let file = port.get_ref();
    if !file.starts_with("/dev") {
        let what = format!("expected a device under /dev, found {}", file.display());
        return Err(source.mistake(port, what));
    }
    claims.port(port, file)?;
    Ok(Port {
        file: file.clone(),
        baud: source.count(baud, usual, SPEEDS.0, SPEEDS.1)?,
    })
}
