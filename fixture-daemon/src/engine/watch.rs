//! A unit that has received its packet, on its way into the cloud.

use core::time::Duration;

use blinkup::Tick;
use blinkup::codes::Colour;
use blinkup::reader::Shade;
use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Outcome, VerdictCode};

use super::meaning::Meaning;
use super::recipe::{PassRule, Recipe};
use super::run::{Claimed, Flicker, Run};
use super::station::Reason;

/// How long "received" is green, 3 s by the vendor's guide, with a device's clock that is off by 2 % and an edge that wanders.
const RECEIVED_GREEN: Duration = Duration::from_millis(3200);
/// How long a pattern of a fault must stand before it condemns a unit: a restart shows red for a moment as well.
pub const FAULT_STANDS: Duration = Duration::from_secs(2);
/// How long a pattern that the stage does not allow must stand.
pub const PATTERN_STANDS: Duration = Duration::from_secs(5);
/// Flashes that make a burst; fewer are a restart after an update.
const BURST_FLASHES: u32 = 3;
/// Bursts that make a crash or a brown-out of what could be one restart that went wrong.
const BURSTS: u32 = 2;
/// Half a period of "connected" with its wander: longer in one colour is another pattern already, only not named yet.
const CONNECTED_STEP: Duration = Duration::from_millis(800);
/// How often the cloud is asked whether the token was claimed, as the vendor's SDKs do.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long an answer to that may take.
const POLL_WITHIN: Duration = Duration::from_secs(15);
/// How often a unit may start to connect again (an update or two, a lost connection) before it is one that never settles.
const CONNECTIONS: u32 = 6;

/// What was seen since the packet arrived.
#[derive(Debug)]
pub struct Watch {
    /// When the packet arrived.
    received: Tick,
    /// Since when it connects: received, or back again after an update or a lost connection.
    since: Tick,
    /// How often it started to connect.
    connections: u32,
    /// The connection stage last read, and when first.
    stage: Option<(Stage, Tick)>,
    /// Since when it has been online, in this connection.
    connected: Option<Tick>,
    /// Whether any connection stage was seen at all.
    way: Way,
    /// Bursts of restarts.
    bursts: Bursts,
    /// When the LED was first amber again after the packet.
    amber: Option<Tick>,
    /// The question whether the token was claimed.
    poll: Poll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    NothingSeen,
    StagesSeen,
}

#[derive(Debug, Default)]
struct Bursts {
    /// The burst that is going on.
    current: Option<Tick>,
    /// Bursts before the unit had been online since the last one.
    connecting: u32,
    /// Bursts after it had been.
    online: u32,
    /// Green that is not the packet's since the last burst.
    green: Option<Tick>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poll {
    At(Tick),
    Asked(Tick),
    Never,
}

/// What follows from what was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Nothing yet; look again then.
    Wait(Tick, Reason),
    /// Ask the cloud now.
    Ask,
    /// The run is over.
    End(VerdictCode, String),
}

impl Watch {
    /// Begins when the packet arrived.
    pub fn new(received: Tick) -> Self {
        Self {
            received,
            since: received,
            connections: 1,
            stage: None,
            connected: None,
            way: Way::NothingSeen,
            bursts: Bursts::default(),
            amber: None,
            poll: Poll::At(received),
        }
    }

    /// The LED's colour changed; `flicker` is what the run makes of it.
    pub fn shade(&mut self, shade: Shade, flicker: Flicker) {
        if shade.colour == Colour::Green && (self.way == Way::StagesSeen || shade.from > self.received + RECEIVED_GREEN)
        {
            self.bursts.green = Some(shade.from);
            self.bursts.current = None;
        }
        if shade.colour == Colour::Amber && shade.from > self.received {
            self.amber.get_or_insert(shade.from);
        }
        if flicker.flashes >= BURST_FLASHES && flicker.last_ended == Some(shade.from) {
            self.burst(shade.from);
        }
    }

