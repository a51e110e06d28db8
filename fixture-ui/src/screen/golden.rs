//! Every screen against a picture that a person has looked at.
//!
//! `BLESS_SCREENS=1 cargo test -p fixture-ui golden` draws the pictures anew; look at each before committing it.

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::PathBuf;

use blinkup::Tick;
use embedded_graphics::draw_target::DrawTarget as _;
use embedded_graphics::geometry::{Dimensions as _, Point, Size};
use embedded_graphics::primitives::Rectangle;
use fixture_link::identity::{RunId, Serial, WallTime};
use fixture_link::purpose::Purpose;
use fixture_link::snapshot::{
    CheckView, Done, LaneState, LastVerdict, LineStop, Notice, ShiftView, Snapshot, Stage, Turn,
};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};

use super::frame::Frame;
use super::text::ruler;
use super::{SMALL, frame};
use crate::view::language::Languages;
use crate::view::notice::SetupWords;
use crate::view::standing::Heard;
use crate::view::tests::{commissioning, heard, snapshot, stop, verdict};
use crate::view::{Face, View};

const HEARD: Tick = Tick::from_micros(1_000_000);

/// The official 7-inch screen.
const LARGE: Size = Size::new(800, 480);

fn check(name: &str, view: &View) {
    check_at(name, view, SMALL);
    check_at(&format!("800x480/{name}"), view, LARGE);
}

fn check_at(name: &str, view: &View, size: Size) {
    check_frame(name, &frame(view, size));
}

fn check_frame(name: &str, frame: &Frame) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.png"));
    if std::env::var_os("BLESS_SCREENS").is_some() {
        std::fs::write(&path, frame.png().unwrap()).unwrap();
        return;
    }
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut golden = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut golden).unwrap();
    golden.truncate(info.buffer_size());
    let drawn = frame.rgb();
    let differing = drawn
        .chunks(3)
        .zip(golden.chunks(3))
        .filter(|(one, other)| one != other)
        .count();
    if differing > 0 || drawn.len() != golden.len() {
        let seen = std::env::temp_dir().join(format!("{}.drawn.png", name.replace('/', "-")));
        std::fs::write(&seen, frame.png().unwrap()).unwrap();
        panic!(
            "{name}: {differing} pixels differ from {}; drawn: {}",
            path.display(),
            seen.display()
        );
    }
}

/// A view in a language, as it stands so long after it was heard.
fn spoken(tag: &str, snapshot: Snapshot, later: Duration) -> View {
    let languages = Languages::default().usually(tag).unwrap();
    View::of_line(&heard(snapshot), HEARD + later, &languages)
}

fn live(name: &str, snapshot: Snapshot) {
    check(name, &View::of(&heard(snapshot), HEARD));
}

fn sending(permille: u16) -> LaneState {
    LaneState::Sending {
        attempt: 1,
        of: 3,
        permille,
        rate: 60,
    }
}

fn watching(stage: Stage) -> LaneState {
    LaneState::Watching { stage, attempt: 1 }
}

fn refused(refusal: Refusal) -> LaneState {
    LaneState::Refused {
        refusal,
        detail: String::new(),
    }
}

fn lane_stopped() -> LaneState {
    LaneState::Stopped {
        cause: "Lamp not seen: check the plug at J3.".to_owned(),
    }
}

#[test]
fn golden_waiting() {
    live("waiting", snapshot(vec![LaneState::Empty]));
}

#[test]
fn golden_sending() {
    live("sending", snapshot(vec![sending(430)]));
}

#[test]
fn golden_watching() {
    live("watching", snapshot(vec![watching(Stage::Joining)]));
}

#[test]
fn golden_pass() {
    live("pass", snapshot(vec![verdict(VerdictCode::Ok)]));
}

#[test]
fn golden_pass_on_led_evidence_only() {
    let mut snapshot = snapshot(vec![verdict(VerdictCode::Ok)]);
    snapshot.fixture.led_evidence_only = true;
    live("pass-led-evidence-only", snapshot);
}

#[test]
fn golden_fail() {
    live("fail", snapshot(vec![verdict(VerdictCode::StuckJoining)]));
}

#[test]
fn golden_error() {
    live("error", snapshot(vec![verdict(VerdictCode::LampNotSeen)]));
}

