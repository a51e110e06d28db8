//! A headless browser.

use core::time::Duration;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;

/// How often the page is asked whether what is waited for is there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A browser, as far as the test is concerned.
pub struct Browser {
    pub client: Client,
    shots: PathBuf,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

/// The driver and its browser, which are one process group: a journey that fails leaves no browser behind.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _gone = killpg(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGKILL);
        let _gone = self.0.wait();
    }
}

impl Browser {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one of a person who wants pages dark.
    pub async fn start_dark() -> Self {
        Self::start_with(&["--force-dark-mode"]).await
    }

    async fn start_with(more: &[&str]) -> Self {
        let missing: Vec<_> = ["chromium", "chromedriver"]
            .into_iter()
            .filter(|name| !is_there(name))
            .collect();
        assert!(
            missing.is_empty(),
            "{missing:?} not found: the journey needs a browser: apt-get install chromium chromium-driver"
        );
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let driver = Driver(
            Command::new("chromedriver")
                .arg(format!("--port={port}"))
                .process_group(0)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let profile = tempfile::tempdir().unwrap();
        let profile_folder = format!("--user-data-dir={}", profile.path().display());
        let mut arguments = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--window-size=1920,1080",
            &profile_folder,
        ];
        arguments.extend(more);
        let serde_json::Value::Object(capabilities) = json!({ "goog:chromeOptions": { "args": arguments } }) else {
            unreachable!("it is an object");
        };
        let began = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await
            {
                Ok(client) => break client,
                Err(error) => assert!(
                    began.elapsed() < Duration::from_mins(1),
                    "no browser within 60 s: {error}"
                ),
            }
            tokio::task::yield_now().await;
        };
        let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../journey");
        std::fs::create_dir_all(&shots).unwrap();
        Self {
            client,
            shots,
            _driver: driver,
            _profile: profile,
        }
    }

    pub async fn shoot(&self, name: &str) {
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(self.shots.join(format!("{name}.png")), png).unwrap();
    }

    /// Waits until something is on the page.
    pub async fn until(&self, selector: &str, within: Duration) -> fantoccini::elements::Element {
        match self
            .client
            .wait()
            .at_most(within)
            .for_element(Locator::Css(selector))
            .await
        {
            Ok(element) => element,
            Err(error) => {
                self.shoot("missed").await;
                panic!("{selector} is not there after {within:?} (see missed.png): {error}");
            }
        }
    }

    pub async fn count(&self, selector: &str) -> usize {
        self.client.find_all(Locator::Css(selector)).await.unwrap().len()
    }

    /// What of the page a script says, in one step: the live page replaces its parts at any moment, so that an element that was found may be gone
    /// before it is asked.
    pub async fn ask(&self, script: &str, selector: &str) -> serde_json::Value {
        self.client.execute(script, vec![json!(selector)]).await.unwrap()
    }

    /// The shown text of the first such element.
    pub async fn text(&self, selector: &str) -> String {
        let text = self
            .ask(
                "return document.querySelector(arguments[0])?.innerText ?? null;",
                selector,
            )
            .await;
        text.as_str()
            .unwrap_or_else(|| panic!("{selector} is not on the page"))
            .to_owned()
    }

    /// The shown texts of all of them.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self
            .ask(
                "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText);",
                selector,
            )
            .await;
        serde_json::from_value(texts).unwrap()
    }

    /// The shown text of the first such element, where one comes in time.
    pub async fn within(&self, selector: &str, within: Duration) -> Option<String> {
        let began = Instant::now();
        while began.elapsed() < within {
            let text = self
                .ask(
                    "return document.querySelector(arguments[0])?.innerText ?? null;",
                    selector,
                )
                .await;
            if let Some(text) = text.as_str() {
                return Some(text.to_owned());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    /// What a script says of the page, once it is not null.
    pub async fn once(&self, script: &str, selector: &str, within: Duration) -> serde_json::Value {
        let began = Instant::now();
        loop {
            let said = self.ask(script, selector).await;
            if !said.is_null() {
                return said;
            }
            if began.elapsed() > within {
                self.shoot("missed").await;
                panic!("{selector} is not there after {within:?} (see missed.png)");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Whether a program is on the path.
fn is_there(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
