//! A model unit: what it is by nature, and its imp as it powers up, listens, connects, updates, is tested and blessed.

use core::time::Duration;

use blinkup::Tick;
use blinkup::codes::Colour;
use blinkup::packet::{Contents, Packet, Settings};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::Serial;

use super::chance::{Chance, Stream};
use super::cloud::{Cloud, Enrolled};
use super::eye::{Damage, Eye, Glimpse, Sight};
use super::fault::{Fault, Uses};
use super::led::{Led, Show};
use super::light::Steps;
use super::network::{Network, Step};
use super::shows::Shows;

/// How long a unit listens after power-up, and how long its LED tells of connecting, by the vendor's guide.
const WINDOW: Duration = Duration::from_mins(1);
/// How long green tells that the packet arrived, by the vendor's guide.
const RECEIVED: Duration = Duration::from_secs(3);

/// What a unit is by nature, whatever happens to it.
#[derive(Debug, Clone)]
pub struct Nature {
    /// Its place in the order of units, from 0.
    pub index: u32,
    /// Its serial.
    pub serial: Serial,
    /// Its device id, 16 hex digits.
    pub device_id: String,
    /// Its second over a true one.
    clock: f64,
    /// Counts that a fully lit die gives.
    pub strength: f64,
    /// What its receiver makes of the lamp at full level, as a share of the receiver's scale.
    gain: f64,
    /// An impOS so early that it shows the legacy patterns.
    legacy: bool,
    /// An impOS update that waits for it, done at its first connection.
    update: Option<Duration>,
}

impl Nature {
    /// The unit with this place in the order.
    pub fn new(seed: u64, index: u32) -> Self {
        let mut chance = Chance::new(seed, Stream::Unit(index));
        Self {
            index,
            serial: serial(index),
            device_id: format!("{:016x}", 0xC000_D8B7_0000_0000_u64 | chance.bits() >> 32),
            clock: chance.within(0.98..1.02),
            strength: chance.scaled(400.0..5_000.0),
            gain: chance.within(0.3..0.8),
            legacy: false,
            update: chance
                .happens(0.1)
                .then(|| chance.time(Duration::from_secs(4)..Duration::from_secs(12))),
        }
    }
}

/// What a unit does that others see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// The cloud will send this event at this time.
    Blessed(Tick, BlessEvent),
}

/// What is around a unit.
pub struct Surroundings<'a> {
    /// The network.
    pub network: &'a Network,
    /// The cloud.
    pub cloud: &'a mut Cloud,
    /// The patterns.
    pub shows: &'a Shows,
    /// The lamp above it.
    pub lamp: &'a Steps<f64>,
    /// What it did.
    pub deeds: &'a mut Vec<Deed>,
}

/// What the imp is doing.
#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Without power.
    Off,
    /// The red flash at power-up, then dark.
    Starting { flash_over: bool },
    /// Ready: shows so, and listens.
    Listening,
    /// Light is coming in: dark.
    Receiving,
    /// The red flash of a bad packet, then dark.
    Damaged { flash_over: bool },
    /// Green: the packet arrived.
    Received(Box<Settings>),
    /// Restarts, or goes on, with its settings: dark, perhaps a red flash, dark.
    Restarting(Restart),
    /// On the way to the network.
    Connecting(Step),
    /// The supply breaks down under the radio.
    Browned,
    /// Online.
    Online(Online),
    /// Shows one thing until power goes.
    Staying,
}

/// Where a restart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restart {
    BeforeFlash,
    Flash,
    AfterFlash,
}

/// What comes after the green 1 Hz of a unit that is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Online {
    /// The cloud refuses it.
    Refused,
    /// Its program crashes.
    Crashing,
    /// The crash's red burst.
    Burst,
    /// It loses the connection.
    Losing,
    /// An update.
    UpdateDue,
    /// Updating: solid green.
    Updating,
    /// The tests, then a blessing.
    Testing,
}

/// A powered unit in a nest.
#[derive(Debug, Clone)]
pub struct Unit {
    nature: Nature,
    fault: Option<Fault>,
    chance: Chance,
    led: Led,
    eye: Eye,
    phase: Phase,
    until: Option<Tick>,
    /// When it stops listening, and when its LED stops telling of connecting.
    window: Tick,
    settings: Option<Box<Settings>>,
    token_id: Option<String>,
    update: Option<Duration>,
    blesses: bool,
    ethernet: bool,
    restarts: u32,
}