    /// A reading stands since now; the run has it already.
    pub fn reading(&mut self, run: &mut Run, now: Tick) {
        let Some((meaning, at)) = run.shows() else { return };
        match meaning {
            Meaning::Stage(stage) => {
                self.bursts.current = None;
                self.way = Way::StagesSeen;
                if self.connected.take().is_some() {
                    self.again(at);
                }
                if self.stage.is_none_or(|(last, _)| last != stage) {
                    self.stage = Some((stage, at));
                }
                run.reached(now, stage);
            }
            Meaning::Connected => {
                self.bursts.current = None;
                self.bursts.green = Some(at);
                self.way = Way::StagesSeen;
                self.connected.get_or_insert(at);
                run.reached(now, Stage::Connected);
            }
            Meaning::Downloading => run.reached(now, Stage::Updating),
            Meaning::RapidRed => {
                // Where colours are known, one flash alone is a restart and no burst.
                if run.colour.is_none() || run.rapid_red_stands(now) == FAULT_STANDS {
                    self.burst(at);
                }
            }
            Meaning::Ready
            | Meaning::SolidGreen
            | Meaning::SolidRed
            | Meaning::LegacyReceived
            | Meaning::LegacyDamaged
            | Meaning::Dark
            | Meaning::Fault(_)
            | Meaning::Other => {}
        }
    }

    /// Solid green is over: it was an update, and the unit connects again.
    pub fn green_ended(&mut self, now: Tick) {
        self.connected = None;
        self.again(now);
    }

    /// The cloud was asked.
    pub fn asked(&mut self, now: Tick) {
        self.poll = Poll::Asked(now);
    }

    /// Whoever gives the tokens does not know who used them.
    pub fn never_ask_again(&mut self) {
        self.poll = Poll::Never;
    }

    /// The cloud answered.
    pub fn answered(&mut self, now: Tick) {
        self.poll = Poll::At(now + POLL_EVERY);
    }

    /// Since when solid green stands that is not (or no longer) that of "received".
    pub fn green(&self, run: &Run) -> Option<Tick> {
        let (meaning, at) = run.shows()?;
        if meaning != Meaning::SolidGreen || run.colour.is_some_and(|shade| shade.colour != Colour::Green) {
            return None;
        }
        let from = run.colour.map_or(at, |shade| shade.from);
        let packets = from <= self.received + Duration::from_secs(1) && self.way == Way::NothingSeen;
        Some(if packets { self.received + RECEIVED_GREEN } else { from })
    }

    /// Whether the unit is seen online: connected, or under a green that is not the packet's.
    pub fn is_online(&self, run: &Run, now: Tick) -> bool {
        self.connected.is_some() || self.green(run).is_some_and(|from| now >= from)
    }

    /// When what the unit does now has ended at the latest: a connection, an update, the wait for a second witness.
    pub fn ends_by(&self, run: &Run, recipe: &Recipe) -> Tick {
        if let Some(green) = self.green(run) {
            let update = green + recipe.update_within;
            return match recipe.pass {
                PassRule::Blessed { hold, event_within } => (green + event_within).min(update).max(green + hold),
                PassRule::Claimed { .. } | PassRule::LedOnly { .. } => update,
            };
        }
        if let Some((Meaning::Downloading, at)) = self.shows(run) {
            return at + recipe.update_within;
        }
        match (self.connected, recipe.pass) {
            (None, _) => self.since + recipe.connect_within,
            (Some(connected), PassRule::Blessed { .. }) => connected + recipe.stage_within,
            (Some(connected), PassRule::Claimed { within }) => connected + within,
            (Some(connected), PassRule::LedOnly { hold }) => {
                let connected_shown = run.shows().filter(|(meaning, _)| *meaning == Meaning::Connected);
                connected_shown.map_or(connected + hold + recipe.stage_within, |(_, at)| at + hold)
            }
        }
    }