#[test]
fn golden_undecided() {
    live("undecided", snapshot(vec![verdict(VerdictCode::NoBlessEvent)]));
}

#[test]
fn golden_aborted() {
    live("aborted", snapshot(vec![verdict(VerdictCode::LiftedEarly)]));
}

/// A lane whose golden check is so far.
fn checked(snapshot: &mut Snapshot, place: usize, golden: Done, overdue: bool) {
    snapshot.lanes[place].golden_check = Some(CheckView {
        since: snapshot.at,
        golden,
        known_bad: Some(Done::No),
        overdue,
    });
}

/// Lanes in the midst of their golden checks: each step, and each end of a marked unit.
fn golden_checks() -> Vec<Snapshot> {
    let mut due = snapshot(vec![LaneState::Empty]);
    checked(&mut due, 0, Done::No, false);
    let mut overdue = after(&[VerdictCode::Ok]);
    checked(&mut overdue, 0, Done::No, true);
    let mut second = after(&[VerdictCode::Ok]);
    second.lanes[0].last.as_mut().unwrap().purpose = Purpose::Golden;
    checked(&mut second, 0, Done::Yes, true);
    let mut all = vec![due, overdue, second];
    for (state, purpose) in [
        (sending(430), Purpose::Golden),
        (verdict(VerdictCode::Ok), Purpose::Golden),
        (verdict(VerdictCode::StuckJoining), Purpose::KnownBad),
        (verdict(VerdictCode::Ok), Purpose::KnownBad),
        (verdict(VerdictCode::Ok), Purpose::Study),
    ] {
        let mut shown = snapshot(vec![state]);
        shown.lanes[0].purpose = purpose;
        all.push(shown);
    }
    let mut four = snapshot(vec![
        LaneState::Empty,
        LaneState::Empty,
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::NoLight),
    ]);
    checked(&mut four, 0, Done::No, true);
    checked(&mut four, 1, Done::Yes, true);
    four.lanes[2].purpose = Purpose::Golden;
    four.lanes[3].purpose = Purpose::Golden;
    all.push(four);
    all
}

#[test]
fn golden_checks_and_the_units_that_they_want() {
    let names = [
        "check-due",
        "check-overdue",
        "check-second-step",
        "golden-unit-runs",
        "golden-unit-passed",
        "bad-unit-failed",
        "bad-unit-passed",
        "study-unit-passed",
        "lanes-4-check",
    ];
    for (name, snapshot) in names.into_iter().zip(golden_checks()) {
        live(name, snapshot);
    }
}

#[test]
fn golden_refused() {
    live("refused", snapshot(vec![refused(Refusal::AlreadyPassed)]));
}

#[test]
fn golden_lane_stopped() {
    live("lane-stopped", snapshot(vec![lane_stopped()]));
}

#[test]
fn golden_line_stopped() {
    let mut snapshot = snapshot(vec![LaneState::LineStopped, LaneState::LineStopped]);
    snapshot.line.stopped = Some(stop());
    live("line-stopped", snapshot);
}

#[test]
fn golden_line_stopped_with_units_still_to_sort() {
    let mut snapshot = snapshot(vec![
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::NetworkDown),
        LaneState::LineStopped,
        watching(Stage::Searching),
    ]);
    snapshot.line.stopped = Some(stop());
    live("line-stopped-with-units", snapshot);
}

/// What three units in a row without a lamp leave: nobody is sent to another lane, as none takes units.
#[test]
fn golden_line_stopped_for_one_lane() {
    let mut snapshot = snapshot(vec![
        LaneState::LineStopped,
        verdict(VerdictCode::LampNotSeen),
        refused(Refusal::LineStopped),
        lane_stopped(),
    ]);
    snapshot.line.stopped = Some(stop());
    live("line-stopped-for-one-lane", snapshot);
}

#[test]
fn golden_to_start() {
    live("to-start", snapshot(vec![LaneState::ToStart]));
    live(
        "lanes-4-to-start",
        snapshot(vec![
            LaneState::ToStart,
            LaneState::Empty,
            LaneState::Waiting,
            verdict(VerdictCode::Ok),
        ]),
    );
}

#[test]
fn golden_seated() {
    live("seated", snapshot(vec![LaneState::Waiting]));
}

#[test]
fn golden_token() {
    live("token", snapshot(vec![LaneState::Token]));
}

