//! A person's way through the pages of a running demo, in a real browser. Screenshots go to `target/journey/`.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on ends there")]
#![expect(
    clippy::disallowed_methods,
    reason = "a journey is bounded and measured in real time"
)]

mod axe;
mod browser;
mod demo;
mod hold;
mod picture;
mod shift;
mod words;

use core::time::Duration;
use std::time::Instant;

use fantoccini::Locator;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::timeout;

use self::browser::Browser;
use self::demo::Demo;
use self::picture::Picture;

/// How long a simulated unit may take from seated to PASS, with retries and a loaded machine.
const UNTIL_A_PASS: Duration = Duration::from_mins(3);

/// Within which a page has to say that what it shows is no longer live: two seconds, and one for the browser.
const UNTIL_IT_SAYS_SO: Duration = Duration::from_secs(3);

/// The address of the run that a lane shows, and where its unit goes: asked in one step, because the unit may be lifted at any moment.
const PASS_WITH_ITS_RUN: &str = "const lane = document.querySelector(arguments[0]); \
    const run = lane?.querySelector(\".unit a[href^='/runs/']\"); \
    return run ? [run.getAttribute('href'), lane.querySelector('.place')?.innerText ?? ''] : null;";

/// A drawn path.
const STROKES: &str = "return document.querySelector(arguments[0])?.getAttribute('d') ?? null;";

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

#[test]
fn ctrl_c_while_history_is_made_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_until(folder.path(), "Making");
    assert!(demo.interrupt().success());
    assert!(
        !folder.path().join("ledger.db").exists(),
        "no half history is gone on with"
    );
    let again = Demo::start_until(folder.path(), "Making");
    assert!(again.interrupt().success());
}

/// A lane, its unit's run and what else it says, once it shows a PASS.
const PASS: &str = "const lane = document.querySelector(arguments[0]); \
    const run = lane?.querySelector(\".unit a[href^='/runs/']\"); \
    return run ? [lane.id, run.getAttribute('href').split('/').pop()] : null;";

#[tokio::test]
async fn a_person_sees_that_a_daemon_hangs_and_after_its_restart_the_verdict_that_still_stands() {
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::start().await;
    let demo = Demo::start(folder.path());
    let screen = folder.path().join("screen.png");
    browser.client.goto(&demo.pages).await.unwrap();
    hold::a_focus_stays(&browser).await;
    hold::a_held_click_arrives(&browser, &demo.pages).await;
    browser.client.goto(&demo.pages).await.unwrap();

    let mut daemon = demo.pid("fixture-daemon");
    let mut anew = None;
    for turn in 1.. {
        let seen = browser.once(PASS, ".lane.pass", UNTIL_A_PASS).await;
        let [lane, run]: [String; 2] = serde_json::from_value(seen).unwrap();

        // It hangs: neither the page nor the screen shows the verdict any more.
        kill(daemon, Signal::SIGSTOP).unwrap();
        let hangs = Instant::now();
        let until = |picture: &Picture| picture.says_stopped();
        let (_, stopped) = tokio::join!(
            browser.until("#gone", UNTIL_IT_SAYS_SO),
            timeout(UNTIL_IT_SAYS_SO, Picture::until(&screen, until))
        );
        stopped.expect("the screen says so within 3 s");
        println!(
            "page and screen said so {} ms after the daemon hung",
            hangs.elapsed().as_millis()
        );
        assert_eq!(browser.count(".lane").await, 0);
        browser.shoot("9-daemon-hangs").await;

        // The watchdog would kill it and start it anew. What lies in a nest is shown again.
        kill(daemon, Signal::SIGKILL).unwrap();
        demo::ended(daemon).await;
        drop(anew.take());
        let started = demo::daemon(folder.path());
        daemon = Pid::from_raw(i32::try_from(started.0.id()).unwrap());
        anew = Some(started);
        let before = format!("#{lane}.pass");
        let shown = browser
            .within(&format!("{before} .detail"), Duration::from_secs(10))
            .await;
        let Some(said) = shown else {
            let lifted = picture::lifted(&folder.path().join("ledger.db"), &run).await;
            browser.shoot("missed").await;
            assert!(lifted, "{before} is not there (see missed.png)");
            assert!(turn < 5, "the unit was lifted in the moment before every time");
            continue;
        };
        assert!(said.starts_with("Judged before the last restart."), "{said}");
        timeout(
            UNTIL_IT_SAYS_SO,
            Picture::until(&screen, |picture| !picture.says_stopped() && picture.has_pass()),
        )
        .await
        .expect("the screen shows it too");
        browser.shoot("10-the-verdict-still-stands").await;
        browser.client.goto(&format!("{}screen.png", demo.pages)).await.unwrap();
        let size = browser
            .ask(
                "const shown = document.querySelector(arguments[0]); return [shown.naturalWidth, shown.naturalHeight];",
                "img",
            )
            .await;
        assert_eq!(
            size,
            serde_json::json!([320, 240]),
            "the page of the screen is its picture"
        );
        browser.shoot("11-screen").await;
        break;
    }
    browser.client.clone().close().await.unwrap();
    assert!(!demo.interrupt().success(), "its own daemon was killed");
}