    /// What follows from what was seen, at `now`.
    pub fn judge(&self, run: &Run, recipe: &Recipe, now: Tick) -> Judgement {
        let judgement = match self.unit(run, recipe, now) {
            Judgement::Wait(until, reason) => match self.asks(run, recipe) {
                Some(at) if now >= at => Judgement::Ask,
                Some(at) if at < until => Judgement::Wait(at, Reason::Poll),
                Some(_) | None => Judgement::Wait(until, reason),
            },
            judgement @ (Judgement::Ask | Judgement::End(..)) => judgement,
        };
        // A unit that the cloud has blessed and that shows a fault: one of the two is wrong, and it is not for the fixture to say which.
        if let Judgement::End(code, detail) = &judgement
            && code.outcome() == Outcome::Fail
            && run.bless.as_ref().is_some_and(|event| event.blessed)
        {
            let words = format!("the cloud blessed it, but its LED says {code}: {detail}");
            return Judgement::End(VerdictCode::BlessDisagrees, words);
        }
        judgement
    }

    /// When the cloud is to be asked which device used the token: once the unit is online, until it is known. A bless event may name the device
    /// alone, and the record has its agent's URL from there.
    fn asks(&self, run: &Run, recipe: &Recipe) -> Option<Tick> {
        // An imp transmitter does not tell its tokens.
        if !recipe.enrols || run.claimed == Claimed::Yes || run.tokens.is_empty() {
            return None;
        }
        let online = match (self.connected, self.green(run)) {
            (Some(connected), _) => connected,
            (None, Some(green)) => green,
            (None, None) => return None,
        };
        match self.poll {
            Poll::At(at) => Some(at.max(online)),
            Poll::Asked(at) => Some(at + POLL_WITHIN),
            Poll::Never => None,
        }
    }

    fn unit(&self, run: &Run, recipe: &Recipe, now: Tick) -> Judgement {
        if self.bursts.online >= BURSTS {
            return Judgement::End(
                VerdictCode::FirmwareCrash,
                format!("green, then a burst of red, {} times", self.bursts.online),
            );
        }
        if self.bursts.connecting >= BURSTS {
            return Judgement::End(
                VerdictCode::BrownOut,
                format!("{} bursts of restarts while connecting", self.bursts.connecting),
            );
        }
        let condemned = |code, stands: Duration, at: Tick| {
            let until = at + stands;
            if now >= until {
                Judgement::End(code, run.shown_codes())
            } else {
                Judgement::Wait(until, Reason::Stands)
            }
        };
        match self.shows(run) {
            Some((Meaning::SolidRed, at)) => {
                let stands = match recipe.pass {
                    PassRule::Blessed { hold, .. } => hold.max(FAULT_STANDS),
                    PassRule::Claimed { .. } | PassRule::LedOnly { .. } => FAULT_STANDS,
                };
                let code = match self.way {
                    Way::StagesSeen => VerdictCode::BlessFailed,
                    Way::NothingSeen if run.bless.is_some() => VerdictCode::BlessFailed,
                    Way::NothingSeen => VerdictCode::BrownOut,
                };
                condemned(code, stands, at)
            }
            // From this burst's beginning: the reading may stand since an earlier one, where nothing was named in between.
            Some((Meaning::RapidRed, _)) => match self.bursts.current {
                Some(from) if self.bursts.online > 0 => condemned(
                    VerdictCode::BrownOut,
                    run.rapid_red_stands(now).max(PATTERN_STANDS),
                    from,
                ),
                Some(from) => condemned(VerdictCode::BrownOut, run.rapid_red_stands(now), from),
                None => self.way_on(run, recipe, now),
            },
            Some((Meaning::Ready, at)) => condemned(VerdictCode::Rejected, PATTERN_STANDS, at),
            Some((Meaning::Fault(code), at)) => condemned(code, PATTERN_STANDS, at),
            Some((Meaning::Other | Meaning::LegacyDamaged, at)) => {
                condemned(VerdictCode::UnexpectedPattern, PATTERN_STANDS, at)
            }
            Some((Meaning::Downloading, at)) => condemned(VerdictCode::StuckUpdating, recipe.update_within, at),
            Some((
                Meaning::Stage(_) | Meaning::Connected | Meaning::SolidGreen | Meaning::LegacyReceived | Meaning::Dark,
                _,
            ))
            | None => self.way_on(run, recipe, now),
        }
    }