#[test]
fn golden_storing() {
    live("storing", snapshot(vec![LaneState::Storing]));
}

#[test]
fn golden_interrupted() {
    live("interrupted", snapshot(vec![verdict(VerdictCode::Interrupted)]));
}

#[test]
fn golden_pass_from_before_a_restart() {
    let mut state = verdict(VerdictCode::Ok);
    if let LaneState::Verdict { from_before, .. } = &mut state {
        *from_before = true;
    }
    live("pass-from-before", snapshot(vec![state.clone()]));
    live(
        "lanes-4-from-before",
        snapshot(vec![
            state,
            verdict(VerdictCode::Interrupted),
            LaneState::Empty,
            watching(Stage::Joining),
        ]),
    );
}

/// Lanes whose last units had these verdicts.
fn after(codes: &[VerdictCode]) -> Snapshot {
    let mut snapshot = snapshot(vec![LaneState::Empty; codes.len()]);
    for ((n, lane), code) in (1..).zip(&mut snapshot.lanes).zip(codes) {
        lane.last = Some(LastVerdict {
            run: RunId(uuid::Uuid::from_u128(n)),
            serial: Some(Serial::new(&format!("SN-2026-{n:04}")).unwrap()),
            purpose: Purpose::Production,
            code: *code,
        });
    }
    snapshot
}

#[test]
fn golden_the_unit_before() {
    live("last", after(&[VerdictCode::Ok]));
    live(
        "lanes-4-last",
        after(&[
            VerdictCode::Ok,
            VerdictCode::StuckJoining,
            VerdictCode::NoBlessEvent,
            VerdictCode::Interrupted,
        ]),
    );
    let mut eight = after(&[
        VerdictCode::Ok,
        VerdictCode::StuckJoining,
        VerdictCode::NoBlessEvent,
        VerdictCode::Interrupted,
        VerdictCode::LampNotSeen,
        VerdictCode::LiftedEarly,
        VerdictCode::Ok,
        VerdictCode::Ok,
    ]);
    eight.lanes[6].last = None;
    eight.lanes[7].state = verdict(VerdictCode::Ok);
    eight.lanes[7].last = None;
    live("lanes-8-last", eight);
}

/// However the nest's last unit ended, its lane is drawn as an empty one.
#[test]
fn the_unit_before_is_never_drawn_as_one_that_is_there() {
    for count in [1, 2, 4, 8] {
        for size in [SMALL, LARGE] {
            let empty = frame(&View::of(&heard(snapshot(vec![LaneState::Empty; count])), HEARD), size);
            let codes = vec![VerdictCode::Ok; count];
            let before = frame(&View::of(&heard(after(&codes)), HEARD), size);
            assert_ne!(empty, before, "{count} lanes: it is said");
            let colours = |frame: &Frame| frame.rgb().chunks(3).map(<[u8]>::to_vec).collect::<BTreeSet<_>>();
            assert_eq!(
                colours(&before),
                colours(&empty),
                "{count} lanes: only an empty lane's colours"
            );
        }
    }
}

#[test]
fn golden_fixture_stopped() {
    let heard = heard(snapshot(vec![verdict(VerdictCode::Ok)]));
    check("fixture-stopped", &View::of(&heard, HEARD + Duration::from_secs(7)));
}

#[test]
fn golden_fixture_never_heard() {
    let heard = Heard {
        snapshot: None,
        trouble: Some("/run/fixture/daemon.sock: no such file or directory".to_owned()),
    };
    check("fixture-never-heard", &View::of(&heard, HEARD));
}

#[test]
fn golden_two_lanes() {
    live(
        "lanes-2",
        snapshot(vec![verdict(VerdictCode::Ok), verdict(VerdictCode::StuckJoining)]),
    );
}

#[test]
fn golden_three_lanes() {
    live(
        "lanes-3",
        snapshot(vec![
            verdict(VerdictCode::BlessDisagrees),
            sending(800),
            verdict(VerdictCode::SensorFault),
        ]),
    );
}

#[test]
fn golden_four_lanes() {
    live(
        "lanes-4",
        snapshot(vec![
            verdict(VerdictCode::Ok),
            verdict(VerdictCode::StuckJoining),
            sending(430),
            LaneState::Empty,
        ]),
    );
}

