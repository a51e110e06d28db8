//! A bench for one station and one for a line: they play ledger, lamp, cloud and unit by hand, and keep the clock.

use std::time::Duration;

use blinkup::codes::{CodeTable, Colour};
use blinkup::packet::{Password, PlanId, Ssid, Token, Wifi};
use blinkup::reader::{Observed, Reading, Shade, Transient};
use blinkup::{Level, Tick};
use fixture_daemon::engine::effect::{Batch, LaneEffect, Signal, Transmission};
use fixture_daemon::engine::input::{ClaimAnswer, Seating, SendEnd, SendReport, TokenGrant};
use fixture_daemon::engine::meaning::Meanings;
use fixture_daemon::engine::nest::{Flash, NestReport};
use fixture_daemon::engine::recipe::{Link, PassRule, Recipe, Rung};
use fixture_daemon::engine::station::{
    Equipment, LampSeen, RecordedLight, Rules, Seen, Station, StationInput, Transmitter, UnitPower,
};
use fixture_ledger::record::{Attempt, Purpose, RunEnd, UnitHistory};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::VerdictCode;

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn table() -> CodeTable {
    CodeTable::vendor()
}

pub const BLESSED: PassRule = PassRule::Blessed {
    hold: Duration::from_secs(5),
    event_within: Duration::from_secs(30),
};
pub const CLAIMED: PassRule = PassRule::Claimed {
    within: Duration::from_secs(20),
};
pub const LED_ONLY: PassRule = PassRule::LedOnly {
    hold: Duration::from_secs(10),
};

pub fn recipe(pass: PassRule) -> Recipe {
    let rung = |rate| Rung {
        rate,
        bright: Level::FULL,
        mid_share: 0.5,
    };
    Recipe {
        name: "bench".to_owned(),
        version: "0".repeat(16),
        wifi: Some(Wifi {
            ssid: Ssid::new("line").unwrap(),
            password: Password::new("a password").unwrap(),
        }),
        address: None,
        proxy: None,
        link: Link::Wifi,
        enrols: true,
        pass,
        ready_codes: vec!["no-network-settings".to_owned()],
        ready_within: Duration::from_secs(15),
        listens_for: Duration::from_mins(1),
        confidence: 0.99,
        ladder: vec![rung(60), rung(30), rung(20)],
        attempts: 3,
        mid_within: 0.15,
        late_limit: 0.25,
        token_within: Duration::from_secs(10),
        stage_within: Duration::from_secs(20),
        connect_within: Duration::from_mins(1),
        update_within: Duration::from_mins(2),
        led: None,
        wants_serial: true,
        runs_at_most: 3,
        quarantine_after: 2,
    }
}

pub fn good_nest() -> NestReport {
    NestReport {
        fault: None,
        flash: Flash::Seen,
        words: "bench".to_owned(),
        light: Vec::new(),
    }
}

pub fn run_id(number: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(number))
}

pub fn serial(text: &str) -> Serial {
    Serial::new(text).unwrap()
}

/// One station with everything around it.
pub struct StationBench {
    pub station: Station,
    pub rules: Rules,
    pub table: CodeTable,
    pub now: Tick,
    pub run: RunId,
    /// Everything that the station wanted, with when.
    pub log: Vec<(Tick, LaneEffect)>,
    /// What was committed.
    pub ends: Vec<RunEnd>,
    pub sent: Vec<Transmission>,
    pub attempts: Vec<Attempt>,
    /// The answer to the next tokens.
    pub tokens: Result<(), String>,
    pub claim: ClaimAnswer,
    pub store: Result<(), String>,
}

impl StationBench {
    pub fn new(pass: PassRule) -> Self {
        Self::with(recipe(pass), UnitPower::Nest)
    }

    pub fn with(recipe: Recipe, power: UnitPower) -> Self {
        let table = table();
        let rules = Rules {
            meanings: Meanings::new(&table, &recipe),
            recipe,
        };
        Self {
            station: Station::new(
                LaneId::new(1).unwrap(),
                Equipment {
                    unit_power: power,
                    transmitter: Transmitter::Lamp,
                    light: 1.0,
                },
            ),
            rules,
            table,
            now: Tick::from_micros(1_000_000),
            run: run_id(1),
            log: Vec::new(),
            ends: Vec::new(),
            sent: Vec::new(),
            attempts: Vec::new(),
            tokens: Ok(()),
            claim: ClaimAnswer::NotYet,
            store: Ok(()),
        }
    }

