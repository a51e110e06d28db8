//! Keeps the local display at what the daemon says.

use core::time::Duration;

use blinkup::Tick;
use fixture_link::identity::RunId;
use fixture_link::settings::Screen;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::change::changed;
use super::frame::Frame;
use super::panel::{self, Panel, PanelError};
use super::watchdog;
use super::words::Words;
use crate::clock::Clock;
use crate::view::led::LedWords;
use crate::view::look::Look;
use crate::view::standing::Heard;
use crate::view::{Face, View};

/// How often the display looks whether what it shows still stands; it draws no more often than that, but for what a lane shows otherwise than before:
/// a verdict is drawn as soon as it is told.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long after a failure the panel is opened again.
pub const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How often the panel is set up again and sent the whole frame: nothing tells that a panel which is only written to was unplugged, or
/// disturbed by a discharge.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);

/// A bar moves in steps of so many thousandths: what is finer is not worth a frame.
const BAR_STEP: u16 = 20;

/// Opens the panel.
pub type Open = Box<dyn FnMut() -> Result<Box<dyn Panel>, PanelError> + Send>;

/// The panel, and what it shows.
pub struct Display {
    open: Open,
    panel: Option<Box<dyn Panel>>,
    shown: Option<Shown>,
    open_at: Tick,
    renew_at: Tick,
    trouble: Option<String>,
    draws: u64,
}

/// What the panel was last given.
struct Shown {
    seen: View,
    frame: Frame,
    at: Tick,
}