#[test]
fn golden_four_lanes_with_doubts() {
    live(
        "lanes-4-doubts",
        snapshot(vec![
            verdict(VerdictCode::LampWeak),
            verdict(VerdictCode::UnreadableLight),
            refused(Refusal::Quarantined),
            lane_stopped(),
        ]),
    );
}

#[test]
fn golden_eight_lanes() {
    live(
        "lanes-8",
        snapshot(vec![
            verdict(VerdictCode::Ok),
            verdict(VerdictCode::NotReceiving),
            sending(430),
            watching(Stage::GettingIp),
            verdict(VerdictCode::LampWeak),
            verdict(VerdictCode::UnreadableLight),
            verdict(VerdictCode::StoppedByOperator),
            LaneState::Empty,
        ]),
    );
}

#[test]
fn golden_four_lanes_interrupted() {
    live(
        "lanes-4-interrupted",
        snapshot(vec![
            verdict(VerdictCode::Interrupted),
            verdict(VerdictCode::LiftedEarly),
            verdict(VerdictCode::NoBlessEvent),
            verdict(VerdictCode::LampWeak),
        ]),
    );
}

#[test]
fn golden_eight_lanes_interrupted() {
    live(
        "lanes-8-interrupted",
        snapshot(vec![
            verdict(VerdictCode::Interrupted),
            verdict(VerdictCode::LiftedEarly),
            verdict(VerdictCode::NoBlessEvent),
            verdict(VerdictCode::LampWeak),
            verdict(VerdictCode::NotReceiving),
            verdict(VerdictCode::Ok),
            verdict(VerdictCode::Interrupted),
            LaneState::Empty,
        ]),
    );
}

fn notices(count: usize) -> Vec<Notice> {
    let notice = |part: &str, what: &str, remedy: &str| Notice {
        part: part.to_owned(),
        what: what.to_owned(),
        remedy: remedy.to_owned(),
        since: WallTime {
            // A quarter of an hour before what is shown.
            micros: 1_790_000_000_000_000 - 900_000_000,
            synchronised: true,
        },
    };
    let mut all = vec![
        notice(
            "scanner",
            "scanner: /dev/fixture/scanner-1: unplugged",
            "plug it in, or scan again what it could not read",
        ),
        notice(
            "card",
            "card mmcblk0 at most 90 % worn",
            "copy the ledger, and change the card",
        ),
    ];
    all.truncate(count);
    all
}

#[test]
fn golden_something_to_see_to() {
    let mut snapshot = snapshot(vec![verdict(VerdictCode::Ok)]);
    snapshot.notices = notices(1);
    live("notice", snapshot);
}

#[test]
fn golden_four_lanes_and_something_to_see_to() {
    let mut snapshot = snapshot(vec![
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
        sending(430),
        LaneState::Empty,
    ]);
    snapshot.notices = notices(2);
    live("lanes-4-notices", snapshot);
}

#[test]
fn golden_line_stopped_and_something_to_see_to() {
    let mut snapshot = snapshot(vec![LaneState::Empty, LaneState::Empty]);
    snapshot.line.stopped = Some(stop());
    snapshot.notices = notices(2);
    live("line-stopped-notices", snapshot);
}

#[test]
fn golden_commissioning_waits_for_a_person() {
    let mut snapshot = snapshot(vec![LaneState::Empty]);
    snapshot.commissioning = Some(commissioning(Turn::Person));
    live("commissioning-person", snapshot);
}

#[test]
fn golden_commissioning_measures() {
    let mut snapshot = snapshot(vec![LaneState::Empty]);
    snapshot.commissioning = Some(commissioning(Turn::Fixture));
    live("commissioning-measures", snapshot);
}

fn shift() -> ShiftView {
    ShiftView {
        name: "early".to_owned(),
        passed: 1118,
        failed: 23,
        other: 12,
        first_pass_permille: Some(975),
        wanted: Some(1160),
    }
}

fn with_shift(mut snapshot: Snapshot) -> Snapshot {
    snapshot.shift = Some(shift());
    snapshot
}

fn with_left(mut snapshot: Snapshot, left_ms: u64) -> Snapshot {
    for lane in &mut snapshot.lanes {
        if let LaneState::Waiting | LaneState::Token | LaneState::Sending { .. } | LaneState::Watching { .. } =
            lane.state
        {
            lane.left_ms = Some(left_ms);
        }
    }
    snapshot
}

