//! `fixture.toml` and the recipe it names: raw files in, one checked [`Config`] out, once, with every mistake told by its place.

mod book;
mod calibration;
mod lasting;
mod lots;
mod network;
mod raspberry_pi;
mod recipe;
mod secret;
mod tried;

use core::fmt::Write as _;
use core::time::Duration;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use blinkup::codes::CodeTable;
use blinkup::packet::{PlanId, Token};
use fixture_link::identity::LaneId;
use fixture_link::mistake::{Mistake, read};
use fixture_link::settings::Settings;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};
use toml::Spanned;

use crate::engine::golden::{CheckRules, KnownBad};
use crate::engine::product::Lots;
use crate::engine::recipe::{PassRule, Recipe};
use crate::network::Check;
use lasting::Lasting;
use recipe::Secrets;

pub use book::{Book, NewVersion, Stored};
pub use calibration::CalibrationFile;
pub use raspberry_pi::{
    Active, Board, GpioAccess, Lamp as LampParts, Nest as NestParts, Power as PowerParts, RaspberryPi,
    Sensor as SensorParts, Signals as SignalParts, Start as StartParts,
};
pub use recipe::{example as example_recipe, load as load_recipe, load_with_codes as load_recipe_with_codes};
pub use secret::Secret;
pub use tried::{BadChange, Change, Tried};

/// Everything that `run` needs to know, checked.
#[derive(Debug)]
pub struct Config {
    /// The file.
    pub file: PathBuf,
    /// What the UI reads as well.
    pub settings: Settings,
    /// The status codes: the fixture's own table, or the vendor's.
    pub codes: CodeTable,
    /// What the product needs; where lots choose, what units without a lot need.
    pub recipe: Recipe,
    /// What other lots and work orders need.
    pub others: Vec<Recipe>,
    /// Which of them is which one's.
    pub lots: Lots,
    /// The lanes, in order, each with the share of light that its lamp gives.
    pub lanes: Vec<LaneConfig>,
    /// The policies over lanes.
    pub policy: Policy,
    /// The hardware.
    pub jig: Jig,
    /// Where tokens come from; `None` where the recipe sends none.
    pub enrolment: Option<Enrolment>,
    /// What of the line's network is looked at; `None` for nothing.
    pub network: Option<Check>,
    /// What is allowed but odd, for a person to read.
    pub remarks: Vec<String>,
    /// Of which versions of its recipes can be made while the daemon runs; those that are read here to begin with.
    pub book: Book,
}

/// One lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneConfig {
    /// Which.
    pub lane: LaneId,
    /// Scales every level of its lamp, above 0 to 1: lamps and receivers differ.
    pub light: f32,
}

/// Policies that span runs and lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The same code so many times in a row on a lane stops the line; 2 to 20.
    pub k_in_a_row: u32,
    /// The same connection stage on two lanes within this time stops it as well.
    pub shared_within: Duration,
    /// Golden checks; `None` where there are none.
    pub golden_check: Option<GoldenCheck>,
}

/// When golden checks are due, and what they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoldenCheck {
    /// When.
    pub every: CheckEvery,
    /// What.
    pub rules: CheckRules,
}

/// How often a golden check is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckEvery {
    /// As each shift begins.
    Shift,
    /// So long after the last one, 10 minutes to 31 days.
    Span(Duration),
}

/// The hardware.
#[derive(Debug, Clone, PartialEq)]
pub enum Jig {
    /// A model of it.
    Simulated {
        /// Everything that it does by chance comes from this number.
        seed: u64,
        /// The faults; `None` for none.
        scenario: Option<PathBuf>,
        /// How long after a unit was lifted the next one comes; `None` leaves it to the jig.
        takt: Option<Duration>,
        /// What commissioning measured of it; `None` for what the model knows of itself.
        calibration: Option<CalibrationFile>,
    },
    /// Real parts on a Raspberry Pi.
    RaspberryPi(Box<RaspberryPi>),
}