/// The drawing itself failed.
#[derive(Debug, thiserror::Error)]
#[error("drawing: {0}")]
pub struct DrawingError(#[from] tokio::task::JoinError);

impl Display {
    /// A display whose panel is opened at the first look.
    pub fn new(open: Open) -> Self {
        Self {
            open,
            panel: None,
            shown: None,
            open_at: Tick::ZERO,
            renew_at: Tick::ZERO,
            trouble: None,
            draws: 0,
        }
    }

    /// The display of the configuration.
    pub fn configured(screen: Screen) -> Self {
        Self::new(Box::new(move || panel::open(&screen)))
    }

    /// Frames drawn so far.
    pub const fn draws(&self) -> u64 {
        self.draws
    }

    /// Why nothing can be shown, if so.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Whether the panel has to be touched now to show `view`.
    pub fn wants(&self, view: &View, now: Tick) -> bool {
        match (&self.panel, &self.shown) {
            (None, _) => now >= self.open_at,
            (Some(_), None) => true,
            (Some(_), Some(shown)) => {
                now >= self.renew_at
                    || (shown.seen != seen(view)
                        && (now.since(shown.at) >= LOOK_EVERY || looks(&shown.seen) != looks(view)))
            }
        }
    }

    /// Shows `view`, if that needs anything. A panel that fails is blanked as far as it can be, and opened anew after [`AGAIN_AFTER`].
    pub fn look(&mut self, view: &View, now: Tick) {
        if !self.wants(view, now) {
            return;
        }
        match self.try_look(view, now) {
            Ok(()) => {
                if self.trouble.take().is_some() {
                    tracing::info!("the panel shows again");
                    watchdog::status("showing");
                }
            }
            Err(error) => {
                if let Some(mut panel) = self.panel.take() {
                    // Whatever of it can be darkened: a verdict must not stand on a panel that takes no other.
                    let _as_far_as_it_goes = panel.blank();
                }
                self.shown = None;
                self.open_at = now + AGAIN_AFTER;
                let trouble = error.to_string();
                if self.trouble.as_deref() != Some(trouble.as_str()) {
                    tracing::error!("{trouble}; tried again every {} s", AGAIN_AFTER.as_secs());
                    watchdog::status(&trouble);
                    self.trouble = Some(trouble);
                }
            }
        }
    }

    fn try_look(&mut self, view: &View, now: Tick) -> Result<(), PanelError> {
        let panel = match &mut self.panel {
            Some(panel) => {
                if now >= self.renew_at {
                    panel.renew()?;
                    self.renew_at = now + RENEW_EVERY;
                    self.shown = None;
                }
                panel
            }
            none @ None => {
                self.shown = None;
                self.renew_at = now + RENEW_EVERY;
                none.insert((self.open)()?)
            }
        };
        let frame = super::frame(view, panel.size());
        self.draws += 1;
        let areas = changed(self.shown.as_ref().map(|shown| &shown.frame), &frame);
        panel.show(&frame, &areas)?;
        self.shown = Some(Shown {
            seen: seen(view),
            frame,
            at: now,
        });
        Ok(())
    }

    /// Takes the last frame away, so that no verdict is left standing.
    ///
    /// # Errors
    /// The panel cannot be reached.
    pub fn end(mut self) -> Result<(), PanelError> {
        match self.panel.take() {
            Some(mut panel) => panel.blank(),
            None => (self.open)()?.blank(),
        }
    }
}

/// What of a view the screen draws: the strip of light is for pages only, and bars move in steps.
fn seen(view: &View) -> View {
    let mut seen = view.clone();
    if let Face::Live { lanes, .. } = &mut seen.face {
        for lane in lanes {
            lane.led = LedWords::default();
            if let Some(progress) = &mut lane.progress {
                progress.permille -= progress.permille % BAR_STEP;
            }
        }
    }
    seen
}

/// What kind of thing each lane shows: what an operator waits for.
fn looks(view: &View) -> Vec<(Look, Option<RunId>)> {
    match &view.face {
        Face::Live { lanes, .. } => lanes.iter().map(|lane| (lane.look, lane.run)).collect(),
        Face::Commissioning(_) | Face::Gone(_) => Vec::new(),
    }
}

/// The verdicts of `view` that `before` did not show.
fn fresh(before: &[(Look, Option<RunId>)], view: &View) -> Vec<RunId> {
    looks(view)
        .into_iter()
        .filter(|lane| !before.contains(lane))
        .filter_map(|(look, run)| match look {
            Look::Pass | Look::Fail | Look::Error | Look::Undecided | Look::Aborted => run,
            Look::Idle | Look::Running | Look::Held | Look::Refused | Look::Stopped => None,
        })
        .collect()
}

/// Keeps the display at what is heard until `ended`, then blanks it. Feeds the service manager's watchdog as long as looks end.
///
/// # Errors
/// The drawing itself failed.
pub async fn keep(
    mut display: Display,
    mut newest: watch::Receiver<Heard>,
    words: &Words,
    clock: Clock,
    ended: CancellationToken,
) -> Result<(), DrawingError> {
    let mut every = tokio::time::interval(LOOK_EVERY);
    // A display that fell behind shows the present, not every look that it missed.
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beat_at = Tick::ZERO;
    let mut before = Vec::new();
    watchdog::ready();
    while ended.run_until_cancelled(due(&mut every, &mut newest)).await.is_some() {
        let now = clock.now();
        let view = words.view(&newest.borrow_and_update(), now);
        if display.wants(&view, now) {
            // Off the thread that follows the daemon: a slow panel must not look like a silent daemon. It is never cut short.
            let shown;
            (display, shown) = tokio::task::spawn_blocking(move || {
                display.look(&view, now);
                (display, view)
            })
            .await?;
            if display.trouble.is_none() {
                let drawn = clock.since_boot_at(clock.now()).as_micros();
                for run in fresh(&before, &shown) {
                    tracing::debug!(target: "fixture::news", %run, %drawn, "verdict");
                }
                before = looks(&shown);
            }
        }
        if now >= beat_at {
            watchdog::beat();
            beat_at = now + watchdog::EVERY;
        }
    }
    let blanked = tokio::task::spawn_blocking(move || display.end()).await?;
    if let Err(error) = blanked {
        tracing::error!("the panel could not be blanked: {error}");
    }
    Ok(())
}

/// Waits until the daemon says something, or for the next look at what stands.
async fn due(every: &mut Interval, newest: &mut watch::Receiver<Heard>) {
    tokio::select! {
        biased;
        // Where nobody follows the daemon any more there is still the next look.
        Ok(()) = newest.changed() => {}
        _ = every.tick() => {}
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::settings::{PngFile, Rotation};
    use fixture_link::snapshot::{LaneState, Snapshot};
    use fixture_link::verdict::VerdictCode;

    use super::*;
    use crate::screen::panel::controller::tests::usual;
    use crate::screen::panel::glass::Peek;
    use crate::screen::{SMALL, frame};
    use crate::view::tests::{heard, snapshot, verdict};

    fn at(ms: u64) -> Tick {
        Tick::ZERO + Duration::from_millis(ms)
    }

    fn view(snapshot: Snapshot) -> View {
        View::of(&heard(snapshot), Tick::from_micros(1_000_000))
    }

    /// A display on a recording panel.
    fn on(peek: &Peek) -> Display {
        let peek = peek.clone();
        Display::new(Box::new(move || Ok(Box::new(usual(&peek)?))))
    }

    fn sending(permille: u16, seated_ms: u64) -> Snapshot {
        let mut snapshot = snapshot(vec![LaneState::Sending {
            attempt: 1,
            of: 3,
            permille,
            rate: 60,
        }]);
        snapshot.lanes[0].seated_ms = seated_ms;
        snapshot
    }

    /// A minute of a lane: ten seconds empty, twenty sending, twenty of a standing verdict, ten empty; a snapshot every 50 ms, each
    /// with another strip of light.
    fn minute() -> impl Iterator<Item = (u64, View)> {
        (0..60_000_u64).step_by(50).map(|ms| {
            let mut snapshot = match ms {
                10_000..30_000 => sending(u16::try_from((ms - 10_000) / 20).unwrap(), ms - 10_000),
                30_000..50_000 => snapshot(vec![verdict(VerdictCode::Ok)]),
                _ => snapshot(vec![LaneState::Empty]),
            };
            snapshot.beat = ms;
            snapshot.lanes[0].led.confidence = 0.5;
            snapshot.lanes[0].led.codes = vec![format!("code-{ms}")];
            (ms, view(snapshot))
        })
    }

    #[test]
    fn frames_are_drawn_only_for_what_changed() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        let mut snapshots = 0;
        for (ms, view) in minute() {
            display.look(&view, at(ms));
            snapshots += 1;
        }
        // Once at the start; 20 s of sending: 50 steps of the bar, and 19 of the 20 seconds that fall between two of them; the verdict; the
        // empty lane; and the five times in sixty seconds that the panel is set up again.
        println!("{} draws for {snapshots} snapshots", display.draws());
        assert_eq!(snapshots, 1200);
        assert!((60..=85).contains(&display.draws()), "{}", display.draws());
        assert_eq!(
            peek.seen(Rotation::Right),
            frame(&view(snapshot(vec![LaneState::Empty])), SMALL)
        );
    }

    #[test]
    fn however_fast_the_view_changes_there_are_at_most_ten_frames_a_second() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        for ms in (0..1000_u64).step_by(10) {
            display.look(&view(sending(u16::try_from(ms).unwrap(), ms * 1000)), at(ms));
        }
        assert_eq!(display.draws(), 10);
    }

    #[test]
    fn a_verdict_is_drawn_at_once_whenever_the_last_frame_was() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        display.look(&view(sending(100, 1000)), at(0));
        display.look(&view(sending(500, 1000)), at(20));
        assert_eq!(display.draws(), 1);
        let pass = view(snapshot(vec![verdict(VerdictCode::Ok)]));
        display.look(&pass, at(21));
        assert_eq!(display.draws(), 2);
        assert_eq!(peek.seen(Rotation::Right), frame(&pass, SMALL));
        display.look(&view(snapshot(vec![verdict(VerdictCode::StuckJoining)])), at(22));
        assert_eq!(display.draws(), 3);
    }

    #[test]
    fn a_verdict_is_told_as_drawn_once() {
        let run = RunId(uuid::Uuid::from_u128(7));
        let of_run = |mut snapshot: Snapshot| {
            snapshot.lanes[0].run = Some(run);
            view(snapshot)
        };
        let pass = of_run(snapshot(vec![verdict(VerdictCode::Ok)]));
        let running = of_run(sending(100, 1000));
        assert_eq!(fresh(&looks(&running), &pass), [run]);
        assert_eq!(fresh(&looks(&pass), &pass), []);
        assert_eq!(fresh(&looks(&pass), &running), []);
    }

    #[test]
    fn a_panel_that_fails_shows_no_verdict_any_more_and_comes_back_by_itself() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        let pass = view(snapshot(vec![verdict(VerdictCode::Ok)]));
        display.look(&pass, at(0));
        assert!(peek.with(|glass| glass.lit));
        peek.with(|glass| glass.fails_after = Some(0));
        display.look(&view(snapshot(vec![LaneState::Empty])), at(200));
        assert_eq!(display.trouble(), Some("glass: write a command: unplugged"));
        assert!(
            !peek.with(|glass| glass.lit),
            "a PASS that cannot be taken away is at least dark"
        );
        for ms in (300..2200).step_by(100) {
            assert!(!display.wants(&pass, at(ms)), "opened again only after a while");
        }
        display.look(&pass, at(2200));
        assert!(display.trouble().is_some(), "still unplugged");
        peek.with(|glass| glass.fails_after = None);
        display.look(&pass, at(4200));
        assert_eq!(display.trouble(), None);
        assert!(peek.with(|glass| glass.lit));
        assert_eq!(peek.seen(Rotation::Right), frame(&pass, SMALL));
    }

    #[test]
    fn a_panel_that_failed_in_the_middle_of_a_frame_is_sent_all_of_the_next() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        display.look(&view(snapshot(vec![verdict(VerdictCode::Ok)])), at(0));
        peek.with(|glass| glass.fails_after = Some(12));
        let fail = view(snapshot(vec![verdict(VerdictCode::StuckJoining)]));
        display.look(&fail, at(200));
        assert!(display.trouble().is_some());
        peek.with(|glass| glass.fails_after = None);
        display.look(&fail, at(2300));
        assert_eq!(peek.seen(Rotation::Right), frame(&fail, SMALL));
    }

    #[test]
    fn a_panel_that_was_unplugged_unnoticed_shows_the_whole_frame_within_ten_seconds() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        let pass = view(snapshot(vec![verdict(VerdictCode::Ok)]));
        display.look(&pass, at(0));
        peek.with(|glass| (glass.mode, glass.awake, glass.on) = (0, false, false));
        display.look(&pass, at(9_900));
        assert!(!peek.with(|glass| glass.on));
        display.look(&pass, at(10_000));
        assert!(peek.with(|glass| glass.awake && glass.on));
        assert_eq!(peek.seen(Rotation::Right), frame(&pass, SMALL));
    }

    #[test]
    fn the_end_blanks_a_panel_that_failed_before_as_well() {
        let peek = Peek::new(0);
        let mut display = on(&peek);
        display.look(&view(snapshot(vec![verdict(VerdictCode::Ok)])), at(0));
        peek.with(|glass| glass.fails_after = Some(0));
        display.look(&view(snapshot(vec![LaneState::Empty])), at(200));
        peek.with(|glass| glass.fails_after = None);
        display.end().unwrap();
        assert_eq!(peek.seen(Rotation::Right), Frame::new(SMALL));
    }

    #[tokio::test]
    async fn the_end_of_the_display_leaves_no_verdict_standing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("screen.png");
        let ended = CancellationToken::new();
        let (_keep, newest) = watch::channel(heard(snapshot(vec![verdict(VerdictCode::Ok)])));
        let shown = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
            ended.cancel();
        };
        let display = Display::configured(Screen::Png(PngFile {
            file: file.clone(),
            size: (320, 240),
        }));
        let words = Words::default();
        let (result, ()) = tokio::join!(keep(display, newest, &words, Clock::start(), ended.clone()), shown);
        result.unwrap();
        assert!(!file.exists());
    }
}