#[test]
fn golden_seconds_left_and_the_shift() {
    live(
        "shift",
        with_shift(with_left(snapshot(vec![watching(Stage::Joining)]), 38_400)),
    );
    let four = vec![
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
        sending(430),
        LaneState::Empty,
    ];
    live("lanes-4-shift", with_shift(with_left(snapshot(four), 5_100)));
    let mut ahead = snapshot(vec![LaneState::Waiting; 8]);
    ahead.shift = Some(ShiftView {
        wanted: Some(1100),
        first_pass_permille: Some(1000),
        ..shift()
    });
    live("lanes-8-shift", with_left(ahead, 60_000));
}

fn setup(view: &mut View, tag: &str) {
    let languages = Languages::default();
    let fingerprint = ["AB"; 32].join(":");
    view.setup = Some(SetupWords::of(
        "4821-9073",
        "https://192.168.100.200:8443",
        Some(&fingerprint),
        languages.speak(tag),
    ));
}

#[test]
fn golden_the_first_administrator() {
    let mut view = View::of(&heard(snapshot(vec![LaneState::Empty])), HEARD);
    setup(&mut view, "en");
    check("setup", &view);
}

/// Every kind of screen, in a language.
fn screens(tag: &str) -> Vec<View> {
    let from_before = LaneState::Verdict {
        outcome: Outcome::Pass,
        code: VerdictCode::Ok,
        detail: String::new(),
        device_id: None,
        agent_url: None,
        from_before: true,
    };
    let alone = [
        LaneState::Empty,
        LaneState::ToStart,
        LaneState::Waiting,
        LaneState::Token,
        sending(430),
        watching(Stage::Joining),
        LaneState::Storing,
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
        verdict(VerdictCode::LampNotSeen),
        verdict(VerdictCode::NoBlessEvent),
        verdict(VerdictCode::LiftedEarly),
        verdict(VerdictCode::Interrupted),
        refused(Refusal::AlreadyPassed),
        lane_stopped(),
        from_before.clone(),
    ];
    let mut snapshots: Vec<Snapshot> = alone
        .into_iter()
        .map(|state| with_left(snapshot(vec![state]), 38_400))
        .collect();
    let mut stopped = snapshot(vec![LaneState::LineStopped, LaneState::LineStopped]);
    stopped.line.stopped = Some(stopped_in_a_row());
    snapshots.push(stopped);
    let mut with_units = snapshot(vec![
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::NetworkDown),
        LaneState::LineStopped,
        watching(Stage::Searching),
    ]);
    with_units.line.stopped = Some(stopped_in_a_row());
    snapshots.push(with_units);
    snapshots.push(with_shift(after(&[VerdictCode::Ok])));
    snapshots.extend(golden_checks());
    let mut notice = snapshot(vec![verdict(VerdictCode::Ok)]);
    notice.notices = notices(2);
    snapshots.push(notice);
    snapshots.push(with_shift(snapshot(vec![
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
    ])));
    snapshots.push(with_shift(with_left(
        snapshot(vec![
            verdict(VerdictCode::LampWeak),
            refused(Refusal::Quarantined),
            sending(430),
            from_before,
        ]),
        120_000,
    )));
    snapshots.push(with_left(
        snapshot(vec![
            verdict(VerdictCode::Ok),
            verdict(VerdictCode::NotReceiving),
            sending(430),
            watching(Stage::GettingIp),
            verdict(VerdictCode::LampWeak),
            verdict(VerdictCode::UnreadableLight),
            verdict(VerdictCode::Interrupted),
            LaneState::Empty,
        ]),
        8_000,
    ));
    let mut views: Vec<View> = snapshots
        .into_iter()
        .map(|snapshot| spoken(tag, snapshot, Duration::ZERO))
        .collect();
    views.push(spoken(tag, snapshot(vec![LaneState::Empty]), Duration::from_secs(7)));
    let mut first = spoken(tag, snapshot(vec![LaneState::Empty]), Duration::ZERO);
    setup(&mut first, tag);
    views.push(first);
    views
}

/// What three units in a row make the fixture say.
fn stopped_in_a_row() -> LineStop {
    LineStop {
        cause: "3 units in a row on lane 2 ended in \"Stuck at joining Wi-Fi\": was the Wi-Fi password changed, or is the access point full?"
            .to_owned(),
        ..stop()
    }
}

