//! Tower light, buzzer and PLC lines on GPIO: what [`super::signals`] says, put onto the pins by a thread of their own.

use core::time::Duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use blinkup::Tick;
use embedded_hal::digital::{InputPin, OutputPin};
use fixture_link::identity::LaneId;

use super::contact::{self, AnyContact};
use super::gpio::Gpio;
use super::signals::{Board, Lines, Patience};
use crate::clock::Clock;
use crate::config::{Active, SignalParts, StartParts};
use crate::engine::effect::Signal;
use crate::jig::{Edge, JigError, Press, Signals, StartButton};

/// How often the PLC's request is looked at; PLCs have cycles of 10 to 100 ms.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Which line is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Tower light, green.
    Green,
    /// Tower light, blue.
    Blue,
    /// Tower light, amber.
    Amber,
    /// Tower light, red.
    Red,
    /// Buzzer.
    Buzzer,
    /// PLC: ready.
    Ready,
    /// PLC: busy.
    Busy,
    /// PLC: pass.
    Pass,
    /// PLC: fail.
    Fail,
}

impl Wire {
    fn of(self, lines: &Lines) -> bool {
        match self {
            Self::Green => lines.green,
            Self::Blue => lines.blue,
            Self::Amber => lines.amber,
            Self::Red => lines.red,
            Self::Buzzer => lines.buzzer,
            Self::Ready => lines.ready,
            Self::Busy => lines.busy,
            Self::Pass => lines.pass,
            Self::Fail => lines.fail,
        }
    }
}

/// The output lines.
struct Outputs<P> {
    wired: Vec<(Wire, P)>,
    on: Active,
    shown: Option<Lines>,
}

