//! Tower light, buzzer and PLC lines: lanes go on without them, and a person is told that they fail.

use crate::engine::to_see::ToSee;
use fixture_link::identity::LaneId;

use super::looks::Found;
use crate::engine::effect::Signal;
use crate::jig::Signals;

/// What a notice about them is filed under.
const PART: &str = "signals";

/// What is shown outside, with what is wrong with it.
pub struct Outside {
    signals: Box<dyn Signals>,
    /// What the last signal met.
    failed: Option<String>,
    told: Option<String>,
}

impl Outside {
    /// Signals that nothing is known to be wrong with.
    pub fn new(signals: Box<dyn Signals>) -> Self {
        Self {
            signals,
            failed: None,
            told: None,
        }
    }

    /// Shows a lane's signal.
    pub fn show(&mut self, lane: LaneId, signal: Signal) {
        self.failed = self.signals.show(lane, signal).err().map(|error| error.to_string());
    }

    /// What a person is to be told, where it is not what was told last.
    pub fn news(&mut self) -> Option<Found> {
        // What the driver says now is newer than what the last signal met.
        if let Some(state) = self.signals.state() {
            self.failed = state.err().map(|error| error.to_string());
        }
        if self.failed == self.told {
            return None;
        }
        if let Some(wrong) = &self.failed {
            tracing::error!("{wrong}");
        }
        self.told.clone_from(&self.failed);
        let notice = self.told.clone().map(|what| ToSee {
            part: PART.to_owned(),
            what,
            remedy:
                "look at the lanes on the screen instead; check the wires of tower light and PLC, and what the PLC does"
                    .to_owned(),
        });
        Some(Found::Part(PART, notice))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::jig::JigError;

    /// Lines whose state a test says: what a signal meets, and what they tell by themselves.
    #[derive(Clone, Default)]
    #[expect(clippy::option_option, reason = "told or not; and then well or not")]
    struct Lines(Arc<Mutex<[Option<Option<&'static str>>; 2]>>);

    fn said(what: Option<&str>) -> Result<(), JigError> {
        what.map_or(Ok(()), |what| Err(JigError::Board(what.to_owned())))
    }

    impl Signals for Lines {
        fn show(&mut self, _: LaneId, _: Signal) -> Result<(), JigError> {
            said(self.0.lock().unwrap()[0].flatten())
        }

        fn state(&mut self) -> Option<Result<(), JigError>> {
            self.0.lock().unwrap()[1].map(said)
        }
    }

    #[expect(clippy::option_option, reason = "told or not; and then well or not")]
    fn notice(outside: &mut Outside) -> Option<Option<String>> {
        outside.news().map(|found| {
            let Found::Part(PART, notice) = found else {
                panic!("{found:?}")
            };
            notice.map(|notice| notice.what)
        })
    }

    #[test]
    fn a_line_that_fails_is_told_until_the_next_signal_is_shown() {
        let lines = Lines::default();
        let mut outside = Outside::new(Box::new(lines.clone()));
        let lane = LaneId::new(1).unwrap();
        assert_eq!(notice(&mut outside), None);
        lines.0.lock().unwrap()[0] = Some(Some("no such line"));
        outside.show(lane, Signal::Busy);
        assert_eq!(notice(&mut outside), Some(Some("no such line".to_owned())));
        assert_eq!(notice(&mut outside), None, "told once");
        lines.0.lock().unwrap()[0] = None;
        outside.show(lane, Signal::Pass);
        assert_eq!(notice(&mut outside), Some(None));
    }

    #[test]
    fn a_plc_that_breaks_its_hand_shake_is_told_though_no_signal_changes() {
        let lines = Lines::default();
        let mut outside = Outside::new(Box::new(lines.clone()));
        lines.0.lock().unwrap()[1] = Some(Some("the PLC never takes its start back"));
        assert_eq!(
            notice(&mut outside),
            Some(Some("the PLC never takes its start back".to_owned()))
        );
        lines.0.lock().unwrap()[1] = Some(None);
        assert_eq!(notice(&mut outside), Some(None));
    }
}