/// How many pages of paper the browser's page is.
async fn pages_printed(browser: &Browser) -> usize {
    let printed = browser
        .client
        .print(fantoccini::wd::PrintConfiguration::default())
        .await
        .unwrap();
    assert!(printed.starts_with(b"%PDF-"), "{} bytes", printed.len());
    // "/Type /Pages" is the list of them.
    let is_page = |rest: &[u8]| rest.starts_with(b"/Type /Page") && rest.get(11) != Some(&b's');
    (0..printed.len()).filter(|place| is_page(&printed[*place..])).count()
}

/// The address of the first such link.
const WHERE_TO: &str = "return document.querySelector(arguments[0])?.getAttribute('href') ?? null;";

#[tokio::test]
async fn qa_goes_from_the_overview_to_a_failing_code_to_one_runs_light_and_prints_the_units_story() {
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::start().await;
    let demo = Demo::with_history(folder.path(), 60);
    let page = |path: &str| format!("{}{}", demo.pages, path.trim_start_matches('/'));
    let soon = Duration::from_secs(20);
    let follow = async |selector: &str| {
        let address = browser.ask(WHERE_TO, selector).await;
        let address = address
            .as_str()
            .unwrap_or_else(|| panic!("no link {selector}"))
            .to_owned();
        browser.client.goto(&page(&address)).await.unwrap();
        address
    };

    // The overview tells of this shift, and leads to its yield.
    browser.client.goto(&page("")).await.unwrap();
    browser.until("#shift a", Duration::from_mins(1)).await;
    browser.shoot("qa-1-overview").await;
    follow("#shift a").await;
    browser.until("h1", soon).await;

    // A week: the chart with its limits, and what failed.
    browser.client.goto(&page("yield?days=7&per=hour")).await.unwrap();
    browser.until("svg.chart circle", soon).await;
    assert_eq!(browser.count(".yields .big").await, 4);
    browser.shoot("qa-2-yield").await;
    follow("a[href^='/failures']:not(nav a)").await;
    browser.until(".pareto tbody a", soon).await;
    browser.shoot("qa-3-failures").await;

    // A code leads to its runs, and one of them to its light; the filter is in the address and nowhere else.
    let runs = follow(".pareto tbody a").await;
    assert!(runs.contains("code=") && runs.contains("from="), "{runs}");
    browser.until(".runs tbody td.when a", soon).await;
    browser.shoot("qa-4-runs").await;
    follow(".runs tbody td.when a").await;
    browser.until("svg#light", soon).await;
    browser.shoot("qa-5-run").await;

    // The unit's story, printed on one page.
    follow("h1 a").await;
    browser.until(".story", soon).await;
    browser.shoot("qa-6-unit").await;
    assert_eq!(pages_printed(&browser).await, 1);

    // A shift's report, on one sheet.
    browser.client.goto(&page("shift-report")).await.unwrap();
    browser.until(".sheet .sign", soon).await;
    browser.shoot("qa-9-shift-report").await;
    assert_eq!(pages_printed(&browser).await, 1);

    // Other limits of the LED, tried on what was measured; and a filter that is sent on shows the same.
    browser
        .client
        .goto(&page("what-if?days=7&strength_least=0.95"))
        .await
        .unwrap();
    browser.until(".figures .big", soon).await;
    browser.shoot("qa-7-what-if").await;
    // And another recipe, through the engine: nobody connects within a second.
    browser
        .client
        .goto(&page("what-if/rules?days=7&connect=1s&runs=30"))
        .await
        .unwrap();
    browser.until(".figures .big", Duration::from_mins(2)).await;
    let others: u32 = browser.text(".figures .big").await.trim().parse().unwrap();
    let said = browser.text("main").await;
    assert!(others >= 5 && said.contains("FAIL "), "{said}");
    browser.shoot("qa-7-what-if-rules").await;
    for name in ["lanes?days=7", "about"] {
        browser.client.goto(&page(name)).await.unwrap();
        browser.until("main h1", soon).await;
        browser
            .shoot(&format!("qa-8-{}", name.split('?').next().unwrap()))
            .await;
    }

    browser.client.clone().close().await.unwrap();
    assert!(demo.interrupt().success());
}