impl<P: OutputPin> Outputs<P> {
    /// Sets what differs from what is shown. Results go off before `ready` or `busy` come on, so that a PLC never sees both.
    fn set(&mut self, lines: Lines) -> Result<(), String> {
        let shown = self.shown.replace(lines);
        for first_off in [false, true] {
            for (wire, pin) in &mut self.wired {
                let on = wire.of(&lines);
                if on == first_off && shown.is_none_or(|shown| wire.of(&shown) != on) {
                    pin.set_state(self.on.state(on)).map_err(|error| {
                        self.shown = None;
                        format!("{wire:?}: {error:?}")
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// What the thread and the traits share.
#[derive(Default)]
struct Shared {
    /// The PLC lets seated units start.
    starts: AtomicBool,
    /// What is wrong, in words.
    trouble: Mutex<Option<String>>,
}

impl Shared {
    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the thread is told.
enum Order {
    /// A lane shows something else.
    Show(LaneId, Signal),
    /// Who waits is to be told when everything before is on the pins.
    Settle(Sender<()>),
}

/// How long that may take.
const SETTLES: Duration = Duration::from_secs(1);

/// Tower light, buzzer and PLC lines.
pub struct Outside {
    shows: Option<Sender<Order>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The lines of the configuration.
///
/// # Errors
/// A line is not to be had, or the system gives no thread.
pub fn open(gpio: &Gpio, parts: &SignalParts, lanes: &[LaneId]) -> Result<Outside, JigError> {
    let board = |error: &dyn core::fmt::Display| JigError::Board(format!("signals: {error}"));
    let wired = parts
        .wires
        .iter()
        .map(|(wire, pin)| {
            let output = gpio
                .output(*pin, parts.on.state(false))
                .map_err(|error| board(&error))?;
            Ok((*wire, output))
        })
        .collect::<Result<_, JigError>>()?;
    let outputs = Outputs {
        wired,
        on: parts.on,
        shown: None,
    };
    let start = parts
        .plc
        .as_ref()
        .map(|plc| {
            let input = gpio.input(plc.start, parts.on.pull()).map_err(|error| board(&error))?;
            Ok::<_, JigError>((input, plc.patience))
        })
        .transpose()?;
    Outside::start(outputs, start, parts.on, lanes).map_err(|error| board(&error))
}

impl Outside {
    fn start<P, I>(
        outputs: Outputs<P>,
        start: Option<(I, Patience)>,
        on: Active,
        lanes: &[LaneId],
    ) -> std::io::Result<Self>
    where
        P: OutputPin + Send + 'static,
        I: InputPin + Send + 'static,
    {
        let (shows, wanted) = channel();
        let shared = Arc::new(Shared::default());
        let board = Board::new(lanes, start.as_ref().map(|(_, patience)| *patience));
        let asks = start.map(|(input, _)| input);
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || work(board, outputs, asks, on, &wanted, &shared))?
        };
        Ok(Self {
            shows: Some(shows),
            shared,
            thread: Some(thread),
        })
    }

    /// Lines that are wired so, on at 3.3 V, without a PLC that asks.
    #[cfg(test)]
    pub fn wired<P: OutputPin + Send + 'static>(wired: Vec<(Wire, P)>, lanes: &[LaneId]) -> std::io::Result<Self> {
        let outputs = Outputs {
            wired,
            on: Active::High,
            shown: None,
        };
        Self::start(outputs, None::<(super::gpio::Input, Patience)>, Active::High, lanes)
    }

    /// The PLC's request, to be asked beside a start button.
    pub fn plc(&self) -> PlcStart {
        PlcStart(Arc::clone(&self.shared))
    }
}

impl Signals for Outside {
    fn show(&mut self, lane: LaneId, signal: Signal) -> Result<(), JigError> {
        let sent = self
            .shows
            .as_ref()
            .is_some_and(|shows| shows.send(Order::Show(lane, signal)).is_ok());
        match self.shared.trouble() {
            _ if !sent => Err(JigError::Board("signals: their thread has ended".to_owned())),
            Some(why) => Err(JigError::Board(format!("signals: {why}"))),
            None => Ok(()),
        }
    }

    fn settled(&mut self) -> Result<(), JigError> {
        let (settled, wait) = channel();
        let sent = self
            .shows
            .as_ref()
            .is_some_and(|shows| shows.send(Order::Settle(settled)).is_ok());
        if !sent || wait.recv_timeout(SETTLES).is_err() {
            return Err(JigError::Board(
                "signals: their thread does not set the lines".to_owned(),
            ));
        }
        match self.shared.trouble() {
            Some(why) => Err(JigError::Board(format!("signals: {why}"))),
            None => Ok(()),
        }
    }

    fn state(&mut self) -> Option<Result<(), JigError>> {
        let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        Some(match self.shared.trouble() {
            _ if ended => Err(JigError::Board("signals: their thread has ended".to_owned())),
            Some(why) => Err(JigError::Board(format!("signals: {why}"))),
            None => Ok(()),
        })
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.shows = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work<P: OutputPin, I: InputPin>(
    mut board: Board,
    mut outputs: Outputs<P>,
    mut asks: Option<I>,
    on: Active,
    wanted: &Receiver<Order>,
    shared: &Shared,
) {
    let clock = Clock::start();
    loop {
        let mut waits = None;
        match wanted.recv_timeout(LOOK_EVERY) {
            Ok(Order::Show(lane, signal)) => board.show(clock.now(), lane, signal),
            Ok(Order::Settle(settled)) => waits = Some(settled),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                // Nobody must take what was shown last for what is.
                if let Err(why) = outputs.set(Lines::default()) {
                    tracing::error!("signals: {why}");
                }
                return;
            }
        }
        let mut trouble = None;
        let start = match asks.as_mut().map(InputPin::is_high) {
            None => false,
            Some(Ok(high)) => high == (on == Active::High),
            Some(Err(error)) => {
                trouble = Some(format!("the PLC's start: {error:?}"));
                false
            }
        };
        board.step(clock.now(), start);
        shared.starts.store(board.starts(), Ordering::Relaxed);
        if let Err(why) = outputs.set(board.lines()) {
            trouble = Some(why);
        }
        let trouble = trouble.or_else(|| board.breach().map(|breach| breach.worded().to_owned()));
        *shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        if let Some(settled) = waits {
            // Who has given up waiting needs no answer.
            let _ = settled.send(());
        }
    }
}

/// The PLC's request for a start.
pub struct PlcStart(Arc<Shared>);

impl StartButton for PlcStart {
    fn pressed(&mut self) -> Result<Press, JigError> {
        match self.0.trouble() {
            Some(why) => Err(JigError::Board(format!("signals: {why}"))),
            None if self.0.starts.load(Ordering::Relaxed) => Ok(Press::Granted),
            None => Ok(Press::No),
        }
    }
}

/// A start button or footswitch on a line.
pub struct Button<C> {
    contact: AnyContact,
    clock: C,
}

/// The button of the configuration.
///
/// # Errors
/// The line is not to be had.
pub fn button<C: Fn() -> Tick>(gpio: &Gpio, parts: &StartParts, clock: C) -> Result<Button<C>, JigError> {
    let contact = contact::open(gpio, parts.pin, parts.closed, "start button")
        .map_err(|error| JigError::Board(format!("start button: {error}")))?;
    Ok(Button { contact, clock })
}

impl<C> Button<C> {
    /// A button on any contact.
    #[cfg(test)]
    pub fn on(contact: AnyContact, clock: C) -> Self {
        Self { contact, clock }
    }
}

impl<C: Fn() -> Tick + Clone + Send> StartButton for Button<C> {
    fn pressed(&mut self) -> Result<Press, JigError> {
        match self.contact.is_closed() {
            Ok(true) => Ok(Press::Yes),
            Ok(false) => Ok(Press::No),
            Err(error) => Err(JigError::Board(format!("start button: {error}"))),
        }
    }

    fn edges(&mut self) -> Result<Vec<Edge>, JigError> {
        self.contact
            .edges(self.clock.clone())
            .map_err(|error| JigError::Board(format!("start button: {error}")))
    }
}

/// Several that may ask for a start.
pub struct AnyOf(pub Vec<Box<dyn StartButton>>);

impl StartButton for AnyOf {
    fn pressed(&mut self) -> Result<Press, JigError> {
        let mut most = Press::No;
        let mut trouble = None;
        for one in &mut self.0 {
            match one.pressed() {
                Ok(press) => most = most.max(press),
                Err(error) => trouble = Some(error),
            }
        }
        match (most, trouble) {
            (Press::No, Some(error)) => Err(error),
            (press, _) => Ok(press),
        }
    }

    fn edges(&mut self) -> Result<Vec<Edge>, JigError> {
        let mut all = Vec::new();
        for one in &mut self.0 {
            all.extend(one.edges()?);
        }
        all.sort_by_key(|edge| edge.at);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    fn lane(number: u8) -> LaneId {
        LaneId::new(number).unwrap()
    }

    #[test]
    fn only_what_changes_is_set_and_what_goes_off_goes_first() {
        let set =
            |states: &[State]| Mock::new(&states.iter().map(|state| Transaction::set(*state)).collect::<Vec<_>>());
        let mut busy = set(&[State::Low, State::High, State::Low]);
        let mut pass = set(&[State::Low, State::High]);
        let mut outputs = Outputs {
            wired: vec![(Wire::Pass, pass.clone()), (Wire::Busy, busy.clone())],
            on: Active::High,
            shown: None,
        };
        let lines = |busy, pass| Lines {
            busy,
            pass,
            ..Lines::default()
        };
        for (busy, pass) in [(false, false), (true, false), (true, false), (false, true)] {
            outputs.set(lines(busy, pass)).unwrap();
        }
        busy.done();
        pass.done();
    }

    /// A pin whose level a test sees or sets.
    #[derive(Clone, Default)]
    struct Level(Arc<AtomicBool>);

    impl embedded_hal::digital::ErrorType for Level {
        type Error = core::convert::Infallible;
    }

    impl OutputPin for Level {
        fn set_low(&mut self) -> Result<(), Self::Error> {
            self.0.store(false, Ordering::SeqCst);
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), Self::Error> {
            self.0.store(true, Ordering::SeqCst);
            Ok(())
        }
    }

    impl InputPin for Level {
        fn is_high(&mut self) -> Result<bool, Self::Error> {
            Ok(self.0.load(Ordering::SeqCst))
        }

        fn is_low(&mut self) -> Result<bool, Self::Error> {
            self.is_high().map(|high| !high)
        }
    }

    fn until(what: &str, seen: impl Fn() -> bool) {
        let clock = Clock::start();
        let end = clock.now() + Duration::from_secs(10);
        while !seen() {
            assert!(clock.now() < end, "{what}: not within ten seconds");
            clock.sleep_until(clock.now() + Duration::from_millis(2));
        }
    }

    #[test]
    fn a_plc_sees_its_hand_shake_on_the_pins_and_everything_is_off_in_the_end() {
        let [ready, busy, pass, start] = core::array::from_fn(|_| Level::default());
        let outputs = Outputs {
            wired: vec![
                (Wire::Ready, ready.clone()),
                (Wire::Busy, busy.clone()),
                (Wire::Pass, pass.clone()),
            ],
            on: Active::High,
            shown: None,
        };
        let patience = Patience {
            takes_back: Duration::from_mins(1),
            begins: Duration::from_mins(1),
        };
        let mut outside = Outside::start(outputs, Some((start.clone(), patience)), Active::High, &[lane(1)]).unwrap();
        let mut plc = outside.plc();
        let is = |pin: &Level| pin.0.load(Ordering::SeqCst);
        outside.show(lane(1), Signal::Ready).unwrap();
        until("ready", || is(&ready));
        start.0.store(true, Ordering::SeqCst);
        until("the request", || !is(&ready));
        until("the start", || outside.shared.starts.load(Ordering::Relaxed));
        assert_eq!(plc.pressed(), Ok(Press::Granted));
        outside.show(lane(1), Signal::Busy).unwrap();
        until("busy", || is(&busy));
        outside.show(lane(1), Signal::Pass).unwrap();
        until("pass", || is(&pass) && !is(&busy));
        drop(outside);
        assert!(!is(&ready) && !is(&busy) && !is(&pass));
    }

    #[test]
    fn what_has_settled_is_on_the_pins() {
        let busy = Level::default();
        let outputs = Outputs {
            wired: vec![(Wire::Busy, busy.clone())],
            on: Active::High,
            shown: None,
        };
        let mut outside = Outside::start(outputs, None::<(Level, Patience)>, Active::High, &[lane(1)]).unwrap();
        for (signal, is) in [(Signal::Busy, true), (Signal::Ready, false), (Signal::Busy, true)] {
            outside.show(lane(1), signal).unwrap();
            outside.settled().unwrap();
            assert_eq!(busy.0.load(Ordering::SeqCst), is);
        }
    }

    /// A pin that nothing can be put onto.
    struct Broken;

    impl embedded_hal::digital::ErrorType for Broken {
        type Error = embedded_hal::digital::ErrorKind;
    }

    impl OutputPin for Broken {
        fn set_low(&mut self) -> Result<(), Self::Error> {
            Err(embedded_hal::digital::ErrorKind::Other)
        }

        fn set_high(&mut self) -> Result<(), Self::Error> {
            Err(embedded_hal::digital::ErrorKind::Other)
        }
    }

    #[test]
    fn a_line_that_cannot_be_set_is_told_when_it_should_have_settled() {
        let outputs = Outputs {
            wired: vec![(Wire::Busy, Broken)],
            on: Active::High,
            shown: None,
        };
        let mut outside = Outside::start(outputs, None::<(Level, Patience)>, Active::High, &[lane(1)]).unwrap();
        let _ = outside.show(lane(1), Signal::Busy);
        let said = outside.settled().unwrap_err().to_string();
        assert!(said.contains("Busy"), "{said}");
    }
}