    /// What the LED shows. A reading from before the packet is a memory, and the ready pattern only counts from when there was amber again.
    fn shows(&self, run: &Run) -> Option<(Meaning, Tick)> {
        let (meaning, at) = run.shows()?;
        if at >= self.received {
            return Some((meaning, at));
        }
        match meaning {
            Meaning::Ready => self.amber.map(|amber| (meaning, amber)),
            Meaning::Stage(_)
            | Meaning::Connected
            | Meaning::SolidGreen
            | Meaning::SolidRed
            | Meaning::RapidRed
            | Meaning::LegacyReceived
            | Meaning::LegacyDamaged
            | Meaning::Dark
            | Meaning::Fault(_)
            | Meaning::Downloading
            | Meaning::Other => None,
        }
    }

    /// Nothing speaks against the unit: whether it has passed, and how long it still has.
    fn way_on(&self, run: &Run, recipe: &Recipe, now: Tick) -> Judgement {
        if let Some(green) = self.green(run) {
            return Self::under_green(run, recipe, green, now);
        }
        if self.connections > CONNECTIONS {
            return Judgement::End(
                VerdictCode::UnexpectedPattern,
                format!("it connected {CONNECTIONS} times and never settled"),
            );
        }
        if let Some(connected) = self.connected {
            return self.online(run, recipe, connected, now);
        }
        let in_all = self.since + recipe.connect_within;
        let until = self
            .stage
            .map_or(in_all, |(_, from)| (from + recipe.stage_within).min(in_all));
        if now < until {
            return Judgement::Wait(until, Reason::Stage);
        }
        if run.is_unreadable() {
            return Judgement::End(VerdictCode::UnreadableLight, self.last_seen());
        }
        match self.stage.and_then(|(stage, _)| stuck(stage)) {
            Some(code) => Judgement::End(code, run.shown_codes()),
            None => Judgement::End(
                VerdictCode::UnexpectedPattern,
                format!(
                    "no connection stage since the packet arrived; last seen: {}",
                    run.shown_codes()
                ),
            ),
        }
    }

    /// Solid green stands since `green` and is not that of "received": an update, or blessed.
    fn under_green(run: &Run, recipe: &Recipe, green: Tick, now: Tick) -> Judgement {
        let update = green + recipe.update_within;
        match recipe.pass {
            PassRule::Blessed { hold, event_within } => {
                let held = green + hold;
                if now < held {
                    return Judgement::Wait(held, Reason::Hold);
                }
                match &run.bless {
                    Some(event) if event.blessed => {
                        return Judgement::End(VerdictCode::Ok, "blessed: green and bless event agree".to_owned());
                    }
                    Some(_) => {
                        return Judgement::End(
                            VerdictCode::BlessDisagrees,
                            "the LED shows blessed, the cloud refused the blessing".to_owned(),
                        );
                    }
                    None => {}
                }
                let event = green + event_within;
                let until = event.min(update).max(held);
                if now < until {
                    return Judgement::Wait(until, Reason::Witness);
                }
                if update < event {
                    Judgement::End(VerdictCode::StuckUpdating, run.shown_codes())
                } else {
                    Judgement::End(
                        VerdictCode::NoBlessEvent,
                        "solid green (blessed, or still updating), but no bless event in its time".to_owned(),
                    )
                }
            }
            PassRule::Claimed { .. } => {
                if now < update {
                    Judgement::Wait(update, Reason::Update)
                } else {
                    Judgement::End(VerdictCode::StuckUpdating, run.shown_codes())
                }
            }
            PassRule::LedOnly { .. } => {
                if now < update {
                    Judgement::Wait(update, Reason::Update)
                } else {
                    Judgement::End(
                        VerdictCode::NoBlessEvent,
                        "steady green never passes on LED evidence only".to_owned(),
                    )
                }
            }
        }
    }