/// Where tokens come from.
#[derive(Debug)]
pub enum Enrolment {
    /// The same token every time.
    Fixed {
        /// The plan.
        plan: PlanId,
        /// The token; secret.
        token: Token,
    },
    /// The simulated jig's model of the cloud.
    Simulated,
    /// The vendor's cloud.
    ImpCloud(ImpCloud),
}

/// The vendor's cloud.
#[derive(Debug)]
pub struct ImpCloud {
    /// The address up to `/setup_tokens`, without a slash at its end.
    pub base_url: String,
    /// The customer's API key; secret.
    pub key: Secret,
    /// What the Basic authentication encodes.
    pub auth: KeyForm,
    /// A plan to ask for.
    pub plan: Option<PlanId>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Requests at most for one token, 1 to 10.
    pub tries: u32,
    /// The wait before the second try; doubles with each.
    pub backoff: Duration,
    /// A PEM file with the authorities to trust instead of the public ones.
    pub ca_file: Option<PathBuf>,
}

/// What the Basic authentication encodes; the vendor's sources differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// base64 of `key`.
    Key,
    /// base64 of `key:`, as the HTTP standard has it.
    KeyColon,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    recipe: Spanned<PathBuf>,
    // `fixture`, `ui`, `shifts` and `study` are checked by `Settings`.
    #[serde(rename = "fixture")]
    _fixture: IgnoredAny,
    #[serde(rename = "ui")]
    _ui: Option<IgnoredAny>,
    #[serde(rename = "shifts")]
    _shifts: Option<IgnoredAny>,
    #[serde(rename = "study")]
    _study: Option<IgnoredAny>,
    lanes: RawLanes,
    #[serde(default)]
    policy: RawPolicy,
    jig: Spanned<RawJig>,
    enrolment: Option<Spanned<RawEnrolment>>,
    network: Option<network::RawNetwork>,
    #[serde(default)]
    lots: Vec<lots::Raw>,
    // Checked by `Settings`.
    #[serde(rename = "unknown_lots")]
    _unknown_lots: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLanes {
    count: Spanned<u64>,
    light: Option<Spanned<Vec<Spanned<f64>>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    k_in_a_row: Option<Spanned<u64>>,
    shared_within: Option<Spanned<Lasting>>,
    golden_check: Option<RawGoldenCheck>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGoldenCheck {
    every: Spanned<String>,
    known_bad: Option<bool>,
    from: Option<Spanned<Lasting>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawJig {
    Simulated(RawSimulated),
    RaspberryPi(Box<raspberry_pi::Raw>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSimulated {
    #[serde(default = "one")]
    seed: u64,
    scenario: Option<Spanned<PathBuf>>,
    takt: Option<Spanned<Lasting>>,
    calibration: Option<Spanned<PathBuf>>,
    calibration_lasts: Option<Spanned<Lasting>>,
}

fn one() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawEnrolment {
    Fixed(RawFixed),
    Simulated(Nothing),
    Impcloud(Box<RawImpCloud>),
}

/// A table without keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFixed {
    plan: Spanned<String>,
    token_file: Spanned<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawImpCloud {
    base_url: Option<Spanned<String>>,
    key_file: Spanned<PathBuf>,
    auth: KeyForm,
    plan: Option<Spanned<String>>,
    timeout: Option<Spanned<Lasting>>,
    tries: Option<Spanned<u64>>,
    backoff: Option<Spanned<Lasting>>,
    ca_file: Option<Spanned<PathBuf>>,
}

/// The vendor's address, as its public guides give it.
const BASE_URL: &str = "https://api.electricimp.com/v1";

impl Config {
    /// Reads and checks `file` and every file that it names.
    ///
    /// # Errors
    /// The first mistake, with file, line, field and what was expected.
    pub fn load(file: &Path) -> Result<Self, Mistake> {
        let text = text_of(file)?;
        let settings = Settings::parse(file, &text)?;
        let raw: Raw = read(file, &text)?;
        let source = Source {
            file,
            text: &text,
            secrets: Secrets::Read,
        };

        let codes = codes_of(&settings)?;
        let (recipe, mut remarks) = source.recipe(&raw.recipe, &codes)?;
        let others = lots::others(source, &raw.lots, (&raw.recipe, &recipe), &codes, &mut remarks)?;
        let lanes = lanes(source, &raw.lanes)?;
        let policy = Policy {
            k_in_a_row: source.count(raw.policy.k_in_a_row.as_ref(), 3, 2, 20)?,
            shared_within: source.lasting(raw.policy.shared_within.as_ref(), 60_000, 1000, 3_600_000)?,
            golden_check: raw
                .policy
                .golden_check
                .as_ref()
                .map(|raw| golden_check(source, raw))
                .transpose()?,
        };
        let mut jig = jig(source, &raw.jig, &lanes, raw.lanes.light.as_ref())?;
        if let Jig::RaspberryPi(pi) = &mut jig
            && let Some(imp) = &mut pi.transmitter
        {
            imp.wifi.clone_from(&recipe.wifi);
            imp_fits(source, &raw.recipe, &recipe, &mut remarks)?;
            for other in others.iter().filter(|other| other.recipe.name != recipe.name) {
                imp_fits(source, other.place, &other.recipe, &mut remarks)?;
                if other.recipe.wifi != recipe.wifi {
                    return Err(source.mistake(
                        other.place,
                        "the imp transmitter knows one network: expected network and password as in the other recipe",
                    ));
                }
            }
        }
        if let Jig::Simulated { .. } = jig {
            remarks.extend(lots::beyond_the_model(&others, &recipe));
        }
        // An imp gets its tokens itself: a fixture whose only lane is an imp's asks for none.
        let only_imps = matches!(&jig, Jig::RaspberryPi(pi) if pi.transmitter.is_some() && lanes.len() == 1);
        let all: Vec<(&Spanned<PathBuf>, &Recipe)> = core::iter::once((&raw.recipe, &recipe))
            .chain(others.iter().map(|other| (other.place, &other.recipe)))
            .collect();
        let enrolment = match &raw.enrolment {
            None if only_imps => None,
            Some(_) if only_imps => {
                remarks.push("enrolment: not used: the imp transmitter gets its tokens itself".to_owned());
                None
            }
            raw => enrolment_of_all(source, raw.as_ref(), &all, &mut remarks)?,
        };
        let network = raw
            .network
            .as_ref()
            .map(|raw| network::network(source, raw, &recipe))
            .transpose()?;
        let rest = book::Rest {
            by_imp: matches!(&jig, Jig::RaspberryPi(pi) if pi.transmitter.is_some()),
            shared_token: matches!(enrolment, Some(Enrolment::Fixed { .. })),
            fixed_light: match &jig {
                Jig::RaspberryPi(pi) => pi.lamp.fixed_light(),
                Jig::Simulated { .. } => None,
            },
        };
        let configuration = digest(&format!("{:?}", read::<toml::Table>(file, &text)?));
        let mut book = Book::new(configuration, codes.clone(), rest);
        book.add(&source.path(&raw.recipe)?, &recipe)?;
        for other in others.iter().filter(|other| other.recipe.name != recipe.name) {
            book.add(&source.path(other.place)?, &other.recipe)?;
        }
        Ok(Self {
            file: file.to_owned(),
            codes,
            recipe,
            lots: lots::choices(&settings.lots, &others),
            others: lots::recipes(others),
            settings,
            lanes,
            policy,
            jig,
            enrolment,
            network,
            remarks,
            book,
        })
    }

    /// The recipes that are the newest versions, after the book was brought to them.
    pub fn follow_the_book(&mut self) {
        self.recipe.clone_from(self.book.first());
        self.others = self.book.others().cloned().collect();
    }

    /// What the lanes' lamps are set to, as a change of them is stored.
    pub fn lamps_told(&self) -> String {
        let driven = match &self.jig {
            Jig::Simulated { .. } => "simulated".to_owned(),
            Jig::RaspberryPi(pi) => {
                let kind = match &pi.lamp {
                    LampParts::Pwm(_) => "PWM",
                    LampParts::Ladder(_) => "ladder",
                    LampParts::Expander(_) => "expander",
                };
                format!("{kind} {}", digest(&format!("{:?}", pi.lamp)))
            }
        };
        let lanes = self
            .lanes
            .iter()
            .map(|lane| format!("lane {} gives {:.2}", lane.lane, lane.light));
        format!("{driven}; {}", lanes.collect::<Vec<_>>().join(", "))
    }

    /// Whether the jig is a model.
    pub fn simulated(&self) -> bool {
        match self.jig {
            Jig::Simulated { .. } => true,
            Jig::RaspberryPi(_) => false,
        }
    }
}

/// The first 16 hex digits of the SHA-256 of a text.
fn digest(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .take(8)
        .fold(String::new(), |mut digits, byte| {
            write!(digits, "{byte:02x}").expect("a String takes every letter");
            digits
        })
}

/// What a configuration says of the jig alone. Neither the recipe nor a secret is read for it: who makes lamps dark after a daemon that was
/// killed may not read them.
#[derive(Debug)]
pub struct Wiring {
    /// What the UI reads as well.
    pub settings: Settings,
    /// The lanes, in order.
    pub lanes: Vec<LaneId>,
    /// The hardware.
    pub jig: Jig,
}

impl Wiring {
    /// Reads and checks `file`'s sections of fixture, lanes and jig.
    ///
    /// # Errors
    /// The first mistake in them, with file, line, field and what was expected.
    pub fn load(file: &Path) -> Result<Self, Mistake> {
        let text = text_of(file)?;
        let settings = Settings::parse(file, &text)?;
        let raw: Raw = read(file, &text)?;
        let source = Source {
            file,
            text: &text,
            secrets: Secrets::NotRead,
        };
        let lanes = lanes(source, &raw.lanes)?;
        Ok(Self {
            settings,
            jig: jig(source, &raw.jig, &lanes, raw.lanes.light.as_ref())?,
            lanes: lanes.into_iter().map(|lane| lane.lane).collect(),
        })
    }
}

/// The table of status codes that a configuration names; the vendor's where it names none.
fn codes_of(settings: &Settings) -> Result<CodeTable, Mistake> {
    match &settings.status_codes {
        Some(file) => load_codes(file),
        None => Ok(CodeTable::vendor()),
    }
}

/// A table of status codes in a file.
///
/// # Errors
/// The file cannot be read, or is no table: with the line.
pub fn load_codes(file: &Path) -> Result<CodeTable, Mistake> {
    CodeTable::parse(&text_of(file)?).map_err(|error| Mistake::of_file(file, error))
}

fn lanes(source: Source<'_>, raw: &RawLanes) -> Result<Vec<LaneConfig>, Mistake> {
    let count: u8 = source.count(Some(&raw.count), 0, 1, u64::from(LaneId::MOST))?;
    let shares: Vec<f32> = match &raw.light {
        None => vec![1.0; usize::from(count)],
        Some(light) if light.get_ref().len() == usize::from(count) => light
            .get_ref()
            .iter()
            .map(|share| source.number(Some(share), 1.0, 0.01, 1.0))
            .collect::<Result<_, _>>()?,
        Some(light) => {
            let found = light.get_ref().len();
            return Err(source.mistake(light, format!("expected {count} numbers, one a lane, found {found}")));
        }
    };
    Ok(LaneId::first(count)
        .zip(shares)
        .map(|(lane, light)| LaneConfig { lane, light })
        .collect())
}

fn jig(
    source: Source<'_>,
    raw: &Spanned<RawJig>,
    lanes: &[LaneConfig],
    dimmed: Option<&Spanned<Vec<Spanned<f64>>>>,
) -> Result<Jig, Mistake> {
    match raw.get_ref() {
        RawJig::Simulated(simulated) => Ok(Jig::Simulated {
            seed: simulated.seed,
            scenario: simulated
                .scenario
                .as_ref()
                .map(|scenario| source.existing(scenario))
                .transpose()?,
            takt: simulated
                .takt
                .as_ref()
                .map(|takt| source.lasting(Some(takt), 0, 100, 3_600_000))
                .transpose()?,
            calibration: calibration::check(
                source,
                simulated.calibration.as_ref(),
                simulated.calibration_lasts.as_ref(),
            )?,
        }),
        RawJig::RaspberryPi(raw) => {
            let count = u8::try_from(lanes.len()).unwrap_or(LaneId::MOST);
            let pi = raspberry_pi::check(source, raw, count)?;
            if let Some(light) = dimmed.filter(|_| !pi.lamp.kind().adjustable()) {
                return Err(source.mistake(
                    light,
                    "the light of these lamps is fixed by their resistors: expected no shares",
                ));
            }
            Ok(Jig::RaspberryPi(Box::new(pi)))
        }
    }
}

/// Whether an imp transmitter can send what a recipe says: it knows network and password, and gets the rest by itself.
fn imp_fits(
    source: Source<'_>,
    place: &Spanned<PathBuf>,
    recipe: &Recipe,
    remarks: &mut Vec<String>,
) -> Result<(), Mistake> {
    let why = match recipe.pass {
        PassRule::Claimed { .. } => Some(
            "an imp transmitter does not tell its tokens, so that nobody can be asked who claimed one: expected the pass rule `blessed` or `led-only`",
        ),
        PassRule::Blessed { .. } | PassRule::LedOnly { .. } if recipe.address.is_some() || recipe.proxy.is_some() => {
            Some("an imp transmitter sends network and password only: expected no static address and no proxy")
        }
        PassRule::Blessed { .. } | PassRule::LedOnly { .. } => None,
    };
    if let Some(why) = why {
        return Err(source.mistake(place, why));
    }
    if !recipe.enrols {
        remarks.push(
            "jig.raspberry_pi.transmitter: the imp sends a token of its own, though the recipe enrols no unit"
                .to_owned(),
        );
    }
    Ok(())
}

/// Where tokens come from, which has to fit every recipe; each has its place.
fn enrolment_of_all(
    source: Source<'_>,
    raw: Option<&Spanned<RawEnrolment>>,
    recipes: &[(&Spanned<PathBuf>, &Recipe)],
    remarks: &mut Vec<String>,
) -> Result<Option<Enrolment>, Mistake> {
    let mut enrolled = None;
    for (place, recipe) in recipes.iter().filter(|(_, recipe)| recipe.enrols) {
        let Some(raw) = raw else {
            return Err(source.mistake(
                place,
                "this recipe enrols units: expected a section [enrolment.fixed], [enrolment.simulated] or [enrolment.impcloud]",
            ));
        };
        enrolled = Some(enrolment(source, raw, recipe)?);
    }
    if enrolled.is_none() && raw.is_some() {
        remarks.push("enrolment: not used: the recipe sends no token".to_owned());
    }
    Ok(enrolled)
}

fn enrolment(source: Source<'_>, raw: &Spanned<RawEnrolment>, recipe: &Recipe) -> Result<Enrolment, Mistake> {
    match raw.get_ref() {
        RawEnrolment::Fixed(fixed) => {
            let why = match recipe.pass {
                PassRule::Claimed { .. } => {
                    Some("the recipe's pass rule is `claimed`, and nobody can be asked who claimed a fixed token")
                }
                PassRule::Blessed { .. } => Some(
                    "the recipe's pass rule is `blessed`, and under a token that all units share a bless event could be any unit's",
                ),
                PassRule::LedOnly { .. } => None,
            };
            if let Some(why) = why {
                let what = format!("{why}: expected [enrolment.simulated] or [enrolment.impcloud]");
                return Err(source.mistake(raw, what));
            }
            let file = source.path(&fixed.token_file)?;
            let token = Secret::from_file(&file)
                .and_then(|secret| {
                    secret
                        .reveal()
                        .parse()
                        .map_err(|_| "expected 16 hexadecimal digits".to_owned())
                })
                .map_err(|what| source.mistake(&fixed.token_file, format!("{}: {what}", file.display())))?;
            Ok(Enrolment::Fixed {
                plan: source.plan(&fixed.plan)?,
                token,
            })
        }
        RawEnrolment::Simulated(Nothing {}) => Ok(Enrolment::Simulated),
        RawEnrolment::Impcloud(cloud) => Ok(Enrolment::ImpCloud(imp_cloud(source, cloud)?)),
    }
}

fn imp_cloud(source: Source<'_>, raw: &RawImpCloud) -> Result<ImpCloud, Mistake> {
    let base_url = match &raw.base_url {
        None => BASE_URL.to_owned(),
        Some(url) => {
            if !safe_url(url.get_ref()) {
                return Err(source.mistake(
                    url,
                    format!(
                        "expected an address that starts with https:// (or http:// and a loopback address), found {:?}",
                        url.get_ref()
                    ),
                ));
            }
            url.get_ref().trim_end_matches('/').to_owned()
        }
    };
    let key_file = source.path(&raw.key_file)?;
    let key = Secret::from_file(&key_file)
        .and_then(|key| {
            let plain = !key.reveal().is_empty() && key.reveal().chars().all(|letter| letter.is_ascii_graphic());
            plain
                .then_some(key)
                .ok_or_else(|| "expected an API key: printable letters without spaces".to_owned())
        })
        .map_err(|what| source.mistake(&raw.key_file, format!("{}: {what}", key_file.display())))?;
    Ok(ImpCloud {
        base_url,
        key,
        auth: raw.auth,
        plan: raw.plan.as_ref().map(|plan| source.plan(plan)).transpose()?,
        timeout: source.lasting(raw.timeout.as_ref(), 5000, 100, 60_000)?,
        tries: source.count(raw.tries.as_ref(), 4, 1, 10)?,
        backoff: source.lasting(raw.backoff.as_ref(), 500, 1, 60_000)?,
        ca_file: raw.ca_file.as_ref().map(|file| source.existing(file)).transpose()?,
    })
}

/// Whether a key may be sent there: encrypted, or not beyond this machine.
fn safe_url(url: &str) -> bool {
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with('/');
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn text_of(file: &Path) -> Result<String, Mistake> {
    std::fs::read_to_string(file).map_err(|error| Mistake::of_file(file, format!("cannot be read: {error}")))
}

/// A file's text, to point into.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    secrets: Secrets,
}

impl Source<'_> {
    fn mistake<T>(self, place: &Spanned<T>, what: impl core::fmt::Display) -> Mistake {
        Mistake::at(self.file, self.text, place.span(), what)
    }

    /// A path, relative to the file's folder.
    fn path(self, raw: &Spanned<PathBuf>) -> Result<PathBuf, Mistake> {
        if raw.get_ref().as_os_str().is_empty() {
            return Err(self.mistake(raw, "expected a path, found nothing"));
        }
        Ok(self.file.parent().unwrap_or(Path::new("")).join(raw.get_ref()))
    }

    /// The recipe that a path leads to, and what is odd about it.
    fn recipe(self, raw: &Spanned<PathBuf>, codes: &CodeTable) -> Result<(Recipe, Vec<String>), Mistake> {
        let file = self.path(raw)?;
        load_recipe_with_codes(&file, codes).map_err(|mistake| {
            if file.is_file() {
                mistake
            } else {
                self.mistake(raw, format!("expected a recipe: no file {}", file.display()))
            }
        })
    }

    /// A path of a file that is there.
    fn existing(self, raw: &Spanned<PathBuf>) -> Result<PathBuf, Mistake> {
        let path = self.path(raw)?;
        if path.is_file() {
            Ok(path)
        } else {
            Err(self.mistake(raw, format!("no file {}", path.display())))
        }
    }

    fn plan(self, raw: &Spanned<String>) -> Result<PlanId, Mistake> {
        raw.get_ref().parse().map_err(|error| self.mistake(raw, error))
    }

    /// A whole number within limits.
    fn count<N: TryFrom<u64>>(
        self,
        raw: Option<&Spanned<u64>>,
        default: u64,
        least: u64,
        most: u64,
    ) -> Result<N, Mistake> {
        let found = raw.map_or(default, |raw| *raw.get_ref());
        (least..=most)
            .contains(&found)
            .then(|| N::try_from(found).ok())
            .flatten()
            .ok_or_else(|| {
                self.beyond(
                    raw,
                    format!("expected a whole number from {least} to {most}, found {found}"),
                )
            })
    }

    /// A number within limits.
    fn number(self, raw: Option<&Spanned<f64>>, default: f64, least: f64, most: f64) -> Result<f32, Mistake> {
        let found = raw.map_or(default, |raw| *raw.get_ref());
        if (least..=most).contains(&found) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a share between 0 and 1 needs no more digits"
            )]
            Ok(found as f32)
        } else {
            Err(self.beyond(raw, format!("expected a number from {least} to {most}, found {found}")))
        }
    }

    /// A duration within limits; all three in milliseconds.
    fn lasting(self, raw: Option<&Spanned<Lasting>>, default: u64, least: u64, most: u64) -> Result<Duration, Mistake> {
        let [default, least, most] = [default, least, most].map(Duration::from_millis);
        let found = raw.map_or(default, |raw| raw.get_ref().0);
        if (least..=most).contains(&found) {
            Ok(found)
        } else {
            Err(self.beyond(
                raw,
                format!("expected a duration from {least:?} to {most:?}, found {found:?}"),
            ))
        }
    }

    fn beyond<T>(self, raw: Option<&Spanned<T>>, what: String) -> Mistake {
        match raw {
            Some(raw) => self.mistake(raw, what),
            None => Mistake::of_file(self.file, what),
        }
    }
}

