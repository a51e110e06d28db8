//! Every word of the live page in every width: none leaves its lane or runs into its neighbour.

use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use blinkup::Tick;
use fixture_link::identity::{LaneId, Serial, WallTime};
use fixture_link::settings::Settings;
use fixture_link::snapshot::{Fixture, LaneState, LaneView, LedView, LineView, Snapshot, Stage};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use fixture_ui::clock::Clock;
use fixture_ui::view::standing::Heard;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::browser::Browser;

/// What leaves its lane or touches its neighbour.
const AMISS: &str = "const amiss = []; \
    for (const lane of document.querySelectorAll(arguments[0])) { \
        const whole = lane.getBoundingClientRect(); \
        const ink = (part) => { \
            const range = document.createRange(); range.selectNodeContents(part); return range.getBoundingClientRect(); \
        }; \
        const [number, shape, word, place] = ['.number', '.shape', '.word', '.place'].map((name) => lane.querySelector(name)); \
        const boxes = [number.getBoundingClientRect(), shape.getBoundingClientRect(), ink(word)]; \
        const apart = (one, other) => one.right <= other.left + .5 || other.right <= one.left + .5; \
        const within = (box) => box.left >= whole.left && box.right <= whole.right && box.width > 0; \
        if (![...boxes, ink(place)].every(within)) amiss.push(`${word.innerText} / ${place.innerText} leaves its lane`); \
        if (!(apart(boxes[0], boxes[1]) && apart(boxes[0], boxes[2]) && apart(boxes[1], boxes[2]))) \
            amiss.push(`${word.innerText} touches its neighbour`); \
        if (ink(word).height > 2 * parseFloat(getComputedStyle(word).fontSize)) amiss.push(`${word.innerText} is broken`); \
        if (parseFloat(getComputedStyle(word).fontSize) < 18) amiss.push(`${word.innerText} is too small to read`); \
    } \
    return amiss;";

/// Words whose heads and dividers stand at one height.
const DIVIDERS: &str = "return [...new Set([...document.querySelectorAll(arguments[0])] \
    .map((place) => Math.round(place.getBoundingClientRect().bottom)))];";

/// A state for every word and every place.
fn states() -> Vec<LaneState> {
    let verdict = |code: VerdictCode| LaneState::Verdict {
        outcome: code.outcome(),
        code,
        detail: String::new(),
        device_id: None,
        agent_url: None,
        from_before: false,
    };
    let of_outcome = |outcome| {
        VerdictCode::ALL
            .into_iter()
            .find(|code| code.outcome() == outcome)
            .unwrap()
    };
    let refused = |refusal| LaneState::Refused {
        refusal,
        detail: String::new(),
    };
    let sending = LaneState::Sending {
        attempt: 1,
        of: 3,
        permille: 430,
        rate: 60,
    };
    let mut states: Vec<_> = Outcome::ALL.map(|outcome| verdict(of_outcome(outcome))).into();
    states.extend([
        verdict(VerdictCode::NoLight),
        refused(Refusal::AlreadyPassed),
        refused(Refusal::BadSerial),
        sending,
        LaneState::Watching {
            stage: Stage::Joining,
            attempt: 1,
        },
        LaneState::Empty,
        LaneState::Storing,
        LaneState::Stopped {
            cause: "nest-fault: bounces".to_owned(),
        },
        LaneState::LineStopped,
        LaneState::Waiting,
    ]);
    states
}

fn snapshot(states: &[LaneState]) -> Heard {
    let at = WallTime {
        micros: 1_790_000_000_000_000,
        synchronised: true,
    };
    let lane = |(number, state): (u8, &LaneState)| LaneView {
        lane: LaneId::new(number).unwrap(),
        state: state.clone(),
        serial: Some(Serial::new(&format!("SN-2026-{number:04}")).unwrap()),
        run: None,
        seated_ms: 12_300,
        left_ms: None,
        last: None,
        golden_check: None,
        purpose: fixture_link::purpose::Purpose::Production,
        recipe: None,
        led: LedView::default(),
    };
    let snapshot = Snapshot {
        version: fixture_link::VERSION,
        beat: 1,
        at,
        fixture: Fixture {
            id: "sim-1".to_owned(),
            name: "Simulated line".to_owned(),
            software: "0.1.0".to_owned(),
            recipe: "demo".to_owned(),
            recipe_version: "00c0ffee00c0ffee".to_owned(),
            simulated: true,
            led_evidence_only: false,
            without_real_time: false,
        },
        line: LineView {
            lot: String::new(),
            work_order: String::new(),
            language: String::new(),
            stopped: None,
            study: None,
        },
        lanes: (1..).zip(states).map(lane).collect(),
        notices: Vec::new(),
        shelved: Vec::new(),
        machine: fixture_link::snapshot::Machine::default(),
        shift: None,
        commissioning: None,
    };
    // Heard later than this test can last: it never becomes stale.
    Heard {
        snapshot: Some((Arc::new(snapshot), Tick::ZERO + Duration::from_hours(24))),
        trouble: None,
    }
}

#[tokio::test]
async fn no_word_leaves_its_lane_in_any_width() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/simulated.toml");
    let mut settings = Settings::parse(&config, &std::fs::read_to_string(&config).unwrap()).unwrap();
    settings.web.bind = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .unwrap()
        .local_addr()
        .unwrap();
    let pages = format!("http://{}/", settings.web.bind);
    let (sender, newest) = watch::channel(Heard::default());
    let ended = CancellationToken::new();
    let replays = fixture_ui::web::replays::Replays::of(&config).unwrap();
    let serving = fixture_ui::web::serve(&settings, replays, newest, Clock::start(), ended.clone());
    let looking = async {
        let browser = Browser::start().await;
        let states = states();
        let mut amiss = Vec::new();
        for width in [1280, 1400, 1680, 1920] {
            browser.client.set_window_size(width, 1000).await.unwrap();
            for lanes in [1, 4, 8] {
                for some in states.chunks(lanes) {
                    // The last ones among others, so that there are as many lanes.
                    let shown: Vec<_> = some.iter().chain(&states).take(lanes).cloned().collect();
                    sender.send_replace(snapshot(&shown));
                    browser.client.goto(&pages).await.unwrap();
                    browser.until(&format!("#lane-{lanes}"), Duration::from_secs(10)).await;
                    let said: Vec<String> = serde_json::from_value(browser.ask(AMISS, ".lane").await).unwrap();
                    amiss.extend(said.iter().map(|what| format!("{width} wide, {lanes} lanes: {what}")));
                    if lanes == 4 {
                        let heights = browser.ask(DIVIDERS, ".place").await;
                        assert_eq!(
                            heights.as_array().unwrap().len(),
                            1,
                            "{width} wide: dividers at {heights}"
                        );
                    }
                }
                browser.shoot(&format!("words-{lanes}-in-{width}")).await;
            }
        }
        browser.client.clone().close().await.unwrap();
        ended.cancel();
        assert!(amiss.is_empty(), "{amiss:#?}");
    };
    let (served, ()) = tokio::join!(serving, looking);
    served.unwrap();
}