    /// The unit is online since `connected`.
    fn online(&self, run: &Run, recipe: &Recipe, connected: Tick, now: Tick) -> Judgement {
        match recipe.pass {
            PassRule::Blessed { .. } => {
                let until = connected + recipe.stage_within;
                if now < until {
                    return Judgement::Wait(until, Reason::Stage);
                }
                if run.is_unreadable() {
                    return Judgement::End(VerdictCode::UnreadableLight, self.last_seen());
                }
                match &run.bless {
                    Some(event) => Judgement::End(
                        VerdictCode::BlessDisagrees,
                        if event.blessed {
                            "the cloud blessed it, but its LED never showed blessed".to_owned()
                        } else {
                            "the cloud refused the blessing, but its LED never showed it".to_owned()
                        },
                    ),
                    None => Judgement::End(
                        VerdictCode::NoBlessEvent,
                        format!(
                            "online, but neither blessed green nor a bless event; last seen: {}",
                            run.shown_codes()
                        ),
                    ),
                }
            }
            PassRule::Claimed { within } => {
                if run.claimed == Claimed::Yes {
                    return Judgement::End(VerdictCode::Ok, "online, and the cloud knows the device".to_owned());
                }
                let until = connected + within;
                if now >= until {
                    return Judgement::End(
                        VerdictCode::NotClaimed,
                        "online, but no device has claimed the token".to_owned(),
                    );
                }
                Judgement::Wait(until, Reason::Witness)
            }
            PassRule::LedOnly { hold } => {
                let shown_since = run
                    .shows()
                    .filter(|(meaning, _)| *meaning == Meaning::Connected)
                    .map(|(_, at)| at);
                // The colour must still alternate: a pattern that is changing is named only a little later.
                let alternates = run.colour.is_none_or(|shade| now.since(shade.from) <= CONNECTED_STEP);
                if let Some(at) = shown_since {
                    if now >= at + hold && alternates {
                        return Judgement::End(VerdictCode::Ok, "LED evidence only: connected was held".to_owned());
                    }
                    if now < at + hold {
                        return Judgement::Wait(at + hold, Reason::Hold);
                    }
                }
                let until = shown_since.unwrap_or(connected) + hold + recipe.stage_within;
                if now < until {
                    return Judgement::Wait(until, Reason::Stage);
                }
                if run.is_unreadable() {
                    return Judgement::End(VerdictCode::UnreadableLight, self.last_seen());
                }
                Judgement::End(
                    VerdictCode::UnexpectedPattern,
                    format!("connected was not held; last seen: {}", run.shown_codes()),
                )
            }
        }
    }

    fn last_seen(&self) -> String {
        let stage = match (self.connected, self.stage) {
            (Some(_), _) => Stage::Connected,
            (None, Some((stage, _))) => stage,
            (None, None) => Stage::Received,
        };
        format!("the light could not be named; before: {}", stage.as_str())
    }

    fn again(&mut self, at: Tick) {
        self.since = at;
        self.stage = None;
        self.connections += 1;
    }

    fn burst(&mut self, at: Tick) {
        if self.bursts.current.is_some() {
            return;
        }
        self.bursts.current = Some(at);
        if self.bursts.green.take().is_some() {
            self.bursts.online += 1;
        } else {
            self.bursts.connecting += 1;
        }
    }
}

/// The code of a unit that got stuck at a stage.
pub fn stuck(stage: Stage) -> Option<VerdictCode> {
    match stage {
        Stage::Searching => Some(VerdictCode::StuckSearching),
        Stage::Joining => Some(VerdictCode::StuckJoining),
        Stage::Proxy => Some(VerdictCode::StuckProxy),
        Stage::Cellular => Some(VerdictCode::StuckCellular),
        Stage::GettingIp => Some(VerdictCode::StuckIp),
        Stage::Resolving => Some(VerdictCode::StuckDns),
        Stage::Connecting => Some(VerdictCode::StuckConnecting),
        Stage::Updating => Some(VerdictCode::StuckUpdating),
        Stage::Seated | Stage::Ready | Stage::Receiving | Stage::Received | Stage::Connected | Stage::Blessed => None,
    }
}
