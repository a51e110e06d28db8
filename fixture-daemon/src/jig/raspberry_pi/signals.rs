//! What the lanes together show the world outside: tower light, buzzer, PLC lines. Pure; [`Lines`] are set by [`super::outside`].

use core::time::Duration;

use blinkup::Tick;
use fixture_link::identity::LaneId;

use crate::engine::effect::Signal;

/// Lines that are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "a line is on or off")]
pub struct Lines {
    /// Tower light: all is well, and a unit may come or has passed.
    pub green: bool,
    /// Tower light: runs are in progress.
    pub blue: bool,
    /// Tower light: a person is needed.
    pub amber: bool,
    /// Tower light: a unit failed.
    pub red: bool,
    /// The buzzer sounds.
    pub buzzer: bool,
    /// PLC: a unit may be seated.
    pub ready: bool,
    /// PLC: runs are in progress.
    pub busy: bool,
    /// PLC: every unit has passed.
    pub pass: bool,
    /// PLC: a unit has not passed.
    pub fail: bool,
}

/// What the buzzer says, told apart by rhythm alone: many buzzers have one pitch, and not everybody hears two apart in a loud hall. In order of
/// weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cue {
    /// A unit has passed: one short sound.
    Pass,
    /// A unit has failed: two long ones.
    Fail,
    /// A person is needed: five short ones in a row.
    Attention,
}

/// One short sound; shorter ones are lost in a hall's noise.
const SHORT: Duration = Duration::from_millis(150);
/// One long sound, four short ones: nobody takes it for one.
const LONG: Duration = Duration::from_millis(600);
/// Silence between two sounds of a rhythm.
const PAUSE: Duration = Duration::from_millis(150);

impl Cue {
    /// The cue for a signal that has come; `None` where there is nothing to tell.
    fn of(signal: Signal) -> Option<Self> {
        match signal {
            Signal::Ready | Signal::Busy => None,
            Signal::Pass => Some(Self::Pass),
            Signal::Fail => Some(Self::Fail),
            Signal::Attention => Some(Self::Attention),
        }
    }

    /// Its sounds, in order.
    fn sounds(self) -> &'static [Duration] {
        match self {
            Self::Pass => &[SHORT],
            Self::Fail => &[LONG, LONG],
            Self::Attention => &[SHORT, SHORT, SHORT, SHORT, SHORT],
        }
    }

    /// Whether it sounds so long after it began; `None` once it is over.
    fn sounds_at(self, since: Duration) -> Option<bool> {
        let mut rest = since;
        for sound in self.sounds() {
            match rest.checked_sub(*sound) {
                None => return Some(true),
                Some(after) => rest = after,
            }
            match rest.checked_sub(PAUSE) {
                None => return Some(false),
                Some(after) => rest = after,
            }
        }
        None
    }
}

/// The PLC's part of the hand-shake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long the PLC may take to take its request back after the result.
    pub takes_back: Duration,
    /// How long a run may take to begin after the PLC asked for it.
    pub begins: Duration,
}

/// Where the hand-shake with the PLC is.
///
/// The PLC raises `start` while `ready` is on and a unit is seated; `ready` goes off and `busy` on; the verdict takes `busy` off and
/// puts `pass` or `fail` on; the PLC sees it and takes `start` back; the result goes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shake {
    /// No PLC is listened to: results stand until the unit is lifted.
    None,
    /// `start` is not asked for.
    Free,
    /// `start` is asked for; nothing runs yet.
    Asked { since: Tick },
    /// Runs are in progress.
    Runs,
    /// The result is shown.
    Result { since: Tick },
    /// The PLC did not keep to it: everything is off until it takes `start` back.
    Broken,
}

/// What the PLC did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// It asked for a start, and no unit began.
    NothingBegan,
    /// It did not take its request back after the result.
    NotTakenBack,
}

impl Breach {
    /// What is so.
    pub fn worded(self) -> &'static str {
        match self {
            Self::NothingBegan => "the PLC asked for a start and no unit was seated in time",
            Self::NotTakenBack => "the PLC did not take its start back after the result",
        }
    }
}

/// The signals of all lanes.
#[derive(Debug, Clone)]
pub struct Board {
    lanes: Vec<(LaneId, Signal)>,
    /// What the buzzer says, and since when.
    cue: Option<(Cue, Tick)>,
    sounds: bool,
    patience: Patience,
    shake: Shake,
    breach: Option<Breach>,
}

