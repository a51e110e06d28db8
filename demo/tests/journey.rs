//! A person's way through the pages of a running demo, in a real browser. Screenshots go to `target/journey/`.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on ends there")]
#![expect(
    clippy::disallowed_methods,
    reason = "a journey is bounded and measured in real time"
)]

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

/// How long a simulated unit may take from seated to PASS, with retries and a loaded machine.
const UNTIL_A_PASS: Duration = Duration::from_mins(3);

/// Within which a page has to say that what it shows is no longer live: two seconds, and one for the browser.
const UNTIL_IT_SAYS_SO: Duration = Duration::from_secs(3);

/// How often the page is asked whether what is waited for is there.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The address of the run that a lane shows, and where its unit goes: asked in one step, because the unit may be lifted at any moment.
const PASS_WITH_ITS_RUN: &str = "const lane = document.querySelector(arguments[0]); \
    const run = lane?.querySelector(\".unit a[href^='/runs/']\"); \
    return run ? [run.getAttribute('href'), lane.querySelector('.place')?.innerText ?? ''] : null;";

/// A drawn path.
const STROKES: &str = "return document.querySelector(arguments[0])?.getAttribute('d') ?? null;";

/// A process that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The demo, and what it says of itself.
struct Demo {
    process: Ended,
    pages: String,
    roles: Vec<(String, Pid)>,
    output: BufReader<std::process::ChildStdout>,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        Self::start_until(folder, "Ctrl-C")
    }

    /// Starts a demo and reads what it says until a line begins with the word.
    fn start_until(folder: &Path, word: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["--port", "0", "--history", "10", "--keep"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Ended(child);
        let mut output = BufReader::new(process.0.stdout.take().unwrap());
        let (mut pages, mut roles) = (None, Vec::new());
        loop {
            let mut line = String::new();
            assert!(
                output.read_line(&mut line).unwrap() > 0,
                "the demo ended before it was up"
            );
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                [role, "pid", pid] => roles.push(((*role).to_owned(), Pid::from_raw(pid.parse().unwrap()))),
                ["Live", "page:", address] => pages = Some((*address).to_owned()),
                _ => {}
            }
            if words.first() == Some(&word) {
                break;
            }
        }
        Self {
            process,
            pages: pages.unwrap_or_default(),
            roles,
            output,
        }
    }

    fn pid(&self, role: &str) -> Pid {
        self.roles
            .iter()
            .find(|(name, _)| name == role)
            .map(|(_, pid)| *pid)
            .unwrap()
    }

    /// Ctrl-C, and the end of it.
    fn interrupt(mut self) -> std::process::ExitStatus {
        let demo = Pid::from_raw(i32::try_from(self.process.0.id()).unwrap());
        kill(demo, Signal::SIGINT).unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.process.0.wait().unwrap();
        for (role, pid) in &self.roles {
            assert_eq!(
                kill(*pid, None),
                Err(Errno::ESRCH),
                "{role} is still there after the demo"
            );
        }
        status
    }
}

