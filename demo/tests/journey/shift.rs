//! A whole shift as people drive it, each in the own role; the audit then tells all of it.

use core::time::Duration;
use std::path::Path;

use fantoccini::elements::Element;

use crate::browser::Browser;
use crate::demo::Demo;

const SOON: Duration = Duration::from_secs(20);

/// Until three units in a row have failed in the same way, with three tries a unit.
const UNTIL_THE_LINE_STOPS: Duration = Duration::from_mins(3);

pub const WORDS: &str = "correct horse battery";

/// Every unit has bad flash: known within seconds, so that the line soon stops for the same code again and again.
const SCENARIO: &str = "name = \"a bad batch\"\n\n[[fault]]\nfault = \"flash-bad\"\nscope = \"unit\"\nshare = 1.0\n\
                        codes = [\"flash-bad\"]\nmust_fail = true\n";

/// Whether the page is another than the one that was marked.
const ANOTHER_PAGE: &str = "return !window.before && document.querySelector(arguments[0]) ? true : null;";

/// Somebody at a browser.
pub struct Person<'a> {
    pub browser: &'a Browser,
    pub pages: &'a str,
}

impl Person<'_> {
    async fn open(&self, path: &str) {
        let address = format!("{}{}", self.pages, path.trim_start_matches('/'));
        self.browser.client.goto(&address).await.unwrap();
        self.browser.until("main", SOON).await;
    }

    /// The form that is sent to an address; folded up or not.
    async fn form(&self, action: &str) -> Element {
        self.browser
            .ask(
                "for (const folded of document.querySelectorAll('details')) folded.open = true; return true;",
                "",
            )
            .await;
        self.browser.until(&format!("form[action='{action}']"), SOON).await
    }

    /// Fills in the first form that is sent to an address, and sends it.
    async fn send(&self, action: &str, fields: &[(&str, &str)]) {
        self.form(action).await;
        for (name, value) in fields {
            let place = format!("form[action='{action}'] [name='{name}']");
            let field = self.browser.until(&place, SOON).await;
            if field.tag_name().await.unwrap() == "select" {
                field.select_by_value(value).await.unwrap();
            } else {
                field.clear().await.unwrap();
                field.send_keys(value).await.unwrap();
            }
        }
        let button = format!("form[action='{action}'] button");
        self.click(&button).await;
    }

    /// Makes the first administrator, with the code that stands on the screen.
    pub async fn set_up(&self, folder: &Path) {
        self.open("/setup").await;
        let code = setup_code(folder);
        self.browser.shoot("shift-2-setup").await;
        let first = [
            ("code", code.as_str()),
            ("name", "Ana"),
            ("password", WORDS),
            ("again", WORDS),
        ];
        self.send("/setup", &first).await;
    }

    /// Presses a button, and waits for the page that comes of it: the one before may still be there for a moment.
    async fn click(&self, button: &str) {
        self.browser.ask("window.before = true; return true;", "").await;
        self.browser.until(button, SOON).await.click().await.unwrap();
        self.browser.once(ANOTHER_PAGE, "main", SOON).await;
    }

    pub async fn log_in(&self, name: &str, secret: (&str, &str)) {
        self.open("/log-in").await;
        // The forms have the same address: the one with that secret in it.
        let with = format!("form[action='/log-in']:has([name='{}'])", secret.0);
        for (field, value) in [("name", name), secret] {
            let place = format!("{with} [name='{field}']");
            self.browser.until(&place, SOON).await.send_keys(value).await.unwrap();
        }
        let button = format!("{with} button");
        self.click(&button).await;
        self.browser.until(".who form", SOON).await;
        assert!(self.browser.text(".who").await.contains(name));
    }

    async fn log_out(&self) {
        self.click(".who button").await;
        self.browser.until(".who a[href='/log-in']", SOON).await;
    }

    async fn done(&self) -> String {
        if let Some(said) = self.browser.within("main [role=status]", SOON).await {
            return said;
        }
        self.browser.shoot("missed").await;
        panic!("nothing was done: {}", self.browser.text("main").await)
    }

    /// A unit that two runs with the same code have quarantined.
    async fn quarantined(&self, but: &[String]) -> String {
        for _ in 0..60 {
            self.open("/runs?outcome=FAIL").await;
            let units = self.browser.texts(".runs tbody a[href^='/units/']").await;
            for unit in units.into_iter().filter(|unit| !but.contains(unit)).take(8) {
                self.open(&format!("/units/{unit}")).await;
                if self.browser.text("main").await.contains("2 runs; it has not passed") {
                    return unit;
                }
            }
        }
        panic!("no unit was quarantined");
    }
}