impl Unit {
    /// The unit in a nest for a stay, without power yet. On a line that uses blessing, its program tests and blesses as soon
    /// as it is online.
    pub fn new(
        seed: u64,
        nature: Nature,
        stay: u32,
        fault: Option<Fault>,
        (uses, port): (Uses, Port),
        now: Tick,
    ) -> Self {
        let mut chance = Chance::new(seed, Stream::Stay(nature.index, stay));
        let slow = fault == Some(Fault::SlowReceiver);
        let mut nature = nature;
        nature.legacy = slow && chance.happens(0.5);
        let gain = match fault {
            Some(Fault::Misaligned) => chance.within(0.0..0.03),
            Some(Fault::DazzledReceiver) => chance.within(1.9..2.2),
            _ => nature.gain,
        };
        let damage = match fault {
            Some(Fault::PacketDamaged) => Damage::Always,
            Some(Fault::PacketDamagedOnce) => Damage::Once,
            _ => Damage::Never,
        };
        let sight = if slow { Sight::Early } else { Sight::Modern };
        let update = match fault {
            Some(Fault::SlowUpdate) => Some(Duration::from_mins(30)),
            _ if stay == 0 => nature.update,
            _ => None,
        };
        Self {
            led: Led::new(nature.clock, fault == Some(Fault::DeadLed)),
            eye: Eye::new(sight, gain, damage, now, &mut chance),
            fault,
            phase: Phase::Off,
            until: None,
            window: now,
            settings: None,
            token_id: None,
            update,
            blesses: uses == Uses::Blessing,
            ethernet: port == Port::Ethernet,
            restarts: 0,
            nature,
            chance,
        }
    }

    /// What it is by nature.
    pub fn nature(&self) -> &Nature {
        &self.nature
    }

    /// Its LED.
    pub fn led(&self) -> &Led {
        &self.led
    }

    /// What it keeps of the last packet.
    pub fn settings(&self) -> Option<&Settings> {
        self.settings.as_deref()
    }

    /// When it next does something by itself.
    pub fn next_event(&self) -> Option<Tick> {
        self.until
    }

    /// Gives it power.
    pub fn power_on(&mut self, now: Tick, around: &Surroundings<'_>) {
        self.window = now + WINDOW.mul_f64(self.nature.clock);
        self.eye.reset(now);
        let fixed = match self.fault {
            Some(Fault::PowerFaultSolid) => Some(Show::held(Colour::Red)),
            Some(Fault::PowerFaultRapid) => Some(around.shows.of("power-supply-rapid-red", &mut self.chance)),
            Some(Fault::FlashMissing) => Some(around.shows.of("spi-flash-not-found", &mut self.chance)),
            Some(Fault::FlashBad) => Some(around.shows.of("spi-flash-error", &mut self.chance)),
            Some(Fault::NoFirmware) => Some(around.shows.of("imp006-fastrom-spi-flash", &mut self.chance)),
            Some(Fault::SlowRed) => Some(around.shows.of("imp004m-red-3s", &mut self.chance)),
            _ => None,
        };
        if let Some(show) = fixed {
            self.phase = Phase::Staying;
            self.until = None;
            self.led.show(now, show, Duration::ZERO, &mut self.chance);
            return;
        }
        self.flash(now, Phase::Starting { flash_over: false });
    }

    /// Takes its power.
    pub fn power_off(&mut self, now: Tick) {
        self.phase = Phase::Off;
        self.until = None;
        self.dark(now);
    }

    /// Lives until `to`.
    pub fn advance(&mut self, to: Tick, around: &mut Surroundings<'_>) {
        loop {
            let horizon = self.until.map_or(to, |until| until.min(to));
            if matches!(self.phase, Phase::Listening | Phase::Receiving | Phase::Damaged { .. }) {
                if let Some((at, glimpse)) = self.eye.look(around.lamp, horizon, &mut self.chance) {
                    self.led.advance(at, &mut self.chance);
                    self.glimpsed(at, glimpse, around);
                    continue;
                }
            } else {
                self.eye.skip(horizon);
            }
            self.led.advance(horizon, &mut self.chance);
            match self.until {
                Some(until) if until <= to => self.transition(until, around),
                Some(_) | None => return,
            }
        }
    }