/// When golden checks are due.
fn golden_check(source: Source<'_>, raw: &RawGoldenCheck) -> Result<GoldenCheck, Mistake> {
    let spans = Duration::from_mins(10)..=Duration::from_hours(31 * 24);
    let span = || {
        let span = raw.every.get_ref().parse::<jiff::SignedDuration>().ok()?;
        Duration::try_from(span).ok().filter(|span| spans.contains(span))
    };
    let every = if raw.every.get_ref() == "shift" {
        CheckEvery::Shift
    } else {
        span().map(CheckEvery::Span).ok_or_else(|| {
            let what = "expected \"shift\", or a duration from 10 minutes to 31 days such as \"12h\"";
            source.mistake(&raw.every, format!("{what}, found {:?}", raw.every.get_ref()))
        })?
    };
    let rules = CheckRules {
        known_bad: if raw.known_bad == Some(true) {
            KnownBad::Asked
        } else {
            KnownBad::NotAsked
        },
        grace: source.lasting(raw.from.as_ref(), 0, 0, 12 * 3_600_000)?,
    };
    Ok(GoldenCheck { every, rules })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_told_from_another_by_what_it_sets_and_not_by_how_it_is_written() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/simulated.toml");
        let text = std::fs::read_to_string(&source).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let told = |text: &str| {
            let file = folder.path().join("fixture.toml");
            let recipes = source.parent().unwrap().display().to_string();
            let text = text.replace("recipes/", &format!("{recipes}/recipes/"));
            std::fs::write(&file, text).unwrap();
            let config = Config::load(&file).unwrap();
            (config.book.told(), config.lamps_told())
        };
        let (first, lamps) = told(&text);
        assert!(
            first.starts_with("configuration ") && first.contains("; recipe "),
            "{first}"
        );
        assert!(lamps.starts_with("simulated; lane 1 gives 1.00"), "{lamps}");
        assert_eq!(
            told(&format!("# Another comment.\n\n{text}")),
            (first.clone(), lamps.clone())
        );
        let other = told(&text.replace("k_in_a_row = 3", "k_in_a_row = 7"));
        assert_ne!(other.0, first);
        assert_eq!(other.1, lamps);
    }

    #[test]
    fn a_key_is_only_sent_encrypted_or_to_this_machine() {
        for good in [
            "https://api.electricimp.com/v1",
            "http://127.0.0.1:8000/v1",
            "http://127.1.2.3",
            "http://[::1]:80/v1",
        ] {
            assert!(safe_url(good), "{good}");
        }
        for bad in [
            "http://api.electricimp.com/v1",
            "http://127.0.0.1.example.com/",
            "http://localhost:80/",
            "http://127.0.0.1@example.com/",
            "https://",
            "ftp://127.0.0.1",
            "",
        ] {
            assert!(!safe_url(bad), "{bad}");
        }
    }
}