#[tokio::test]
async fn a_whole_shift_by_role_and_the_audit_tells_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("bad-batch.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let browser = Browser::start().await;
    let demo = Demo::with_scenario(folder.path(), &scenario);
    let person = Person {
        browser: &browser,
        pages: &demo.pages,
    };

    // The first administrator, with the code that stands on the screen.
    person.open("/log-in").await;
    browser.until("a[href='/setup']", SOON).await;
    browser.shoot("shift-1-log-in").await;
    person.set_up(folder.path()).await;
    person.log_in("Ana", ("password", WORDS)).await;

    // Accounts.
    for (name, role, pin) in [
        ("Wei", "operator", "4711"),
        ("Quinn", "qa", ""),
        ("Eng", "engineer", ""),
    ] {
        person.open("/people").await;
        let account = [("name", name), ("role", role), ("password", WORDS), ("pin", pin)];
        person.send("/people", &account).await;
        assert_eq!(person.done().await, "Done.");
    }
    browser.shoot("shift-3-people").await;
    person.log_out().await;

    // The operator, by PIN: the golden check, the lot, and the line that stops.
    person.log_in("Wei", ("pin", "4711")).await;
    person.open("/line").await;
    browser.shoot("shift-4-line").await;
    person.send("/acts/lot", &[("lot", "LOT-42")]).await;
    assert!(person.done().await.contains("lot"));
    person.send("/acts/golden-check", &[]).await;
    assert!(person.done().await.contains("golden"), "{}", browser.text("main").await);
    let began = std::time::Instant::now();
    loop {
        person.open("/line").await;
        if browser.count("form[action='/acts/acknowledge']").await > 0 {
            break;
        }
        assert!(began.elapsed() < UNTIL_THE_LINE_STOPS, "the line did not stop");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    browser.shoot("shift-5-line-stopped").await;
    person
        .send("/acts/acknowledge", &[("note", "boards of supplier B taken away")])
        .await;
    assert!(person.done().await.starts_with("Acknowledged"));
    // What is not the operator's is not offered, and not done.
    person.open("/audit").await;
    assert!(browser.text("main").await.contains("may not read who did what"));
    person.log_out().await;

    let unlocked = qa_unlocks_sets_aside_releases_and_marks(&person).await;

    // The audit.
    person.open("/audit").await;
    browser.shoot("shift-8-audit").await;
    let told = browser.text("main").await;
    for what in [
        "account Ana: made",
        "account Wei: made",
        "account Quinn: made",
        "operator at the line: Wei",
        "lot LOT-42",
        "golden check now, the line",
        "boards of supplier B taken away",
        "flash reflowed",
        "wrong sticker",
        "sticker replaced",
        "decide: release",
        "mark as golden",
        "Quinn, QA",
        "Wei, operator",
    ] {
        assert!(told.contains(what), "the audit does not tell of {what:?}: {told}");
    }
    person.open(&format!("/audit?serial={unlocked}&by=Quinn")).await;
    assert!(
        browser.text("main").await.contains("1 act,"),
        "{}",
        browser.text("main").await
    );
    person.open("/audit?kind=explode").await;
    assert!(browser.text("main").await.contains("explode"));

    browser.client.clone().close().await.unwrap();
    assert!(demo.interrupt().success());
}

/// The code, as soon as the web service has it ready.
fn setup_code(folder: &Path) -> String {
    let code = std::fs::read_to_string(folder.join("web").join("setup-code")).unwrap();
    code.trim().to_owned()
}

/// A retest unlocked, a unit set aside and released, one marked as golden; gives the unit that was unlocked.
async fn qa_unlocks_sets_aside_releases_and_marks(person: &Person<'_>) -> String {
    person.log_in("Quinn", ("password", WORDS)).await;
    let unlocked = person.quarantined(&[]).await;
    person.browser.shoot("shift-6-quarantined").await;
    person.send("/acts/unlock", &[("reason", "flash reflowed")]).await;
    assert!(person.done().await.starts_with("Unlocked"));
    person.quarantined(core::slice::from_ref(&unlocked)).await;
    person.send("/acts/quarantine", &[("reason", "wrong sticker")]).await;
    assert!(
        person.done().await.starts_with("Set aside"),
        "{}",
        person.browser.text("main").await
    );
    person.browser.shoot("shift-7-set-aside").await;
    let release = [("disposition", "release"), ("reason", "sticker replaced")];
    person.send("/acts/dispose", &release).await;
    assert_eq!(person.done().await, "Decided.");
    assert!(
        person
            .browser
            .text("main")
            .await
            .contains("Released by Quinn: sticker replaced")
    );
    person.open("/line").await;
    let golden = [("serial", "GOLD-1"), ("mark", "golden"), ("reason", "measured by QA")];
    person.send("/acts/mark", &golden).await;
    assert!(person.done().await.starts_with("Marked"));
    unlocked
}