    fn glimpsed(&mut self, at: Tick, glimpse: Glimpse, around: &Surroundings<'_>) {
        match (&self.phase, glimpse) {
            (Phase::Listening, Glimpse::Started) => {
                self.phase = Phase::Receiving;
                self.until = None;
                self.dark(at);
            }
            (Phase::Receiving, Glimpse::Packet(packet)) => self.received(at, &packet, around),
            (Phase::Receiving, Glimpse::Bad) => {
                self.phase = Phase::Damaged { flash_over: false };
                let (show, length) = if self.nature.legacy {
                    (
                        around.shows.of("legacy-blinkup-unsuccessful", &mut self.chance),
                        Duration::from_secs(3),
                    )
                } else {
                    (Show::held(Colour::Red), self.chance.millis(80..400))
                };
                self.until = Some(at + length);
                self.led.show(at, show, Duration::ZERO, &mut self.chance);
            }
            // Light that it does not heed: the end of a transmission that it has given up, or more of it.
            (
                Phase::Off
                | Phase::Starting { .. }
                | Phase::Listening
                | Phase::Receiving
                | Phase::Damaged { .. }
                | Phase::Received(_)
                | Phase::Restarting(_)
                | Phase::Connecting(_)
                | Phase::Browned
                | Phase::Online(_)
                | Phase::Staying,
                _,
            ) => {}
        }
    }

    fn received(&mut self, at: Tick, packet: &Packet, around: &Surroundings<'_>) {
        let settings = match packet.contents() {
            Contents::Configure(settings) => settings.clone(),
            Contents::ClearSettings => Settings::default(),
        };
        self.phase = Phase::Received(Box::new(settings));
        let cut_short = self.chance.happens(0.2);
        let length = if cut_short {
            self.chance.millis(900..2_800)
        } else {
            RECEIVED.mul_f64(self.nature.clock)
        };
        self.until = Some(at + length);
        let show = if self.nature.legacy {
            around.shows.of("legacy-blinkup-successful", &mut self.chance)
        } else {
            Show::held(Colour::Green)
        };
        self.led.show(at, show, Duration::ZERO, &mut self.chance);
    }

    fn transition(&mut self, now: Tick, around: &mut Surroundings<'_>) {
        self.until = None;
        match core::mem::replace(&mut self.phase, Phase::Staying) {
            Phase::Off | Phase::Staying | Phase::Receiving => {}
            Phase::Starting { flash_over: false } => {
                self.dark(now);
                self.phase = Phase::Starting { flash_over: true };
                self.until = Some(
                    now + if self.fault == Some(Fault::NeverReady) {
                        self.chance.millis(4_000..7_000)
                    } else {
                        self.chance.millis(100..600)
                    },
                );
            }
            Phase::Starting { flash_over: true } => self.started(now, around),
            // The window for BlinkUp is over: dark, and deaf.
            Phase::Listening => self.dark(now),
            Phase::Damaged { flash_over: false } => {
                self.dark(now);
                self.phase = Phase::Damaged { flash_over: true };
                self.until = Some(now + self.chance.millis(200..700));
            }
            Phase::Damaged { flash_over: true } => {
                if now < self.window {
                    self.listen(now, around);
                } else {
                    self.dark(now);
                }
            }
            Phase::Received(settings) => {
                self.settings = (settings.wifi.is_some() || settings.enrolment.is_some()).then_some(settings);
                if self.chance.happens(0.3) {
                    self.dark(now);
                    self.phase = Phase::Restarting(Restart::BeforeFlash);
                    self.until = Some(now + self.chance.millis(100..500));
                } else {
                    self.dark(now);
                    self.phase = Phase::Restarting(Restart::AfterFlash);
                    self.until = Some(now + self.chance.millis(50..400));
                }
            }
            Phase::Restarting(Restart::BeforeFlash) => self.flash(now, Phase::Restarting(Restart::Flash)),
            Phase::Restarting(Restart::Flash) => {
                self.dark(now);
                self.phase = Phase::Restarting(Restart::AfterFlash);
                self.until = Some(now + self.chance.millis(100..600));
            }
            Phase::Restarting(Restart::AfterFlash) => self.started(now, around),
            Phase::Connecting(step) => self.step_done(now, step, around),
            Phase::Browned => {
                self.dark(now);
                self.phase = Phase::Restarting(Restart::AfterFlash);
                self.until = Some(now + self.chance.millis(100..600));
            }
            Phase::Online(online) => self.online_over(now, online, around),
        }
    }

