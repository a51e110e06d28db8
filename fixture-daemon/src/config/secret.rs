//! Secrets: from files, and never shown.

use core::fmt;
use std::path::{Path, PathBuf};

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

    /// The secret in a file, without the line end at its end. Where systemd hands over a credential for it (`LoadCredential=secret:FOLDER`
    /// in the unit: the file's name behind `secret_`), that one is read: then the file itself may be root's alone.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 4096 bytes, or is not UTF-8: what is wrong, without its content.
    pub fn from_file(file: &Path) -> Result<Self, String> {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credential = credentials.and_then(|folder| credential(&folder, file));
        let file = credential.as_deref().unwrap_or(file);
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

/// The credential among those that the service manager hands over (systemd.exec(5), `LoadCredential=`) for a secret's file.
fn credential(folder: &Path, file: &Path) -> Option<PathBuf> {
    let name = file.file_name()?.to_str()?;
    Some(folder.join(format!("secret_{name}"))).filter(|credential| credential.is_file())
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
    fn a_credential_stands_for_the_file_of_its_name_and_for_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let handed = folder.path().join("secret_wifi-password");
        std::fs::write(&handed, "x").unwrap();
        let found = |file: &str| credential(folder.path(), Path::new(file));
        assert_eq!(found("/etc/fixture/secrets/wifi-password"), Some(handed));
        assert_eq!(found("/etc/fixture/secrets/api-key"), None);
        assert_eq!(found("/"), None);
    }

    #[test]
    fn a_secret_keeps_its_spaces_loses_one_line_end_and_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), " pass word \r\n").unwrap();
        let secret = Secret::from_file(file.path()).unwrap();
        assert_eq!(secret.reveal(), " pass word ");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