/// One picture of every kind of screen, five beside each other.
fn sheet(tag: &str, size: Size) -> Frame {
    let views = screens(tag);
    let gap = 8;
    let (columns, rows) = (5, u32::try_from(views.len()).unwrap().div_ceil(5));
    let mut sheet = Frame::new(Size::new(columns * (size.width + gap), rows * (size.height + gap)));
    for (place, view) in (0..).zip(&views) {
        let corner = Point::new(
            (place % columns * (size.width + gap)).cast_signed(),
            (place / columns * (size.height + gap)).cast_signed(),
        );
        let drawn = frame(view, size);
        let pixels: Vec<_> = drawn.rows(drawn.bounding_box()).flatten().copied().collect();
        sheet.fill_contiguous(&Rectangle::new(corner, size), pixels).unwrap();
    }
    sheet
}

#[test]
fn golden_every_screen_in_the_other_languages() {
    for tag in ["de", "es", "zh-Hans"] {
        check_frame(&format!("languages/{tag}"), &sheet(tag, SMALL));
        check_frame(&format!("languages/{tag}-800x480"), &sheet(tag, LARGE));
    }
}

/// Every text of a language at its place, in the narrowest and the widest layout, with the longest serial and three-digit seconds: what does not
/// fit would be cut, and is told. Texts from outside (the fixture's name, causes, notices) may be.
fn nothing_runs_out_of_its_box(tag: &str) {
    let states: Vec<LaneState> = VerdictCode::ALL
        .map(verdict)
        .into_iter()
        .chain(Refusal::ALL.map(refused))
        .chain(Stage::ALL.map(watching))
        .chain([
            LaneState::Empty,
            LaneState::ToStart,
            LaneState::Waiting,
            LaneState::Token,
            sending(430),
            LaneState::Storing,
            LaneState::LineStopped,
        ])
        .collect();
    let mut amiss = BTreeSet::new();
    let _none_before = ruler::amiss();
    for size in [SMALL, LARGE] {
        for count in [1, 4, 8] {
            // Lanes of one frame show states of their own: every state is in one at every size.
            for (number, some) in states.chunks(count).enumerate() {
                let mut shown = snapshot(some.iter().chain(&states).take(count).cloned().collect());
                shown.lanes[0].serial = Some(Serial::new(&"W".repeat(64)).unwrap());
                for lane in &mut shown.lanes {
                    lane.seated_ms = 999_000;
                }
                if number % 2 == 0 {
                    shown = with_shift(shown);
                }
                let view = spoken(tag, with_left(shown, 999_000), Duration::ZERO);
                let _drawn = frame(&view, size);
                let at = format!("{tag} {}x{} {count} lanes", size.width, size.height);
                amiss.extend(ruler::amiss().into_iter().map(|what| format!("{at}: {what}")));
            }
        }
        for view in screens(tag) {
            let _drawn = frame(&view, size);
            let told = ruler::amiss();
            // What the daemon says of a stop may be longer than its banner; the live page has all of it.
            if !matches!(view.face, Face::Live { stop: Some(_), .. }) && view.notice.is_none() {
                let at = format!("{tag} {}x{}", size.width, size.height);
                amiss.extend(told.into_iter().map(|what| format!("{at}: {what}")));
            }
        }
    }
    assert!(amiss.is_empty(), "{}: {amiss:#?}", amiss.len());
}

#[test]
fn no_english_text_runs_out_of_its_box() {
    nothing_runs_out_of_its_box("en");
}

#[test]
fn no_german_text_runs_out_of_its_box() {
    nothing_runs_out_of_its_box("de");
}

#[test]
fn no_spanish_text_runs_out_of_its_box() {
    nothing_runs_out_of_its_box("es");
}

#[test]
fn no_chinese_text_runs_out_of_its_box() {
    nothing_runs_out_of_its_box("zh-Hans");
}

/// As a camera without colours, or an eye that does not see them, has it: each pixel black or white.
fn black_and_white(frame: &Frame) -> Vec<bool> {
    // Luminance by Rec. 601, against the middle of the range.
    let bright = |rgb: &[u8]| 299 * u32::from(rgb[0]) + 587 * u32::from(rgb[1]) + 114 * u32::from(rgb[2]) > 127_500;
    frame.rgb().chunks(3).map(bright).collect()
}