    /// After power-up or a restart: with settings it connects, without it gets ready.
    fn started(&mut self, now: Tick, around: &Surroundings<'_>) {
        if self.fault == Some(Fault::NeverReady) {
            self.flash(now, Phase::Starting { flash_over: false });
        } else if self.settings.is_some() || self.fault == Some(Fault::AlreadyConfigured) {
            if self.fault != Some(Fault::BrownOut) || self.restarts == 0 {
                self.window = now + WINDOW.mul_f64(self.nature.clock);
            }
            self.restarts += 1;
            self.connect(now, if self.ethernet { Step::Address } else { Step::Search }, around);
        } else if now < self.window {
            self.listen(now, around);
        } else {
            self.phase = Phase::Staying;
            self.dark(now);
        }
    }

    fn listen(&mut self, now: Tick, around: &Surroundings<'_>) {
        self.phase = Phase::Listening;
        self.until = Some(self.window);
        self.eye.settle(now);
        let code = if self.nature.legacy {
            "legacy-no-wifi-settings"
        } else {
            "no-network-settings"
        };
        self.show(now, code, around);
    }

    fn connect(&mut self, now: Tick, step: Step, around: &Surroundings<'_>) {
        self.phase = Phase::Connecting(step);
        let takes = match step {
            Step::Search => self.chance.scaled(0.03..4.0),
            Step::Join => self.chance.scaled(0.2..4.0),
            Step::Address => self.chance.scaled(0.05..3.0),
            Step::Name => self.chance.scaled(0.02..1.5),
            Step::Server => self.chance.scaled(0.2..3.0),
        };
        self.until = Some(now + Duration::from_secs_f64(takes));
        self.show(now, step.code(), around);
    }

    fn step_done(&mut self, now: Tick, step: Step, around: &mut Surroundings<'_>) {
        if self.fault == Some(Fault::BrownOut) && step == Step::Search {
            self.phase = Phase::Browned;
            self.until = Some(now + self.chance.millis(1_200..3_000));
            self.show(now, "power-supply-rapid-red", around);
            return;
        }
        let open = self.fault == Some(Fault::AlreadyConfigured)
            || self
                .settings
                .as_deref()
                .is_some_and(|settings| around.network.admits(step, settings, self.fault));
        if open {
            match step.next() {
                Some(next) => self.connect(now, next, around),
                None => self.online(now, around),
            }
        } else if now < self.window {
            // It tries again; the LED goes on telling where it is.
            self.phase = Phase::Connecting(step);
            self.until = Some(now + self.chance.millis(400..1_500));
        } else {
            self.dark(now);
        }
    }

    fn online(&mut self, now: Tick, around: &mut Surroundings<'_>) {
        let enrolment = self
            .settings
            .as_deref()
            .and_then(|settings| settings.enrolment.as_ref());
        let told = (self.fault != Some(Fault::NoDeviceId)).then(|| now + self.chance.millis(200..1_500));
        let enrolled = enrolment.map(|enrolment| {
            if self.fault == Some(Fault::Rejected) {
                Enrolled::Refused
            } else {
                around.cloud.enrol(enrolment, &self.nature.device_id, told)
            }
        });
        let refused = match enrolled {
            Some(Enrolled::Refused) => true,
            Some(Enrolled::Accepted(id)) => {
                self.token_id = Some(id);
                false
            }
            None => self.fault == Some(Fault::Rejected),
        };
        let (next, after) = if refused {
            (Online::Refused, self.chance.millis(900..2_500))
        } else if self.fault == Some(Fault::CrashLoop) {
            (Online::Crashing, self.chance.millis(900..2_500))
        } else if self.fault == Some(Fault::LosesConnection) {
            (Online::Losing, self.chance.millis(900..2_000))
        } else if self.update.is_some() {
            (Online::UpdateDue, self.chance.millis(800..3_000))
        } else {
            (Online::Testing, self.chance.millis(2_000..6_000))
        };
        self.show(now, "connected", around);
        let tests = next != Online::Testing || (self.blesses && self.fault != Some(Fault::AlreadyConfigured));
        if tests {
            self.phase = Phase::Online(next);
            self.until = Some(now + after);
        } else {
            self.phase = Phase::Staying;
        }
    }