    pub fn seated(pass: PassRule) -> Self {
        let mut bench = Self::new(pass);
        bench.seat(good_nest());
        bench
    }

    pub fn seat(&mut self, nest: NestReport) {
        let seating = Seating {
            run: self.run,
            serial: Some(serial("U1")),
            history: UnitHistory::default(),
        };
        let powered = self.now;
        self.step(StationInput::Begin {
            seating,
            powered,
            nest,
            batch: Batch::default(),
            purpose: Purpose::Production,
        });
    }

    /// A step, with every answer that the bench gives at once: ledger, tokens, claims, the relay; and the line's part.
    pub fn step(&mut self, input: StationInput) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let mut out = Vec::new();
            self.station.step(&self.rules, self.now, inputs.remove(0), &mut out);
            if let Some((_, conclusion)) = self.station.conclusion() {
                let judged = conclusion.clone();
                self.station
                    .commit(self.now, judged, None, RecordedLight::default(), &mut out);
            }
            for effect in out {
                self.log.push((self.now, effect.clone()));
                match effect {
                    LaneEffect::BeginRun { run, .. } => inputs.push(StationInput::Stored { run, result: Ok(()) }),
                    LaneEffect::RequestToken { run, attempt } => {
                        let answer = self.tokens.clone().map(|()| TokenGrant {
                            id: format!("token-{attempt}"),
                            token: Token::from_bytes([attempt as u8; 8]),
                            plan: PlanId::from_bytes([1; 8]),
                        });
                        inputs.push(StationInput::Token { run, answer });
                    }
                    LaneEffect::PollClaim { run, .. } => inputs.push(StationInput::Claim {
                        run,
                        answer: self.claim.clone(),
                    }),
                    LaneEffect::Send(transmission) => self.sent.push(transmission),
                    LaneEffect::PowerCycle { .. } => inputs.push(StationInput::PowerCycled),
                    LaneEffect::RecordAttempt { attempt, .. } => self.attempts.push(attempt),
                    LaneEffect::Commit(end) => {
                        self.ends.push(*end);
                        inputs.push(StationInput::Stored {
                            run: self.run,
                            result: self.store.clone(),
                        });
                    }
                    LaneEffect::SendByImp { .. }
                    | LaneEffect::StopSending
                    | LaneEffect::Refuse(..)
                    | LaneEffect::TestFlash { .. }
                    | LaneEffect::RecordLifted(_)
                    | LaneEffect::Signal(_) => {}
                }
            }
            let deadline = self.station.deadline(&self.rules, self.now);
            assert!(
                deadline.is_none_or(|(at, _)| at > self.now),
                "deadline {deadline:?} is not after {}",
                self.now
            );
        }
    }

    /// Lets time pass, with every deadline on the way.
    pub fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.station.deadline(&self.rules, self.now)
            && at <= until
        {
            self.now = at;
            self.step(StationInput::Tick);
        }
        self.now = until;
    }

    /// The reader names a code's pattern.
    pub fn reads(&mut self, code: &str) {
        let pattern = self
            .table
            .pattern_of(code)
            .unwrap_or_else(|| panic!("no code {code}"))
            .id();
        self.step(StationInput::Observed(Observed {
            shade: None,
            transient: None,
            reading: Some(Reading {
                at: self.now,
                pattern: Some(pattern),
                confidence: 0.999,
            }),
        }));
    }

    /// The light can no longer be named.
    pub fn reads_nothing(&mut self) {
        self.step(StationInput::Observed(Observed {
            shade: None,
            transient: None,
            reading: Some(Reading {
                at: self.now,
                pattern: None,
                confidence: 0.2,
            }),
        }));
    }

    /// The LED has another colour from now on.
    pub fn turns(&mut self, colour: Colour) {
        self.step(StationInput::Observed(Observed {
            shade: Some(Shade {
                at: self.now,
                from: self.now,
                colour,
            }),
            transient: None,
            reading: None,
        }));
    }

    /// The reader says that there was a single red flash, which began so long ago.
    pub fn flashed(&mut self, ago: Duration) {
        self.step(StationInput::Observed(Observed {
            transient: Some(Transient {
                at: self.now,
                from: self.now - ago,
                confidence: 0.99,
            }),
            ..Observed::default()
        }));
    }

    /// The LED has a colour for a time.
    pub fn shines(&mut self, colour: Colour, time: Duration) {
        self.turns(colour);
        self.wait(time);
    }

    /// Rapid red: so many flashes of a tenth of a second, named once they are plain.
    pub fn flickers(&mut self, flashes: u32) {
        for flash in 0..flashes {
            self.shines(Colour::Red, ms(100));
            self.turns(Colour::Off);
            if flash == 2 {
                self.reads("power-supply-rapid-red");
            }
            self.wait(ms(100));
        }
    }

    /// The unit shows the ready pattern and the station sends.
    pub fn ready(&mut self) {
        self.shines(Colour::Amber, ms(500));
        self.shines(Colour::Off, ms(500));
        self.turns(Colour::Amber);
        self.reads("no-network-settings");
    }

    /// The lamp begins; loop-back sees it.
    pub fn lamp_begins(&mut self) {
        self.step(StationInput::Symbol(self.now));
        self.wait(ms(300));
        self.turns(Colour::Off);
        self.wait(ms(1300));
        self.step(StationInput::Lamp(LampSeen::Well));
    }

    pub fn report(&self, end: SendEnd) -> SendReport {
        let transmission = self.sent.last().expect("something is being sent");
        SendReport {
            run: self.run,
            attempt: transmission.attempt,
            began: self.now,
            ended: self.now,
            symbols: 100,
            end,
            latest: ms(1),
            lateness: [0; 21],
        }
    }

    /// The lamp has sent; so it ended.
    pub fn lamp_ends(&mut self, end: SendEnd) {
        let report = self.report(end);
        self.step(StationInput::Sent(report, Seen::default()));
    }

    /// The whole transmission, with a unit that went dark.
    pub fn sends(&mut self) {
        self.lamp_begins();
        self.wait(ms(8000));
        self.lamp_ends(SendEnd::Complete);
    }

    /// Green for three seconds, then dark.
    pub fn receives(&mut self) {
        self.wait(ms(100));
        self.turns(Colour::Green);
        self.wait(ms(600));
        self.reads("blinkup-successful");
        self.wait(ms(2400));
        self.turns(Colour::Off);
        self.wait(ms(400));
    }

    /// Everything up to a packet that arrived.
    pub fn received(pass: PassRule) -> Self {
        let mut bench = Self::seated(pass);
        bench.wait(ms(500));
        bench.ready();
        bench.sends();
        bench.receives();
        bench
    }

    /// Somebody stops the run.
    pub fn stops(&mut self) {
        self.step(StationInput::Stop {
            by: "console".to_owned(),
            reason: "smoke".to_owned(),
        });
    }

    pub fn bless(&mut self, blessed: bool) {
        let token_id = self.sent.last().map(|sent| format!("token-{}", sent.attempt));
        self.step(StationInput::Bless(BlessEvent {
            event: "e1".to_owned(),
            device_id: Some("0123456789abcdef".to_owned()),
            token_id,
            blessed,
        }));
    }

    /// Solid green that the reader names.
    pub fn green(&mut self) {
        self.turns(Colour::Green);
        self.wait(ms(700));
        self.reads("factory-bless-pass");
    }

    pub fn state(&self) -> LaneState {
        self.station.state(&self.rules)
    }

    /// The code of the verdict that is shown; `None` while none is.
    pub fn code(&self) -> Option<VerdictCode> {
        match self.state() {
            LaneState::Verdict { code, .. } => Some(code),
            _ => None,
        }
    }

    pub fn signals(&self) -> Vec<Signal> {
        self.log
            .iter()
            .filter_map(|(_, effect)| match effect {
                LaneEffect::Signal(signal) => Some(*signal),
                _ => None,
            })
            .collect()
    }
}
