//! Where a demo lives: its configuration, ledger and socket, in a folder of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;
use toml::{Table, Value};

/// The example configuration and what it refers to, part of the binary.
const FIXTURE: &str = include_str!("../../config/simulated.toml");
const RECIPE: &str = include_str!("../recipe.toml");
const PASSWORD: &str = include_str!("../../config/recipes/example-secrets/wifi-password");
const SCENARIO: &str = include_str!("../../config/scenarios/mixed.toml");
const USUAL: &str = include_str!("../../config/scenarios/shift.toml");

/// The port of the pages, where it is free.
const PORT: u16 = 8080;

/// A demo's folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
    pages: SocketAddr,
    new: bool,
}

impl Folder {
    /// Makes a folder, or goes on with one that was kept, and writes the configuration into it.
    ///
    /// # Errors
    /// Something cannot be written or read, or the port cannot be had.
    pub fn make(keep: Option<&Path>, port: Option<u16>, scenario: Option<&Path>) -> anyhow::Result<Self> {
        let scenario = match scenario {
            None => SCENARIO.to_owned(),
            Some(file) => std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?,
        };
        let (path, temporary) = if let Some(path) = keep {
            std::fs::create_dir_all(path).with_context(|| format!("{}: cannot be made", path.display()))?;
            let path = path.canonicalize().with_context(|| format!("{}", path.display()))?;
            (path, None)
        } else {
            let folder = tempfile::Builder::new().prefix("fixture-demo-").tempdir()?;
            (folder.path().to_owned(), Some(folder))
        };
        let pages = free(port)?;
        let folder = Self {
            new: !path.join("ledger.db").exists(),
            path,
            temporary,
            pages,
        };
        folder.write("recipes/demo.toml", RECIPE)?;
        folder.write("recipes/example-secrets/wifi-password", PASSWORD)?;
        folder.write("scenarios/mixed.toml", &scenario)?;
        folder.write("scenarios/shift.toml", USUAL)?;
        folder.write("fixture.toml", &adapted(pages)?)?;
        Ok(folder)
    }

    /// The configuration's file.
    pub fn config(&self) -> PathBuf {
        self.path.join("fixture.toml")
    }

    /// The recipe's file.
    pub fn recipe(&self) -> PathBuf {
        self.path.join("recipes/demo.toml")
    }

    /// The file of the scenario of a usual shift: what the history is made of. The demo's own units are as different as there are faults.
    pub fn usual(&self) -> PathBuf {
        self.path.join("scenarios/shift.toml")
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger.db")
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the pages are served.
    pub fn pages(&self) -> SocketAddr {
        self.pages
    }

    /// Whether there was no ledger in it.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// Takes a temporary folder away.
    pub fn close(self) -> anyhow::Result<()> {
        match self.temporary {
            Some(folder) => folder.close().context("the temporary folder cannot be removed"),
            None => Ok(()),
        }
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("{}", path.display()))
    }
}

/// The example configuration with its files in the demo's folder, its units as different as the mixed scenario makes them.
fn adapted(pages: SocketAddr) -> anyhow::Result<String> {
    let mut whole: Table = FIXTURE.parse().context("config/simulated.toml")?;
    let mut set = |section: &[&str], key: &str, value: String| {
        let mut table = &mut whole;
        for name in section {
            let inner = table
                .entry((*name).to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = inner else {
                anyhow::bail!("config/simulated.toml: {name}: expected a table");
            };
            table = inner;
        }
        table.insert(key.to_owned(), Value::String(value));
        Ok(())
    };
    set(&[], "recipe", "recipes/demo.toml".to_owned())?;
    set(&["fixture"], "ledger", "ledger.db".to_owned())?;
    set(&["fixture"], "socket", "fixture.sock".to_owned())?;
    set(&["jig", "simulated"], "scenario", "scenarios/mixed.toml".to_owned())?;
    // Due as each shift begins, and never in the way: the model operator has golden units only where a scenario gives them.
    set(&["policy", "golden_check"], "every", "shift".to_owned())?;
    set(&["policy", "golden_check"], "from", "12h".to_owned())?;
    set(&["ui", "web"], "bind", pages.to_string())?;
    set(&["ui", "screen", "png"], "file", "screen.png".to_owned())?;
    toml::to_string(&whole).context("the demo's configuration")
}

/// The port that is asked for; without one the usual one, or any if that is taken.
fn free(port: Option<u16>) -> anyhow::Result<SocketAddr> {
    let at = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    match port {
        Some(port) => at(port).with_context(|| format!("port {port} cannot be had")),
        None => at(PORT).or_else(|_| at(0)).context("no port can be had"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_has_everything_that_its_configuration_names() {
        let folder = Folder::make(None, Some(0), None).unwrap();
        let text = std::fs::read_to_string(folder.config()).unwrap();
        let config = fixture_daemon::config::Config::load(&folder.config());
        assert!(config.is_ok(), "{text}\n{config:?}");
        assert!(folder.pages().ip().is_loopback());
        folder.close().unwrap();
    }
}