    fn online_over(&mut self, now: Tick, online: Online, around: &mut Surroundings<'_>) {
        match online {
            Online::Refused => self.show(now, "no-network-settings", around),
            Online::Losing => self.show(now, "lost-connection", around),
            Online::Crashing => {
                self.phase = Phase::Online(Online::Burst);
                self.until = Some(now + self.chance.millis(500..1_500));
                self.show(now, "power-supply-rapid-red", around);
            }
            Online::Burst => {
                self.dark(now);
                self.phase = Phase::Restarting(Restart::AfterFlash);
                self.until = Some(now + self.chance.millis(200..900));
            }
            Online::UpdateDue => {
                let takes = self.update.take().unwrap_or_default();
                self.phase = Phase::Online(Online::Updating);
                self.until = Some(now + takes);
                self.led
                    .show(now, Show::held(Colour::Green), Duration::ZERO, &mut self.chance);
            }
            Online::Updating => {
                self.dark(now);
                self.phase = Phase::Restarting(Restart::BeforeFlash);
                self.until = Some(now + self.chance.millis(300..1_500));
            }
            Online::Testing => self.judged(now, around),
        }
    }

    /// The tests are over: solid green or solid red until power goes, and the cloud tells.
    fn judged(&mut self, now: Tick, around: &mut Surroundings<'_>) {
        let red = matches!(self.fault, Some(Fault::BlessFailed | Fault::BlessEventForRed));
        let colour = if red { Colour::Red } else { Colour::Green };
        self.led.show(now, Show::held(colour), Duration::ZERO, &mut self.chance);
        let event = BlessEvent {
            event: format!("{:016x}", self.chance.bits()),
            device_id: Some(self.nature.device_id.clone()),
            token_id: self.token_id.clone(),
            blessed: self.fault != Some(Fault::BlessFailed),
        };
        let soon = now + self.chance.millis(100..2_500);
        let deed = match self.fault {
            Some(Fault::BlessEventMissing) => None,
            Some(Fault::BlessEventLate) => Some((now + self.chance.millis(120_000..180_000), event)),
            // The cloud refuses to name the device; nobody can tell whose blessing it is.
            Some(Fault::NoDeviceId) => Some((
                soon,
                BlessEvent {
                    device_id: None,
                    token_id: None,
                    ..event
                },
            )),
            Some(Fault::BlessFailed) if self.chance.happens(0.5) => None,
            _ => Some((soon, event)),
        };
        if let Some((at, event)) = deed {
            // Webhooks are delivered at least once: now and then twice.
            if self.chance.happens(0.03) {
                around
                    .deeds
                    .push(Deed::Blessed(at + self.chance.millis(500..4_000), event.clone()));
            }
            around.deeds.push(Deed::Blessed(at, event));
        }
    }

    fn flash(&mut self, now: Tick, then: Phase) {
        self.phase = then;
        self.until = Some(now + self.chance.millis(70..350));
        self.led
            .show(now, Show::held(Colour::Red), Duration::ZERO, &mut self.chance);
    }

    fn dark(&mut self, now: Tick) {
        self.led
            .show(now, Show::held(Colour::Off), Duration::ZERO, &mut self.chance);
    }

    fn show(&mut self, now: Tick, code: &str, around: &Surroundings<'_>) {
        let show = around.shows.of(code, &mut self.chance);
        let period: Duration = show.steps.iter().map(|step| step.1).sum();
        // Half of the patterns start at their beginning, half wherever the imp's timer stands.
        let into = if self.chance.happens(0.5) {
            Duration::ZERO
        } else {
            period.mul_f64(self.chance.unit())
        };
        self.led.show(now, show, into, &mut self.chance);
    }
}

/// How units reach the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// By radio.
    Radio,
    /// By cable: nothing to search or join.
    Ethernet,
}

/// The serial of the unit with this place in the order.
pub(super) fn serial(index: u32) -> Serial {
    Serial::new(&format!("SIM-{:06}", index + 1)).expect("letters, a dash and digits are a serial")
}