/// Whether the browser wants pages dark.
const IS_DARK: &str = "return matchMedia('(prefers-color-scheme: dark)').matches;";

#[tokio::test]
async fn no_page_has_a_serious_finding_of_axe_in_light_or_dark_on_a_wall_or_a_phone() {
    let axe = axe::script();
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::with_history(folder.path(), 60);
    let mut findings = Vec::new();
    let mut looked = 0;
    let mut administrators = false;
    for dark in [false, true] {
        let browser = if dark {
            Browser::start_dark().await
        } else {
            Browser::start().await
        };
        let page = |path: &str| format!("{}{}", demo.pages, path.trim_start_matches('/'));
        // As the administrator, who sees all that there is.
        let person = shift::Person {
            browser: &browser,
            pages: &demo.pages,
        };
        if !administrators {
            person.set_up(folder.path()).await;
            administrators = true;
        }
        person.log_in("Ana", ("password", shift::WORDS)).await;
        browser.client.goto(&page("runs?outcome=FAIL")).await.unwrap();
        browser.until(".runs tbody td.when a", Duration::from_mins(1)).await;
        assert_eq!(browser.ask(IS_DARK, "").await, dark);
        let linked = async |selector: &str| {
            let address = browser.ask(WHERE_TO, selector).await;
            address
                .as_str()
                .unwrap_or_else(|| panic!("no link {selector}"))
                .to_owned()
        };
        let (run, unit) = (
            linked(".runs tbody td.when a").await,
            linked(".runs tbody a[href^='/units/']").await,
        );
        for (width, height) in [(1920, 1080), (390, 844)] {
            browser.client.set_window_size(width, height).await.unwrap();
            for path in [
                "",
                "today",
                "yield?days=7",
                "failures?days=7",
                "runs",
                &run,
                &unit,
                "lanes?days=7",
                "what-if?days=7&strength_least=0.95",
                "export",
                "shift-report",
                "about",
                "line",
                "audit",
                "people",
                "me",
                "log-in",
                "no-such-page",
            ] {
                browser.client.goto(&page(path)).await.unwrap();
                browser.until("main h1, main .alert", Duration::from_secs(20)).await;
                let colours = if dark { "dark" } else { "light" };
                let name = format!("/{} in {colours}, {width}x{height}", path.trim_start_matches('/'));
                findings.extend(axe::findings(&browser, &axe, &name).await);
                looked += 1;
            }
        }
        browser.client.clone().close().await.unwrap();
    }
    assert!(demo.interrupt().success());
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    println!("axe-core had no serious finding on {looked} pages");
}