impl Board {
    /// Nothing is known of the lanes yet. `plc` is whether a PLC's `start` is listened to.
    pub fn new(lanes: &[LaneId], plc: Option<Patience>) -> Self {
        Self {
            // Until the engine says so no lane is ready.
            lanes: lanes.iter().map(|lane| (*lane, Signal::Busy)).collect(),
            cue: None,
            sounds: false,
            patience: plc.unwrap_or(Patience {
                takes_back: Duration::MAX,
                begins: Duration::MAX,
            }),
            shake: if plc.is_some() { Shake::Free } else { Shake::None },
            breach: None,
        }
    }

    /// A lane shows something else.
    pub fn show(&mut self, now: Tick, lane: LaneId, signal: Signal) {
        let mut news = None;
        for (of, shown) in &mut self.lanes {
            if *of == lane {
                if *shown != signal {
                    news = Cue::of(signal);
                }
                *shown = signal;
            }
        }
        if let Some(cue) = news {
            self.say(now, cue);
        }
    }

    /// What weighs less than what is being said is not said: the lights show it.
    fn say(&mut self, now: Tick, cue: Cue) {
        let before = self
            .cue
            .filter(|(said, since)| said.sounds_at(now.since(*since)).is_some());
        if before.is_none_or(|(said, _)| cue >= said) {
            self.cue = Some((cue, now));
        }
        self.sound(now);
    }

    fn sound(&mut self, now: Tick) {
        let sounds = self.cue.and_then(|(cue, since)| cue.sounds_at(now.since(since)));
        if sounds.is_none() {
            self.cue = None;
        }
        self.sounds = sounds.unwrap_or(false);
    }

    fn any(&self, wanted: Signal) -> bool {
        self.lanes.iter().any(|(_, signal)| *signal == wanted)
    }

    /// Moves the hand-shake on; `start` is whether the PLC asks.
    pub fn step(&mut self, now: Tick, start: bool) {
        let runs = self.any(Signal::Busy);
        let result = !runs && (self.any(Signal::Pass) || self.any(Signal::Fail) || self.any(Signal::Attention));
        self.shake = match self.shake {
            Shake::None => Shake::None,
            Shake::Free if start => Shake::Asked { since: now },
            Shake::Free => Shake::Free,
            Shake::Asked { .. } if runs => Shake::Runs,
            Shake::Asked { since } if start && now.since(since) >= self.patience.begins => {
                self.broken(Breach::NothingBegan)
            }
            Shake::Asked { .. } if !start => Shake::Free,
            Shake::Asked { since } => Shake::Asked { since },
            Shake::Runs if result => Shake::Result { since: now },
            // Lifted before a verdict was shown.
            Shake::Runs if !runs && !start => Shake::Free,
            Shake::Runs => Shake::Runs,
            Shake::Result { .. } if !start => Shake::Free,
            Shake::Result { since } if now.since(since) >= self.patience.takes_back => {
                self.broken(Breach::NotTakenBack)
            }
            Shake::Result { since } => Shake::Result { since },
            Shake::Broken if !start => {
                self.breach = None;
                Shake::Free
            }
            Shake::Broken => Shake::Broken,
        };
        self.sound(now);
    }

    fn broken(&mut self, breach: Breach) -> Shake {
        self.breach = Some(breach);
        Shake::Broken
    }

    /// What the PLC did wrong, until it takes its request back.
    pub fn breach(&self) -> Option<Breach> {
        self.breach
    }

    /// Whether the PLC lets seated units start now.
    pub fn starts(&self) -> bool {
        matches!(self.shake, Shake::Asked { .. })
    }