#[cfg(test)]
mod tests {
    use blinkup::frame::SymbolRate;
    use blinkup::packet::{Enrolment, Password, PlanId, Ssid, Token, Wifi};
    use blinkup::{Level, Symbol};
    use fixture_link::identity::LaneId;

    use super::*;

    /// A unit on a bench: a lamp, a network, a cloud, and a log of what its LED did.
    struct Bench {
        unit: Unit,
        lamp: Steps<f64>,
        network: Network,
        cloud: Cloud,
        shows: Shows,
        deeds: Vec<Deed>,
        now: Tick,
        log: Vec<(u64, Colour)>,
    }

    fn wifi(ssid: &str, password: &str) -> Wifi {
        Wifi {
            ssid: Ssid::new(ssid).unwrap(),
            password: Password::new(password).unwrap(),
        }
    }

    impl Bench {
        fn new(seed: u64, index: u32, fault: Option<Fault>) -> Self {
            let nature = Nature::new(seed, index);
            let shows = Shows::vendor();
            let mut bench = Self {
                unit: Unit::new(seed, nature, 1, fault, (Uses::Blessing, Port::Radio), Tick::ZERO),
                lamp: Steps::new(0.0),
                network: Network::new(Some(wifi("line 1", "Öl&Wasser"))),
                cloud: Cloud::new(seed),
                shows,
                deeds: Vec::new(),
                now: Tick::ZERO,
                log: Vec::new(),
            };
            let (mut deeds, mut cloud) = (Vec::new(), Cloud::new(seed));
            bench.unit.power_on(
                Tick::ZERO,
                &Surroundings {
                    network: &bench.network,
                    cloud: &mut cloud,
                    shows: &bench.shows,
                    lamp: &bench.lamp,
                    deeds: &mut deeds,
                },
            );
            bench
        }

        fn wait(&mut self, length: Duration) {
            let end = self.now + length;
            while self.now < end {
                self.now = (self.now + Duration::from_millis(5)).min(end);
                self.unit.advance(
                    self.now,
                    &mut Surroundings {
                        network: &self.network,
                        cloud: &mut self.cloud,
                        shows: &self.shows,
                        lamp: &self.lamp,
                        deeds: &mut self.deeds,
                    },
                );
                let colour = self.unit.led().light().at(self.now);
                if self.log.last().is_none_or(|last| last.1 != colour) {
                    self.log.push((self.now.as_millis(), colour));
                }
            }
        }

        fn packet(&mut self, wifi: Wifi) -> Packet {
            let lane = LaneId::new(1).unwrap();
            let grant = self.cloud.request_token(self.now, lane, false).1.unwrap();
            Packet::configure(&Settings {
                wifi: Some(wifi),
                enrolment: Some(Enrolment {
                    plan_id: grant.plan,
                    token: grant.token,
                }),
                ..Settings::default()
            })
            .unwrap()
        }

        fn send(&mut self, packet: &Packet, rate: u8, bright: f32) {
            let rate = SymbolRate::new(rate).unwrap();
            let began = self.now;
            for (index, symbol) in packet.frame(rate.preamble()).symbols().enumerate() {
                let level = match symbol {
                    Symbol::Dark => 0.0,
                    Symbol::Mid => 0.5 * bright,
                    Symbol::Bright => bright,
                };
                let level = f64::from(Level::new(level).fraction());
                self.lamp.set(self.now, level);
                self.wait((began + rate.due(index + 1)).since(self.now));
            }
            self.lamp.set(self.now, 0.0);
        }

        fn shows_from(&self, from: u64, colour: Colour, length: u64) -> bool {
            self.log
                .windows(2)
                .any(|pair| pair[0].0 >= from && pair[0].1 == colour && pair[1].0 - pair[0].0 >= length)
                || self
                    .log
                    .last()
                    .is_some_and(|last| last.1 == colour && self.now.as_millis() - last.0 >= length)
        }
    }

