//! The two doors of the dashboard: at the line on a loopback address, and for the network, always encrypted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use fixture_link::settings::{Certificate, Network, Web};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

/// Through which door a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The fixture's own, on a loopback address: whoever is there stands at the line.
    Line,
    /// The network's.
    Network,
}

/// A certificate of its own begins and ends so: a Pi without a clock of its own may start in any year, and whoever trusts it knows its fingerprint,
/// not its dates.
const HOLDS: [(i32, u8, u8); 2] = [(2020, 1, 1), (2079, 12, 31)];

/// The network's door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// A file of the certificate.
    #[error("{}: {what}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Certificate and key cannot be used.
    #[error("{}: cannot be used: {what}", .path.display())]
    Unfit {
        /// The certificate's file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
}

/// Certificate and key for the network's door; makes both where the site gives none. Writes the certificate's fingerprint to its file.
///
/// # Errors
/// A file cannot be read or written, or holds something else.
pub fn encryption(web: &Web, network: &Network) -> Result<RustlsConfig, DoorError> {
    let files = match &network.certificate {
        Some(files) => files.clone(),
        None => own(web, network)?,
    };
    let file = |path: &Path, error: &dyn core::fmt::Display| DoorError::File {
        path: path.to_owned(),
        what: error.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.file)
        .and_then(Iterator::collect)
        .map_err(|error| file(&files.file, &error))?;
    let Some(first) = chain.first() else {
        return Err(file(&files.file, &"expected a certificate in PEM, found none"));
    };
    let fingerprint = fingerprint(first);
    let key = PrivateKeyDer::from_pem_file(&files.key_file).map_err(|error| file(&files.key_file, &error))?;
    let unfit = |error: rustls::Error| DoorError::Unfit {
        path: files.file.clone(),
        what: error.to_string(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    write(&web.fingerprint_file(), 0o644, &format!("{fingerprint}\n"))?;
    tracing::info!("the certificate's SHA-256 fingerprint: {fingerprint}");
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

/// The fixture's own certificate, made once.
fn own(web: &Web, network: &Network) -> Result<Certificate, DoorError> {
    let files = Certificate {
        file: web.state.join("certificate.pem"),
        key_file: web.state.join("certificate.key"),
    };
    if files.file.exists() && files.key_file.exists() {
        return Ok(files);
    }
    let unfit = |error: rcgen::Error| DoorError::Unfit {
        path: files.file.clone(),
        what: error.to_string(),
    };
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut names = network.names.clone();
    names.extend([machine.trim().to_owned(), "localhost".to_owned()]);
    names.extend(
        Some(network.bind.ip())
            .filter(|ip| !ip.is_unspecified())
            .map(|ip| ip.to_string()),
    );
    names.retain(|name| !name.is_empty());
    let mut wanted = rcgen::CertificateParams::new(names).map_err(unfit)?;
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted
        .distinguished_name
        .push(rcgen::DnType::CommonName, "BlinkUp fixture");
    let [from, until] = HOLDS.map(|(year, month, day)| rcgen::date_time_ymd(year, month, day));
    (wanted.not_before, wanted.not_after) = (from, until);
    let key = rcgen::KeyPair::generate().map_err(unfit)?;
    let certificate = wanted.self_signed(&key).map_err(unfit)?;
    // The key first: a certificate without its key would stay for ever.
    write(&files.key_file, 0o600, &key.serialize_pem())?;
    write(&files.file, 0o644, &certificate.pem())?;
    Ok(files)
}

/// Writes a file beside its place and moves it there, so that it is whole or not there.
pub(super) fn write(path: &Path, mode: u32, text: &str) -> Result<(), DoorError> {
    let beside = path.with_extension("new");
    let written = (|| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let _left = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    written.map_err(|error: std::io::Error| DoorError::File {
        path: path.to_owned(),
        what: error.to_string(),
    })
}

/// SHA-256 of a certificate as browsers show it: hexadecimal pairs with colons.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

/// The address of the network's door as somebody types it.
pub fn address(network: &Network) -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = network
        .names
        .first()
        .map_or_else(|| machine.trim().to_owned(), Clone::clone);
    let name = if network.bind.ip().is_unspecified() && !name.is_empty() {
        name
    } else {
        match network.bind {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        }
    };
    format!("https://{name}:{}/", network.bind.port())
}