    /// The lines as they have to be now.
    pub fn lines(&self) -> Lines {
        let runs = self.any(Signal::Busy);
        let (pass, bad) = (self.any(Signal::Pass), self.any(Signal::Fail));
        let attention = self.any(Signal::Attention) || self.breach.is_some();
        let result = match self.shake {
            Shake::None | Shake::Result { .. } => !runs,
            Shake::Free | Shake::Asked { .. } | Shake::Runs | Shake::Broken => false,
        };
        let free = matches!(self.shake, Shake::None | Shake::Free);
        Lines {
            green: !attention && !bad && (pass || self.any(Signal::Ready)),
            blue: runs,
            amber: attention,
            red: bad,
            buzzer: self.sounds,
            ready: free && !runs && self.lanes.iter().all(|(_, signal)| *signal == Signal::Ready),
            busy: runs,
            // Whatever is no PASS is none for a machine either.
            pass: result && pass && !bad && !attention,
            fail: result && (bad || attention),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lane(number: u8) -> LaneId {
        LaneId::new(number).unwrap()
    }

    fn at(millis: u64) -> Tick {
        Tick::ZERO + Duration::from_millis(millis)
    }

    const PATIENCE: Patience = Patience {
        takes_back: Duration::from_secs(5),
        begins: Duration::from_secs(10),
    };

    fn board(lanes: u8, plc: Option<Patience>) -> Board {
        let lanes: Vec<LaneId> = LaneId::first(lanes).collect();
        let mut board = Board::new(&lanes, plc);
        for lane in lanes {
            board.show(at(0), lane, Signal::Ready);
        }
        board
    }

    /// The lines that are on, by letter: tower `g b a r`, buzzer `z`, PLC `R B P F`.
    fn on(board: &Board) -> String {
        let lines = board.lines();
        [
            (lines.green, 'g'),
            (lines.blue, 'b'),
            (lines.amber, 'a'),
            (lines.red, 'r'),
            (lines.buzzer, 'z'),
            (lines.ready, 'R'),
            (lines.busy, 'B'),
            (lines.pass, 'P'),
            (lines.fail, 'F'),
        ]
        .iter()
        .filter_map(|(on, letter)| on.then_some(*letter))
        .collect()
    }

    #[test]
    fn nothing_is_ready_before_the_engine_says_so() {
        assert_eq!(on(&Board::new(&[lane(1)], None)), "bB");
    }

    #[test]
    fn each_signal_of_a_lane_has_its_lights() {
        for (signal, lights) in [
            (Signal::Ready, "gR"),
            (Signal::Busy, "bB"),
            (Signal::Pass, "gzP"),
            (Signal::Fail, "rzF"),
            (Signal::Attention, "azF"),
        ] {
            let mut board = board(1, None);
            board.show(at(0), lane(1), signal);
            assert_eq!(on(&board), lights, "{signal:?}");
        }
    }

    #[test]
    fn the_buzzer_sounds_once_for_each_reason_and_not_for_ever() {
        let mut board = board(2, None);
        board.show(at(0), lane(1), Signal::Attention);
        board.step(at(1400), false);
        assert!(!board.lines().buzzer, "the last pause");
        board.step(at(1500), false);
        board.show(at(1600), lane(1), Signal::Attention);
        assert!(!board.lines().buzzer, "the same again is no news");
        board.show(at(1700), lane(2), Signal::Fail);
        assert!(board.lines().buzzer);
    }

    /// What the buzzer says in three seconds after `signals`, each at its time in ms: a letter for every 50 ms.
    fn heard(signals: &[(u64, u8, Signal)]) -> String {
        let mut board = board(4, None);
        let mut said = String::new();
        for now in (0..3000_u64).step_by(10) {
            for (_, number, signal) in signals.iter().filter(|(when, ..)| *when == now) {
                board.show(at(now), lane(*number), *signal);
            }
            board.step(at(now), false);
            if now % 50 == 0 {
                said.push(if board.lines().buzzer { '#' } else { '.' });
            }
        }
        said.trim_end_matches('.').to_owned()
    }

    #[test]
    fn pass_fail_and_attention_differ_in_rhythm() {
        let said = |signal| heard(&[(0, 1, signal)]);
        assert_eq!(said(Signal::Pass), "###");
        assert_eq!(said(Signal::Fail), "############...############");
        assert_eq!(said(Signal::Attention), "###...###...###...###...###");
        assert_eq!(said(Signal::Busy), "");
        assert_eq!(said(Signal::Ready), "");
    }

    #[test]
    fn what_weighs_more_is_said_over_what_weighs_less_and_not_the_other_way() {
        let fail = heard(&[(0, 1, Signal::Fail)]);
        assert_eq!(heard(&[(0, 1, Signal::Fail), (100, 2, Signal::Pass)]), fail);
        let attention = heard(&[(0, 1, Signal::Attention)]);
        assert_eq!(
            heard(&[(0, 1, Signal::Pass), (100, 2, Signal::Attention)]),
            format!("##{attention}")
        );
        assert_eq!(
            heard(&[(0, 1, Signal::Pass), (1000, 2, Signal::Pass)]),
            format!("###{}###", ".".repeat(17)),
            "each unit that passes is told"
        );
    }

    #[test]
    fn one_unit_that_failed_among_others_is_no_pass() {
        let mut board = board(2, None);
        board.show(at(0), lane(1), Signal::Pass);
        board.show(at(0), lane(2), Signal::Busy);
        assert_eq!(on(&board), "gbzB");
        board.show(at(0), lane(2), Signal::Fail);
        assert_eq!(on(&board), "rzF");
    }

    #[test]
    fn a_plc_that_keeps_to_the_hand_shake_gets_its_result() {
        let mut board = board(1, Some(PATIENCE));
        assert_eq!(on(&board), "gR");
        board.step(at(100), true);
        assert!(board.starts());
        assert_eq!(on(&board), "g");
        board.show(at(200), lane(1), Signal::Busy);
        board.step(at(200), true);
        assert!(!board.starts());
        assert_eq!(on(&board), "bB");
        board.show(at(60_000), lane(1), Signal::Pass);
        board.step(at(60_000), true);
        assert_eq!(on(&board), "gzP");
        board.step(at(61_000), false);
        assert_eq!(on(&board), "g");
        board.show(at(62_000), lane(1), Signal::Ready);
        board.step(at(62_000), false);
        assert_eq!(on(&board), "gR");
    }

    #[test]
    fn a_plc_that_does_not_take_its_start_back_gets_nothing_more_until_it_does() {
        let mut board = board(1, Some(PATIENCE));
        board.step(at(0), true);
        board.show(at(100), lane(1), Signal::Busy);
        board.step(at(100), true);
        board.show(at(200), lane(1), Signal::Pass);
        board.step(at(200), true);
        board.step(at(5199), true);
        assert!(board.lines().pass);
        board.step(at(5200), true);
        assert_eq!((on(&board).as_str(), board.breach()), ("a", Some(Breach::NotTakenBack)));
        board.show(at(6000), lane(1), Signal::Ready);
        board.step(at(6000), true);
        assert!(!board.starts() && !board.lines().ready);
        board.step(at(7000), false);
        assert_eq!((on(&board).as_str(), board.breach()), ("gR", None));
    }

    #[test]
    fn a_start_without_a_unit_is_told_in_time() {
        let mut board = board(1, Some(PATIENCE));
        board.step(at(0), true);
        board.step(at(9_999), true);
        assert_eq!(board.breach(), None);
        board.step(at(10_000), true);
        assert_eq!(board.breach(), Some(Breach::NothingBegan));
        // Taken back, and asked again.
        board.step(at(11_000), false);
        board.step(at(12_000), true);
        assert!(board.starts());
    }

    fn signal() -> impl Strategy<Value = Signal> {
        prop_oneof![
            Just(Signal::Ready),
            Just(Signal::Busy),
            Just(Signal::Pass),
            Just(Signal::Fail),
            Just(Signal::Attention),
        ]
    }

    proptest! {
        #[test]
        fn no_lines_ever_contradict_each_other(
            plc in any::<bool>(),
            events in proptest::collection::vec((0_u64..4000, 1_u8..4, signal(), any::<bool>()), 0..80),
        ) {
            let mut board = board(3, plc.then_some(PATIENCE));
            let mut now = 0;
            for (later, number, signal, start) in events {
                now += later;
                board.show(at(now), lane(number), signal);
                board.step(at(now), start);
                let lines = board.lines();
                prop_assert!(!(lines.pass && lines.fail));
                prop_assert!(!(lines.busy && (lines.ready || lines.pass || lines.fail)));
                prop_assert!(!(lines.ready && (lines.pass || lines.fail)));
                prop_assert!(!(lines.green && (lines.red || lines.amber)));
                prop_assert!(!lines.pass || board.lanes.iter().all(|(_, signal)| matches!(signal, Signal::Pass | Signal::Ready)));
            }
        }
    }
}