/// The share of pixels in which two frames differ once they have no colours, in per cent.
fn differ(one: &Frame, other: &Frame) -> usize {
    let (one, other) = (black_and_white(one), black_and_white(other));
    let differing = one.iter().zip(&other).filter(|(one, other)| one != other).count();
    100 * differing / one.len()
}

#[test]
fn no_two_outcomes_look_alike_in_black_and_white() {
    let states = [
        ("pass", verdict(VerdictCode::Ok)),
        ("fail", verdict(VerdictCode::StuckJoining)),
        ("error", verdict(VerdictCode::LampNotSeen)),
        ("undecided", verdict(VerdictCode::NoBlessEvent)),
        ("aborted", verdict(VerdictCode::LiftedEarly)),
        ("stopped", lane_stopped()),
        ("running", watching(Stage::Joining)),
    ];
    let mut least = (100, String::new());
    for tag in ["en", "de", "es", "zh-Hans"] {
        for (size, lanes) in [(SMALL, 1), (LARGE, 1), (SMALL, 4), (SMALL, 8), (LARGE, 8)] {
            let frames: Vec<(&str, Frame)> = states
                .iter()
                .map(|(name, state)| {
                    let view = spoken(tag, snapshot(vec![state.clone(); lanes]), Duration::ZERO);
                    (*name, frame(&view, size))
                })
                .collect();
            for (place, (one, first)) in frames.iter().enumerate() {
                for (other, second) in &frames[place + 1..] {
                    let share = differ(first, second);
                    let named = format!("{tag}, {lanes} lanes at {}: {one} and {other}", size.width);
                    least = least.min((share, named));
                }
            }
        }
    }
    println!("least: {} % ({})", least.0, least.1);
    assert!(least.0 >= 8, "{} %: {}", least.0, least.1);
}

/// A word that is cut looks the same whatever its last letter is.
#[test]
fn no_outcome_is_ever_cut() {
    let states = [
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
        verdict(VerdictCode::LampNotSeen),
        verdict(VerdictCode::NoBlessEvent),
        verdict(VerdictCode::LiftedEarly),
        verdict(VerdictCode::Interrupted),
    ];
    for (width, height) in [(320, 240), (800, 480)] {
        for count in 1..=8 {
            for (state, to_see_to) in states.iter().flat_map(|state| [(state, 0), (state, 2)]) {
                let mut shown = snapshot(vec![state.clone(); count]);
                shown.notices = notices(to_see_to);
                let mut view = View::of(&heard(shown), HEARD);
                let whole = frame(&view, Size::new(width, height));
                let Face::Live { lanes, .. } = &mut view.face else {
                    panic!("it was heard");
                };
                let lane = lanes.last_mut().unwrap();
                // W is the widest letter: where the word is cut, this one is as well, at the same place.
                let other = format!("{}W", &lane.word[..lane.word.len() - 1]);
                lane.word.clone_from(&other);
                let word = other;
                let changed = frame(&view, Size::new(width, height));
                assert_ne!(whole, changed, "{width}x{height}, {count} lanes, {word}");
            }
        }
    }
}

/// Whatever the size, everything is drawn without a panic, and every lane shows something of its own.
#[test]
fn displays_of_any_size_show_every_lane() {
    let states = [
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
        sending(430),
        refused(Refusal::Quarantined),
        lane_stopped(),
        LaneState::Empty,
        verdict(VerdictCode::LampWeak),
        watching(Stage::GettingIp),
    ];
    for (width, height) in [
        (320, 240),
        (480, 320),
        (640, 480),
        (720, 1280),
        (1024, 600),
        (1280, 800),
        (1279, 719),
    ] {
        for count in 1..=states.len() {
            let mut snapshot = snapshot(states[..count].to_vec());
            let size = Size::new(width, height);
            let with = frame(&View::of(&heard(snapshot.clone()), HEARD), size);
            snapshot.lanes[count - 1].state = verdict(VerdictCode::NoBlessEvent);
            let without = frame(&View::of(&heard(snapshot), HEARD), size);
            assert_ne!(with, without, "{width}x{height}, lane {count}");
        }
        let heard = Heard::default();
        let _drawn = frame(&View::of(&heard, HEARD), Size::new(width, height));
    }
}
