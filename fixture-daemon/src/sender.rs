//! The sender: one real-time thread a lamp.
//!
//! It sleeps to absolute deadlines, measures how late every symbol was, and never waits for anyone: what its reports do not fit into
//! is counted as dropped. A symbol that comes late is never cut short to catch up, since the receiver may be slicing on its gaps: the
//! next one is due a whole symbol later. Late is an edge of the light: where a symbol changes nothing, as in the dark tail, nobody can
//! tell when it began.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};

use blinkup::frame::SymbolRate;
use blinkup::{Level, Symbol, Tick};
use fixture_link::identity::{LaneId, RunId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::effect::Transmission;
use crate::engine::input::{Input, LampEdge, LaneInput, SendEnd, SendReport};
use crate::jig::{JigError, Lamp, Unsent};
use crate::real_time;
use crate::tasks::Tasks;
use crate::watchdog::Beat;

/// How often a thread without an order looks whether the daemon stops.
const IDLE: Duration = Duration::from_millis(50);

/// How long a report waits where there is no room for it. Reports, unlike edges, are never dropped.
const ROOM: Duration = Duration::from_millis(1);

/// One lane's sender, as the engine's driver holds it. Dropping it ends the thread with the lamp dark.
#[derive(Debug)]
pub struct Sender {
    lane: LaneId,
    orders: SyncSender<Order>,
    current: Option<Arc<AtomicBool>>,
    dropped: Arc<AtomicU64>,
}

enum Order {
    Send(Box<Transmission>, Arc<AtomicBool>),
    Whole(RunId, u32, Arc<AtomicBool>),
    Flash(Duration),
}

/// The thread of a lane does not take orders: it has ended, or is still busy with earlier ones.
#[derive(Debug, thiserror::Error)]
#[error("lane {lane}: sender: {what}")]
pub struct NoSender {
    lane: LaneId,
    what: &'static str,
}

impl Sender {
    /// Starts the lane's thread. `light` scales every level of this lane's lamp. What it has to say goes to `inputs`. `claimed` is
    /// told whether the thread has real-time priority. `beat` moves at every symbol, and every 50 ms without an order.
    ///
    /// # Errors
    /// The system gives no thread.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the thread needs")]
    pub fn start(
        tasks: &Tasks,
        clock: Clock,
        lane: LaneId,
        lamp: Box<dyn Lamp>,
        light: f32,
        inputs: mpsc::Sender<Input>,
        claimed: std::sync::mpsc::Sender<Result<(), String>>,
        beat: Beat,
    ) -> std::io::Result<Self> {
        // One order is under way, and one may wait behind it: the engine never asks for more.
        let (orders, receiver) = sync_channel(2);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut thread = Thread {
            lane,
            clock,
            lamp: Lit { lamp, light },
            inputs,
            dropped: Arc::clone(&dropped),
            beat,
        };
        tasks.thread(format!("lamp {lane}"), move |stop| {
            // Nobody listens any more when the daemon failed to start.
            let _ = claimed.send(real_time::claim());
            thread.serve(&receiver, stop)
        })?;
        Ok(Self {
            lane,
            orders,
            current: None,
            dropped,
        })
    }

    /// Sends a frame; `Lamp` inputs come at every symbol, and `Sent` at the end.
    ///
    /// # Errors
    /// The thread takes no order.
    pub fn send(&mut self, transmission: Transmission) -> Result<(), NoSender> {
        let stopped = Arc::new(AtomicBool::new(false));
        self.order(Order::Send(Box::new(transmission), Arc::clone(&stopped)))?;
        self.current = Some(stopped);
        Ok(())
    }

    /// Has the machine in the lamp's place send a frame of its own; `Sent` comes at the end.
    ///
    /// # Errors
    /// The thread takes no order.
    pub fn send_whole(&mut self, run: RunId, attempt: u32) -> Result<(), NoSender> {
        let stopped = Arc::new(AtomicBool::new(false));
        self.order(Order::Whole(run, attempt, Arc::clone(&stopped)))?;
        self.current = Some(stopped);
        Ok(())
    }

    /// Stops the frame that is being sent, within one symbol; a machine's frame at its end.
    pub fn stop(&mut self) {
        if let Some(stopped) = self.current.take() {
            stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Flashes the lamp at full light.
    ///
    /// # Errors
    /// The thread takes no order.
    pub fn flash(&mut self, on: Duration) -> Result<(), NoSender> {
        self.order(Order::Flash(on))
    }

    /// Edges that the engine's driver had no room for, since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn order(&mut self, order: Order) -> Result<(), NoSender> {
        self.orders.try_send(order).map_err(|error| NoSender {
            lane: self.lane,
            what: match error {
                TrySendError::Full(_) => "still busy",
                TrySendError::Disconnected(_) => "its thread has ended",
            },
        })
    }
}

/// A lamp that is dark once nobody owns it.
struct Lit {
    lamp: Box<dyn Lamp>,
    light: f32,
}

impl Lit {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        self.lamp.set(Level::new(level.fraction() * self.light))
    }
}

impl Drop for Lit {
    fn drop(&mut self) {
        if let Err(error) = self.lamp.set(Level::DARK) {
            tracing::error!("{error}: the lamp may still be lit");
        }
    }
}

struct Thread {
    lane: LaneId,
    clock: Clock,
    lamp: Lit,
    inputs: mpsc::Sender<Input>,
    dropped: Arc<AtomicU64>,
    beat: Beat,
}

impl Thread {
    fn serve(&mut self, orders: &Receiver<Order>, stop: &CancellationToken) -> anyhow::Result<()> {
        // A bus that does not answer yet is tried again with every level; the test flash tells the engine.
        if let Err(error) = self.lamp.set(Level::DARK) {
            tracing::error!("{error}");
        }
        while !stop.is_cancelled() {
            self.beat.beat();
            match orders.recv_timeout(IDLE) {
                Ok(Order::Send(transmission, stopped)) => {
                    let before = self.dropped.load(Ordering::Relaxed);
                    let (lane, inputs, dropped, beat) = (self.lane, &self.inputs, &self.dropped, &self.beat);
                    let cancelled = || {
                        beat.beat();
                        stopped.load(Ordering::Relaxed) || stop.is_cancelled()
                    };
                    let report = transmit(&mut self.lamp, &self.clock, &transmission, cancelled, |edge| {
                        tell(lane, inputs, dropped, edge);
                    });
                    let lost = self.dropped.load(Ordering::Relaxed) - before;
                    if lost > 0 {
                        tracing::warn!("lane {}: {lost} lamp edges of a transmission were dropped", self.lane);
                    }
                    self.report(LaneInput::Sent(report));
                }
                Ok(Order::Whole(run, attempt, stopped)) => {
                    let (lane, inputs, dropped, beat) = (self.lane, &self.inputs, &self.dropped, &self.beat);
                    let ends = || {
                        beat.beat();
                        stop.is_cancelled()
                    };
                    let mut report = transmit_whole(&mut self.lamp, &self.clock, (run, attempt), ends, |edge| {
                        tell(lane, inputs, dropped, edge);
                    });
                    if stopped.load(Ordering::Relaxed) || stop.is_cancelled() {
                        report.end = SendEnd::Stopped;
                    }
                    self.report(LaneInput::Sent(report));
                }
                Ok(Order::Flash(on)) => {
                    self.flash(on);
                    self.report(LaneInput::TestFlashed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // The engine's driver has ended, and with it the reason for light.
                    anyhow::ensure!(stop.is_cancelled(), "the engine no longer gives orders");
                }
            }
        }
        Ok(())
    }

    fn flash(&mut self, on: Duration) {
        for (level, symbol, lasts) in [
            (Level::FULL, Symbol::Bright, on),
            (Level::DARK, Symbol::Dark, Duration::ZERO),
        ] {
            let from = self.clock.now();
            if let Err(error) = self.lamp.set(level) {
                tracing::error!("{error}: no test flash");
            }
            let at = self.clock.now();
            tell(self.lane, &self.inputs, &self.dropped, LampEdge { from, at, symbol });
            self.clock.sleep_until(at + lasts);
        }
    }

    fn report(&self, report: LaneInput) {
        let mut report = Input::Lane(self.lane, report);
        while let Err(mpsc::error::TrySendError::Full(back)) = self.inputs.try_send(report) {
            report = back;
            self.clock.sleep_until(self.clock.now() + ROOM);
        }
    }
}

fn tell(lane: LaneId, inputs: &mpsc::Sender<Input>, dropped: &AtomicU64, edge: LampEdge) {
    if inputs.try_send(Input::Lane(lane, LaneInput::Lamp(edge))).is_err() {
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// What timing needs of a clock.
trait Time {
    fn now(&self) -> Tick;
    fn sleep_until(&self, at: Tick);
}

impl Time for Clock {
    fn now(&self) -> Tick {
        Clock::now(*self)
    }

    fn sleep_until(&self, at: Tick) {
        Clock::sleep_until(*self, at);
    }
}

/// What a transmission has shown so far.
struct Shown {
    began: Tick,
    symbols: u32,
    latest: Duration,
    lateness: [u32; 21],
}

fn transmit(
    lamp: &mut Lit,
    time: &impl Time,
    transmission: &Transmission,
    cancelled: impl Fn() -> bool,
    mut edge: impl FnMut(LampEdge),
) -> SendReport {
    let mut shown = Shown {
        began: time.now(),
        symbols: 0,
        latest: Duration::ZERO,
        lateness: [0; 21],
    };
    let end = show(lamp, time, transmission, &cancelled, &mut edge, &mut shown);
    let from = time.now();
    let end = match (lamp.set(Level::DARK), end) {
        (Err(error), SendEnd::Complete | SendEnd::Stopped | SendEnd::Late) => SendEnd::LampFailed(error.to_string()),
        (_, end) => end,
    };
    let ended = time.now();
    edge(LampEdge {
        from,
        at: ended,
        symbol: Symbol::Dark,
    });
    SendReport {
        run: transmission.run,
        attempt: transmission.attempt,
        began: shown.began,
        ended,
        symbols: shown.symbols,
        end,
        latest: shown.latest,
        lateness: shown.lateness,
    }
}

/// Has the machine in the lamp's place send a frame of its own.
fn transmit_whole(
    lamp: &mut Lit,
    time: &impl Time,
    (run, attempt): (RunId, u32),
    ends: impl Fn() -> bool,
    mut edge: impl FnMut(LampEdge),
) -> SendReport {
    // Which light it shows when is not known: all of it is the machine's, and hides the unit's LED.
    let asked = time.now();
    edge(LampEdge {
        from: asked,
        at: asked,
        symbol: Symbol::Bright,
    });
    let (took, end) = match lamp.lamp.whole().map(|machine| machine.send(&ends)) {
        Some(Ok(took)) => (took, SendEnd::Complete),
        Some(Err(Unsent::Refused(why))) => (Duration::ZERO, SendEnd::NotSent(why)),
        Some(Err(Unsent::Failed(error))) => (Duration::ZERO, SendEnd::LampFailed(error.to_string())),
        None => {
            let what = "this lane has no imp".to_owned();
            (Duration::ZERO, SendEnd::LampFailed(what))
        }
    };
    let ended = time.now();
    edge(LampEdge {
        from: ended,
        at: ended,
        symbol: Symbol::Dark,
    });
    SendReport {
        run,
        attempt,
        began: (ended - took).max(asked),
        ended,
        symbols: 0,
        end,
        latest: Duration::ZERO,
        lateness: [0; 21],
    }
}

/// Shows symbol after symbol until the end of the frame or a reason to end before it.
fn show(
    lamp: &mut Lit,
    time: &impl Time,
    transmission: &Transmission,
    cancelled: &impl Fn() -> bool,
    edge: &mut impl FnMut(LampEdge),
    shown: &mut Shown,
) -> SendEnd {
    let symbol_lasts = SymbolRate::new(transmission.rate).unwrap_or(SymbolRate::SLOWEST).due(1);
    let mut due = shown.began;
    // The lamp is dark before the first symbol.
    let mut before = Symbol::Dark;
    for symbol in transmission.packet.frame(transmission.preamble).symbols() {
        time.sleep_until(due);
        if cancelled() {
            return SendEnd::Stopped;
        }
        let level = match symbol {
            Symbol::Dark => Level::DARK,
            Symbol::Mid => transmission.mid,
            Symbol::Bright => transmission.bright,
        };
        let from = time.now();
        if let Err(error) = lamp.set(level) {
            return SendEnd::LampFailed(error.to_string());
        }
        let at = time.now();
        if shown.symbols == 0 {
            shown.began = at;
        }
        let late = if symbol == before {
            Duration::ZERO
        } else {
            at.since(due)
        };
        before = symbol;
        due = at + symbol_lasts;
        shown.symbols += 1;
        shown.latest = shown.latest.max(late);
        shown.lateness[place(late)] += 1;
        edge(LampEdge { from, at, symbol });
        if late > transmission.late_limit {
            // The rest is not sent, but this symbol has its length like every other.
            time.sleep_until(due);
            return SendEnd::Late;
        }
    }
    time.sleep_until(due);
    SendEnd::Complete
}

/// The place in a histogram of lateness: below 2^n µs in place n, 0 to 19; the last for everything later.
fn place(late: Duration) -> usize {
    let micros = late.as_micros();
    usize::try_from(128 - micros.leading_zeros()).map_or(20, |place| place.min(20))
}

#[cfg(test)]
mod tests {
    use core::cell::{Cell, RefCell};
    use std::sync::Mutex;

    use blinkup::packet::Packet;

    use super::*;

    /// A clock that moves only by sleeping, and oversleeps as told.
    struct Fake {
        now: Cell<Tick>,
        oversleeps: RefCell<Vec<(usize, Duration)>>,
        sleeps: Cell<usize>,
    }

    impl Fake {
        fn oversleeping(oversleeps: &[(usize, Duration)]) -> Self {
            Self {
                now: Cell::new(Tick::from_micros(1_000_000)),
                oversleeps: RefCell::new(oversleeps.to_vec()),
                sleeps: Cell::new(0),
            }
        }
    }

    impl Time for Fake {
        fn now(&self) -> Tick {
            self.now.get()
        }

        fn sleep_until(&self, at: Tick) {
            let over = self
                .oversleeps
                .borrow()
                .iter()
                .find(|(sleep, _)| *sleep == self.sleeps.get())
                .map_or(Duration::ZERO, |(_, over)| *over);
            self.sleeps.set(self.sleeps.get() + 1);
            self.now.set(self.now.get().max(at) + over);
        }
    }

    #[derive(Clone, Default)]
    struct Noted(Arc<Mutex<Vec<f32>>>, Option<usize>);

    impl Lamp for Noted {
        fn set(&mut self, level: Level) -> Result<(), JigError> {
            let mut noted = self.0.lock().unwrap();
            if self.1 == Some(noted.len()) {
                return Err(JigError::Failed {
                    lane: LaneId::new(1).unwrap(),
                    part: "lamp",
                    what: "the pin is gone".to_owned(),
                });
            }
            noted.push(level.fraction());
            Ok(())
        }
    }

    fn transmission() -> Transmission {
        Transmission {
            run: RunId(uuid::Uuid::nil()),
            attempt: 1,
            packet: Packet::clear_settings(),
            rate: 50,
            bright: Level::FULL,
            mid: Level::new(0.5),
            preamble: 4,
            late_limit: Duration::from_millis(5),
        }
    }

    /// All symbols of a frame of five packet bytes after four of preamble and the start byte.
    const SYMBOLS: u32 = 16 * 10 + 6;

    fn send(time: &Fake, lamp: &Noted, stop_after: usize) -> (SendReport, Vec<LampEdge>) {
        let edges = RefCell::new(Vec::new());
        let mut lit = Lit {
            lamp: Box::new(lamp.clone()),
            light: 0.5,
        };
        let report = transmit(
            &mut lit,
            time,
            &transmission(),
            || edges.borrow().len() >= stop_after,
            |edge| edges.borrow_mut().push(edge),
        );
        (report, edges.into_inner())
    }

    #[test]
    fn every_symbol_is_shown_on_time_and_the_lamp_ends_dark() {
        let (time, lamp) = (Fake::oversleeping(&[]), Noted::default());
        let (report, edges) = send(&time, &lamp, usize::MAX);
        assert_eq!(report.end, SendEnd::Complete);
        assert_eq!(report.symbols, SYMBOLS);
        assert_eq!(report.lateness[0], SYMBOLS);
        assert_eq!(report.ended.since(report.began), Duration::from_millis(20) * SYMBOLS);
        assert_eq!(edges.len(), 167, "every symbol, and dark at the end");

        let levels = lamp.0.lock().unwrap();
        let packet = Packet::clear_settings();
        let expected: Vec<f32> = packet
            .frame(4)
            .symbols()
            .map(|symbol| match symbol {
                Symbol::Dark => 0.0,
                Symbol::Mid => 0.25,
                Symbol::Bright => 0.5,
            })
            .chain([0.0])
            .collect();
        assert_eq!(*levels.first_chunk::<167>().unwrap().as_slice(), *expected.as_slice());
    }

    #[test]
    fn a_late_symbol_is_measured_and_the_next_one_keeps_its_length() {
        let late = Duration::from_millis(3);
        let (time, lamp) = (Fake::oversleeping(&[(10, late)]), Noted::default());
        let (report, edges) = send(&time, &lamp, usize::MAX);
        assert_eq!(report.end, SendEnd::Complete);
        assert_eq!(report.latest, late);
        assert_eq!(report.lateness[12], 1, "3000 µs is below 2^12 µs and not below 2^11 µs");
        for pair in edges.windows(2) {
            assert!(pair[1].at.since(pair[0].at) >= Duration::from_millis(20), "{pair:?}");
        }
    }

    #[test]
    fn a_symbol_later_than_the_limit_voids_the_attempt_and_darkens_the_lamp() {
        let (time, lamp) = (
            Fake::oversleeping(&[(17, Duration::from_micros(5001))]),
            Noted::default(),
        );
        let (report, edges) = send(&time, &lamp, usize::MAX);
        assert_eq!(report.end, SendEnd::Late);
        assert_eq!(report.symbols, 18);
        assert_eq!(edges.last().unwrap().symbol, Symbol::Dark);
        assert_eq!(edges.last().unwrap().at, report.ended);
        assert!(lamp.0.lock().unwrap().last().unwrap().abs() < f32::EPSILON);
    }

    #[test]
    fn a_symbol_that_voids_the_attempt_is_not_cut_short_either() {
        let (time, lamp) = (
            Fake::oversleeping(&[(17, Duration::from_millis(300))]),
            Noted::default(),
        );
        let (report, edges) = send(&time, &lamp, usize::MAX);
        assert_eq!(report.end, SendEnd::Late);
        for pair in edges.windows(2) {
            assert!(pair[1].at.since(pair[0].at) >= Duration::from_millis(20), "{pair:?}");
        }
    }

    #[test]
    fn a_delay_that_moves_no_edge_voids_nothing() {
        // The first dark symbol of the tail is an edge where the last bit was lit before it; the five after it are none.
        let tail = usize::try_from(SYMBOLS).unwrap() - 6;
        for sleep in tail..=tail + 6 {
            let over = Duration::from_millis(300);
            let (time, lamp) = (Fake::oversleeping(&[(sleep, over)]), Noted::default());
            let (report, _) = send(&time, &lamp, usize::MAX);
            if sleep == tail {
                assert_eq!((report.end, report.latest), (SendEnd::Late, over));
            } else {
                assert_eq!((report.end, report.latest), (SendEnd::Complete, Duration::ZERO));
                assert_eq!(
                    report.ended.since(report.began),
                    Duration::from_millis(20) * SYMBOLS + over
                );
            }
        }
    }

    #[test]
    fn a_stop_acts_at_the_next_symbol() {
        let (time, lamp) = (Fake::oversleeping(&[]), Noted::default());
        let (report, _) = send(&time, &lamp, 30);
        assert_eq!(report.end, SendEnd::Stopped);
        assert_eq!(report.symbols, 30);
        assert!(lamp.0.lock().unwrap().last().unwrap().abs() < f32::EPSILON);
    }

    #[test]
    fn a_lamp_that_fails_ends_the_attempt_with_its_words() {
        let (time, lamp) = (Fake::oversleeping(&[]), Noted(Arc::default(), Some(4)));
        let (report, _) = send(&time, &lamp, usize::MAX);
        assert_eq!(
            report.end,
            SendEnd::LampFailed("lane 1: lamp: the pin is gone".to_owned())
        );
        assert_eq!(report.symbols, 4);
    }

    #[test]
    fn lateness_is_counted_in_powers_of_two() {
        let place = |micros| super::place(Duration::from_micros(micros));
        assert_eq!([place(0), place(1), place(2), place(3), place(4)], [0, 1, 2, 2, 3]);
        assert_eq!([place(524_287), place(524_288), place(u64::MAX)], [19, 20, 20]);
    }

    #[tokio::test]
    async fn a_thread_sends_a_frame_and_ends_dark_with_its_owner() {
        let (tasks, mut ended) = Tasks::new();
        let (inputs, mut heard) = mpsc::channel(1000);
        let (claimed, told) = std::sync::mpsc::channel();
        let lamp = Noted::default();
        let lane = LaneId::new(1).unwrap();
        let boxed = Box::new(lamp.clone());
        let mut sender = Sender::start(
            &tasks,
            Clock::start(),
            lane,
            boxed,
            1.0,
            inputs,
            claimed,
            Beat::default(),
        )
        .unwrap();
        let _either_way = told.recv().unwrap();
        sender.send(transmission()).unwrap();
        let mut lit = 0;
        let report = loop {
            match heard.recv().await.unwrap() {
                Input::Lane(_, LaneInput::Lamp(_)) => lit += 1,
                Input::Lane(_, LaneInput::Sent(report)) => break report,
                other @ (Input::Lane(..)
                | Input::Act { .. }
                | Input::Bless(_)
                | Input::Network(_)
                | Input::Studied(_)
                | Input::CheckDue(_)
                | Input::Recipe(_)
                | Input::Tick) => {
                    panic!("{other:?}")
                }
            }
            if lit == 20 {
                sender.stop();
            }
        };
        assert!(matches!(report.end, SendEnd::Stopped | SendEnd::Late), "{report:?}");
        assert!(report.symbols < SYMBOLS);

        tasks.stop().cancel();
        tasks.finish(Duration::from_secs(10)).await.unwrap();
        assert!(ended.try_recv().is_err());
        assert!(lamp.0.lock().unwrap().last().unwrap().abs() < f32::EPSILON);
    }
}