    #[test]
    fn a_unit_decodes_its_packet_from_the_light_at_every_rung_and_is_blessed() {
        for (index, rate) in (0..6).flat_map(|index| [60, 30, 20].map(|rate| (index, rate))) {
            let mut bench = Bench::new(11, index, None);
            bench.wait(Duration::from_secs(3));
            let packet = bench.packet(wifi("line 1", "Öl&Wasser"));
            let sent = bench.now.as_millis();
            bench.send(&packet, rate, 1.0);
            let end = bench.now.as_millis();
            bench.wait(Duration::from_mins(1));
            assert!(
                !bench
                    .log
                    .iter()
                    .any(|(at, colour)| *colour != Colour::Off && *at > sent + 1_100 && *at < end - 600),
                "unit {index} at {rate}/s is dark while it receives: {:?}",
                bench.log
            );
            assert!(
                bench.shows_from(end - 600, Colour::Green, 850),
                "unit {index} at {rate}/s"
            );
            assert_eq!(
                bench.unit.led().light().at(bench.now),
                Colour::Green,
                "unit {index} at {rate}/s"
            );
            assert!(bench.deeds.iter().any(|Deed::Blessed(_, event)| event.blessed
                && event.device_id.as_deref() == Some(bench.unit.nature().device_id.as_str())));
        }
    }

    #[test]
    fn a_wrong_password_in_the_packet_leaves_the_unit_joining() {
        let mut bench = Bench::new(12, 0, None);
        bench.wait(Duration::from_secs(3));
        let packet = bench.packet(wifi("line 1", "öl&Wasser"));
        bench.send(&packet, 60, 0.8);
        bench.wait(Duration::from_secs(50));
        assert_eq!(bench.unit.phase, Phase::Connecting(Step::Join));
        assert_eq!(bench.deeds, []);
    }

    #[test]
    fn a_token_that_the_cloud_never_gave_is_refused() {
        let mut bench = Bench::new(13, 0, None);
        bench.wait(Duration::from_secs(3));
        let packet = Packet::configure(&Settings {
            wifi: Some(wifi("line 1", "Öl&Wasser")),
            enrolment: Some(Enrolment {
                plan_id: PlanId::from_bytes([7; 8]),
                token: Token::from_bytes([9; 8]),
            }),
            ..Settings::default()
        })
        .unwrap();
        bench.send(&packet, 60, 0.8);
        bench.wait(Duration::from_secs(40));
        assert_eq!(bench.unit.phase, Phase::Staying);
        assert_eq!(bench.deeds, []);
        assert!(!bench.shows_from(30_000, Colour::Green, 1_200));
    }

    #[test]
    fn a_misaligned_unit_keeps_flashing_and_a_damaged_packet_ends_in_a_red_flash() {
        let mut bench = Bench::new(14, 0, Some(Fault::Misaligned));
        bench.wait(Duration::from_secs(3));
        let packet = bench.packet(wifi("line 1", "Öl&Wasser"));
        let from = bench.log.len();
        bench.send(&packet, 60, 1.0);
        assert!(bench.log.len() - from > 20, "{:?}", bench.log);
        let mut bench = Bench::new(14, 0, Some(Fault::PacketDamaged));
        bench.wait(Duration::from_secs(3));
        let packet = bench.packet(wifi("line 1", "Öl&Wasser"));
        let from = bench.now.as_millis();
        bench.send(&packet, 60, 1.0);
        bench.wait(Duration::from_secs(2));
        assert!(bench.shows_from(from, Colour::Red, 60), "{:?}", bench.log);
        assert!(!bench.shows_from(from, Colour::Green, 100));
    }

    #[test]
    fn an_early_receiver_needs_a_slower_rung_and_a_dazzled_one_a_dimmer() {
        let received = |fault, rate, bright| {
            (0..5)
                .filter(|index| {
                    let mut bench = Bench::new(15, *index, Some(fault));
                    bench.wait(Duration::from_secs(3));
                    let packet = bench.packet(wifi("line 1", "Öl&Wasser"));
                    bench.send(&packet, rate, bright);
                    bench.wait(Duration::from_millis(500));
                    matches!(bench.unit.phase, Phase::Received(_))
                })
                .count()
        };
        assert_eq!(received(Fault::SlowReceiver, 60, 1.0), 0);
        assert_eq!(received(Fault::SlowReceiver, 30, 1.0), 5);
        assert_eq!(received(Fault::SlowReceiver, 20, 1.0), 5);
        assert_eq!(received(Fault::DazzledReceiver, 60, 1.0), 0);
        assert_eq!(received(Fault::DazzledReceiver, 30, 0.4), 5);
    }
}