/// A browser, as far as the test is concerned.
struct Browser {
    client: Client,
    shots: PathBuf,
    _driver: Ended,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn start() -> Self {
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
        let driver = Ended(
            Command::new("chromedriver")
                .arg(format!("--port={port}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
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
            &format!("--user-data-dir={}", profile.path().display()),
        ];
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

    async fn shoot(&self, name: &str) {
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(self.shots.join(format!("{name}.png")), png).unwrap();
    }

    /// Waits until something is on the page.
    async fn until(&self, selector: &str, within: Duration) -> fantoccini::elements::Element {
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

    async fn count(&self, selector: &str) -> usize {
        self.client.find_all(Locator::Css(selector)).await.unwrap().len()
    }

    /// What of the page a script says, in one step: the live page replaces its parts at any moment, so that an element that was found may be gone
    /// before it is asked.
    async fn ask(&self, script: &str, selector: &str) -> serde_json::Value {
        self.client.execute(script, vec![json!(selector)]).await.unwrap()
    }

    /// The shown text of the first such element.
    async fn text(&self, selector: &str) -> String {
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
    async fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self
            .ask(
                "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText);",
                selector,
            )
            .await;
        serde_json::from_value(texts).unwrap()
    }

    /// What a script says of the page, once it is not null.
    async fn once(&self, script: &str, selector: &str, within: Duration) -> serde_json::Value {
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

#[tokio::test]
async fn a_person_watches_a_unit_pass_reads_its_light_and_sees_the_fixture_stop() {
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::start().await;
    let demo = Demo::start(folder.path());
    let page = |path: &str| format!("{}{path}", demo.pages);
    let soon = Duration::from_secs(10);

    // The live page: lanes, SIMULATED, a run on its way, a PASS with what to do.
    browser.client.goto(&page("")).await.unwrap();
    browser.until(".lane", Duration::from_secs(30)).await;
    assert_eq!(browser.text("#badges .badge").await, "SIMULATED");
    browser.until(".lane.running progress", Duration::from_mins(1)).await;
    browser.shoot("1-running").await;
    let seen = browser.once(PASS_WITH_ITS_RUN, ".lane.pass", UNTIL_A_PASS).await;
    let [run, place]: [String; 2] = serde_json::from_value(seen).unwrap();
    assert_eq!(place, "GOOD BOX");
    browser.shoot("2-pass").await;
    browser.client.set_window_size(390, 844).await.unwrap();
    browser.shoot("3-pass-on-a-phone").await;
    browser.client.set_window_size(1920, 1080).await.unwrap();

    // That run: its verdict was stored before it was shown, and its light is drawn.
    browser.client.goto(&page(run.trim_start_matches('/'))).await.unwrap();
    browser.until("svg#light", soon).await;
    assert_eq!(browser.text(".verdict .outcome").await, "PASS");
    assert!(browser.count("svg#light rect.green").await > 0, "the LED was green");
    assert!(browser.count("svg#light rect.amber").await > 0, "the LED was amber");
    let lamp = browser.ask(STROKES, "svg#light path.strokes").await;
    assert!(
        lamp.as_str().is_some_and(|strokes| !strokes.is_empty()),
        "the lamp sent"
    );
    browser.shoot("4-run").await;
    let serial = browser.text("h1 a").await;

    // The search finds the unit.
    browser.client.goto(&page("runs")).await.unwrap();
    browser
        .until("input[name=serial]", soon)
        .await
        .send_keys(&serial)
        .await
        .unwrap();
    browser
        .client
        .find(Locator::Css("form.search button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser
        .until(&format!("input[name=serial][value='{serial}']"), soon)
        .await;
    browser.until(&format!("a[href='{run}']"), soon).await;
    for row in browser.texts("tbody td:nth-child(2)").await {
        assert!(row.starts_with(&serial), "{row} is not about {serial}");
    }
    browser.shoot("5-search").await;

    // The day's yield.
    browser.client.goto(&page("today")).await.unwrap();
    browser.until(".figures .big", soon).await;
    browser.shoot("6-today").await;

    // The daemon is killed: the page says so, and shows no verdict any more.
    browser.client.goto(&page("")).await.unwrap();
    browser.until(".lane", soon).await;
    kill(demo.pid("fixture-daemon"), Signal::SIGKILL).unwrap();
    let killed = Instant::now();
    browser.until("#gone", UNTIL_IT_SAYS_SO).await;
    println!(
        "the page said that the fixture is stopped {} ms after its daemon was killed",
        killed.elapsed().as_millis()
    );
    assert_eq!(browser.text("#gone .word").await, "FIXTURE STOPPED");
    assert_eq!(browser.count(".lane").await, 0);
    browser.shoot("7-fixture-stopped").await;

    // History is still there.
    browser.client.goto(&page(run.trim_start_matches('/'))).await.unwrap();
    browser.until("svg#light", soon).await;

    // The pages' own server is killed: the open page says so by itself.
    browser.client.goto(&page("")).await.unwrap();
    browser.until("#gone", soon).await;
    kill(demo.pid("fixture-ui-web"), Signal::SIGKILL).unwrap();
    let killed = Instant::now();
    browser.until("#silent:not([hidden])", UNTIL_IT_SAYS_SO).await;
    println!(
        "the page said that it is not live {} ms after its server was killed",
        killed.elapsed().as_millis()
    );
    browser.shoot("8-not-live").await;

    browser.client.clone().close().await.unwrap();
    let status = demo.interrupt();
    assert!(!status.success(), "two of its roles did not end by themselves in order");
}

#[test]
fn ctrl_c_ends_every_role_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    assert!(demo.interrupt().success());
}

#[test]
fn ctrl_c_ends_roles_in_order_that_have_only_just_started() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_until(folder.path(), "folder");
    assert!(demo.interrupt().success());
}
