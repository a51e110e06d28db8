//! Secrets: from files, and never shown.

use core::fmt;
use std::path::Path;

/// A secret text. `Debug` shows nothing of it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The largest file that is read for a secret, in bytes.
    const LARGEST: u64 = 4096;

    /// A secret text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret in a file, without the line end at its end.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 4096 bytes, or is not UTF-8: what is wrong, without its content.
    pub fn from_file(file: &Path) -> Result<Self, String> {
        let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
        if size > Self::LARGEST {
            return Err(format!("{size} bytes: expected at most {} for a secret", Self::LARGEST));
        }
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Self(text.strip_suffix('\r').unwrap_or(text).to_owned()))
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_keeps_its_spaces_loses_one_line_end_and_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), " pass word \r\n").unwrap();
        let secret = Secret::from_file(file.path()).unwrap();
        assert_eq!(secret.reveal(), " pass word ");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
