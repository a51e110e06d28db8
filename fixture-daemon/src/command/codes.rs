//! Which table of status codes a command works with: the vendor's, or a fixture's own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use blinkup::codes::CodeTable;
use clap::Args;
use fixture_link::settings::Settings;

use crate::config;

/// The vendor's table, as long as nothing else is said.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Codes {
    /// A table of status codes instead of the vendor's, such as a fixture's own.
    #[arg(long, value_name = "FILE")]
    codes: Option<PathBuf>,
    /// A fixture's configuration, for the table of status codes that it names (`fixture.status_codes`); nothing else is taken from it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Codes {
    /// Reads the table.
    ///
    /// # Errors
    /// A file cannot be read, or is wrong: with its line.
    pub fn load(&self) -> anyhow::Result<CodeTable> {
        let named = match (&self.codes, &self.config) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(config)) => named_by(config)?,
            (None, None) => None,
        };
        match named {
            Some(file) => Ok(config::load_codes(&file)?),
            None => Ok(CodeTable::vendor()),
        }
    }
}

/// The fixture's own table, where its configuration names one.
///
/// # Errors
/// The configuration cannot be read, or is wrong.
pub fn named_by(config: &Path) -> anyhow::Result<Option<PathBuf>> {
    let text = std::fs::read_to_string(config).with_context(|| config.display().to_string())?;
    Ok(Settings::parse(config, &text)?.status_codes)
}
