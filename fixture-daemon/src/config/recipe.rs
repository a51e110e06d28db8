//! A recipe file: raw in, checked [`Recipe`] out.

use core::num::NonZeroU16;
use core::time::Duration;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use blinkup::Level;
use blinkup::codes::{Code, CodeTable};
use blinkup::frame::SymbolRate;
use blinkup::packet::{
    Credentials, Enrolment, Packet, Password, PlanId, Proxy, Settings, SettingsError, Ssid, StaticAddress, Token, Wifi,
};
use fixture_link::mistake::{Mistake, read};
use serde::Deserialize;
use toml::Spanned;

use super::lasting::Lasting;
use super::{Secret, Source, text_of};
use crate::engine::led::{LedLimits, Strength};
use crate::engine::recipe::{Link, PassRule, Recipe, Rung};
use crate::engine::station::WINDOW_BESIDE_FRAME;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Spanned<String>,
    link: Spanned<RawLink>,
    enrols: Spanned<bool>,
    wifi: Option<Spanned<RawWifi>>,
    #[serde(rename = "static")]
    address: Option<RawAddress>,
    proxy: Option<RawProxy>,
    pass: Spanned<RawPass>,
    #[serde(default)]
    ready: RawReady,
    #[serde(default)]
    send: RawSend,
    #[serde(default)]
    times: RawTimes,
    #[serde(default)]
    reader: RawReader,
    led: Option<RawLed>,
    unit: RawUnit,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum RawLink {
    Wifi,
    Ethernet,
    Cellular,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWifi {
    ssid: Spanned<String>,
    password_file: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAddress {
    ip: Ipv4Addr,
    netmask: Ipv4Addr,
    gateway: Ipv4Addr,
    dns1: Ipv4Addr,
    dns2: Option<Ipv4Addr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProxy {
    server: Spanned<String>,
    port: Spanned<u64>,
    username: Option<Spanned<String>>,
    password_file: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawPass {
    Blessed(RawBlessed),
    Claimed(RawClaimed),
    LedOnly(RawLedOnly),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBlessed {
    hold: Spanned<Lasting>,
    event_within: Spanned<Lasting>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClaimed {
    within: Spanned<Lasting>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLedOnly {
    hold: Spanned<Lasting>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawReady {
    codes: Option<Spanned<Vec<Spanned<String>>>>,
    within: Option<Spanned<Lasting>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawSend {
    listens_for: Option<Spanned<Lasting>>,
    attempts: Option<Spanned<u64>>,
    late_limit: Option<Spanned<f64>>,
    mid_within: Option<Spanned<f64>>,
    ladder: Option<Spanned<Vec<RawRung>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRung {
    rate: Spanned<u64>,
    bright: Spanned<f64>,
    mid_share: Spanned<f64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawTimes {
    token: Option<Spanned<Lasting>>,
    stage: Option<Spanned<Lasting>>,
    connect: Option<Spanned<Lasting>>,
    update: Option<Spanned<Lasting>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawReader {
    confidence: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLed {
    strength: Option<Spanned<[Spanned<f64>; 2]>>,
    counts: Option<Spanned<[Spanned<f64>; 2]>>,
    green_share: Option<Spanned<[Spanned<f64>; 2]>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUnit {
    wants_serial: bool,
    runs_at_most: Spanned<u64>,
    quarantine_after: Spanned<u64>,
}

/// The usual ladder: 60, then 30, then 20 symbols a second, which early impOS needs.
const LADDER: [Rung; 3] = [
    Rung {
        rate: 60,
        bright: Level::FULL,
        mid_share: 0.5,
    },
    Rung {
        rate: 30,
        bright: Level::FULL,
        mid_share: 0.5,
    },
    Rung {
        rate: 20,
        bright: Level::FULL,
        mid_share: 0.5,
    },
];

/// Reads and checks a recipe and the secrets that it names; beside it, what is allowed but odd, for a person to read.
///
/// # Errors
/// The first mistake, with file, line, field and what was expected.
pub fn load(file: &Path) -> Result<(Recipe, Vec<String>), Mistake> {
    load_with_codes(file, &CodeTable::vendor())
}

/// The same for a fixture with a table of status codes of its own, which then is part of the recipe's version: by it the light was read.
/// What it says otherwise than the vendor's does is told.
///
/// # Errors
/// The first mistake, with file, line, field and what was expected.
pub fn load_with_codes(file: &Path, table: &CodeTable) -> Result<(Recipe, Vec<String>), Mistake> {
    parse(file, &text_of(file)?, table, Secrets::Read)
}

/// Whether the files of secrets are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They are.
    Read,
    /// They are not, and something else is in their place: for who only weighs what is stored.
    NotRead,
}

/// What stands in the place of a secret that is not read; about as long as most are, since a packet's length depends on it.
const IN_PLACE: &str = "not-read-here";

/// A recipe in a text, which `file` is named for in what is told.
pub fn parse(file: &Path, text: &str, table: &CodeTable, secrets: Secrets) -> Result<(Recipe, Vec<String>), Mistake> {
    let raw: Raw = read(file, text)?;
    let source = Source { file, text, secrets };

    let name = raw.name.get_ref();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_. ".contains(letter);
    if name.trim() != name || !(1..=64).contains(&name.len()) || !name.chars().all(plain) {
        let what = format!("expected 1 to 64 letters, digits, spaces, dots, - and _, found {name:?}");
        return Err(source.mistake(&raw.name, what));
    }
    let link = link(source, &raw)?;
    let mut recipe = Recipe {
        name: name.clone(),
        version: String::new(),
        wifi: raw.wifi.as_ref().map(|raw| wifi(source, raw.get_ref())).transpose()?,
        address: raw.address.as_ref().map(address),
        proxy: raw.proxy.as_ref().map(|raw| proxy(source, raw)).transpose()?,
        link,
        enrols: *raw.enrols.get_ref(),
        pass: pass(source, &raw.pass, &raw.enrols)?,
        ready_codes: ready_codes(source, &raw.ready, table)?,
        ready_within: source.lasting(raw.ready.within.as_ref(), 20_000, 1000, 600_000)?,
        listens_for: source.lasting(raw.send.listens_for.as_ref(), 60_000, 5000, 600_000)?,
        confidence: source.number(raw.reader.confidence.as_ref(), 0.99, 0.5, 1.0)?,
        ladder: ladder(source, raw.send.ladder.as_ref())?,
        attempts: source.count(raw.send.attempts.as_ref(), 3, 1, 20)?,
        mid_within: source.number(raw.send.mid_within.as_ref(), 0.15, 0.02, 0.5)?,
        late_limit: source.number(raw.send.late_limit.as_ref(), 0.25, 0.01, 4.0)?,
        token_within: source.lasting(raw.times.token.as_ref(), 20_000, 1000, 600_000)?,
        stage_within: source.lasting(raw.times.stage.as_ref(), 30_000, 1000, 600_000)?,
        connect_within: source.lasting(raw.times.connect.as_ref(), 60_000, 1000, 1_800_000)?,
        update_within: source.lasting(raw.times.update.as_ref(), 300_000, 1000, 3_600_000)?,
        led: raw.led.as_ref().map(|raw| led(source, raw)).transpose()?,
        wants_serial: raw.unit.wants_serial,
        runs_at_most: source.count(Some(&raw.unit.runs_at_most), 0, 1, 100)?,
        quarantine_after: source.count(Some(&raw.unit.quarantine_after), 0, 2, 100)?,
    };
    let mut remarks = fit(source, &raw, &recipe)?;
    let vendor = CodeTable::vendor();
    let own = (table.codes() != vendor.codes()).then_some(table);
    if own.is_some() {
        remarks.extend(contradicted(table, &vendor));
    }
    recipe.version = version(&recipe, own);
    Ok((recipe, remarks))
}

/// The codes whose light a table has otherwise than the vendor knows it; one that was only unknown there is none.
fn contradicted(table: &CodeTable, vendor: &CodeTable) -> Option<String> {
    let known = |code: &&Code| code.steps.iter().all(|step| step.colour.is_some());
    let differs = |code: &&Code| {
        table
            .code(&code.id)
            .is_none_or(|own| own.steps != code.steps || own.pattern != code.pattern)
    };
    let codes: Vec<&str> = vendor
        .codes()
        .iter()
        .filter(known)
        .filter(differs)
        .map(|code| code.id.as_str())
        .collect();
    (!codes.is_empty()).then(|| {
        format!(
            "the fixture's own table of status codes has other light than this version's for {}",
            codes.join(", ")
        )
    })
}

fn led(source: Source<'_>, raw: &RawLed) -> Result<LedLimits, Mistake> {
    let limits = |raw: &Spanned<[Spanned<f64>; 2]>, most: f64| {
        let [least, limit] = raw.get_ref();
        let (from, to) = (
            source.number(Some(least), 0.0, 0.0, most)?,
            source.number(Some(limit), 0.0, 0.0, most)?,
        );
        if from < to {
            Ok(from..=to)
        } else {
            Err(source.mistake(raw, format!("expected the lower limit first, found {from} and {to}")))
        }
    };
    let strength = match (&raw.strength, &raw.counts) {
        (Some(_), Some(counts)) => {
            return Err(source.mistake(counts, "expected strength or counts, not both"));
        }
        (Some(strength), None) => Some(Strength::OfReference(limits(strength, 100.0)?)),
        (None, Some(counts)) => Some(Strength::Counts(limits(counts, 65_535.0)?)),
        (None, None) => None,
    };
    Ok(LedLimits {
        strength,
        green_share: raw.green_share.as_ref().map(|raw| limits(raw, 1.0)).transpose()?,
    })
}

fn link(source: Source<'_>, raw: &Raw) -> Result<Link, Mistake> {
    match (raw.link.get_ref(), &raw.wifi) {
        (RawLink::Wifi, Some(_)) => Ok(Link::Wifi),
        (RawLink::Wifi, None) => {
            Err(source.mistake(&raw.link, "a Wi-Fi unit needs its network: expected a section [wifi]"))
        }
        (RawLink::Ethernet | RawLink::Cellular, Some(wifi)) => {
            Err(source.mistake(wifi, "expected no [wifi] where link is not \"wifi\""))
        }
        (RawLink::Ethernet, None) => Ok(Link::Ethernet),
        (RawLink::Cellular, None) => Ok(Link::Cellular),
    }
}

fn wifi(source: Source<'_>, raw: &RawWifi) -> Result<Wifi, Mistake> {
    Ok(Wifi {
        ssid: Ssid::new(raw.ssid.get_ref()).map_err(|error| source.mistake(&raw.ssid, error))?,
        password: match &raw.password_file {
            None => Password::default(),
            Some(file) => match secret(source, file, Password::new)? {
                // An empty password is what an open network has: nobody may get one by a truncated file.
                empty if empty == Password::default() => {
                    return Err(source.mistake(
                        file,
                        format!(
                            "{}: empty: expected 1 to 64 bytes; leave password_file out for an open network",
                            source.path(file)?.display()
                        ),
                    ));
                }
                password => password,
            },
        },
    })
}

/// What a secret file holds, checked; a mistake never shows it.
fn secret<T>(
    source: Source<'_>,
    raw: &Spanned<PathBuf>,
    check: impl FnOnce(&str) -> Result<T, SettingsError>,
) -> Result<T, Mistake> {
    let file = source.path(raw)?;
    let told = |what: String| source.mistake(raw, format!("{}: {what}", file.display()));
    let secret = match source.secrets {
        Secrets::Read => Secret::from_file(&file).map_err(told)?,
        Secrets::NotRead => Secret::new(IN_PLACE.to_owned()),
    };
    check(secret.reveal()).map_err(|error| told(error.to_string()))
}

fn address(raw: &RawAddress) -> StaticAddress {
    StaticAddress {
        ip: raw.ip,
        netmask: raw.netmask,
        gateway: raw.gateway,
        dns1: raw.dns1,
        dns2: raw.dns2,
    }
}

fn proxy(source: Source<'_>, raw: &RawProxy) -> Result<Proxy, Mistake> {
    let port: u16 = source.count(Some(&raw.port), 0, 1, u64::from(u16::MAX))?;
    let port = NonZeroU16::new(port).ok_or_else(|| source.mistake(&raw.port, "expected a port from 1 to 65535"))?;
    let credentials = match (&raw.username, &raw.password_file) {
        (None, None) => None,
        (Some(username), Some(file)) => {
            Credentials::new(username.get_ref(), "").map_err(|error| source.mistake(username, error))?;
            Some(secret(source, file, |password| {
                Credentials::new(username.get_ref(), password)
            })?)
        }
        (Some(alone), None) => {
            return Err(source.mistake(alone, "expected password_file beside it"));
        }
        (None, Some(alone)) => {
            return Err(source.mistake(alone, "expected username beside it"));
        }
    };
    Proxy::new(raw.server.get_ref(), port, credentials).map_err(|error| source.mistake(&raw.server, error))
}

fn pass(source: Source<'_>, raw: &Spanned<RawPass>, enrols: &Spanned<bool>) -> Result<PassRule, Mistake> {
    let hold = |raw| source.lasting(Some(raw), 0, 500, 600_000);
    let within = |raw| source.lasting(Some(raw), 0, 1000, 3_600_000);
    let rule = match raw.get_ref() {
        RawPass::Blessed(blessed) => PassRule::Blessed {
            hold: hold(&blessed.hold)?,
            event_within: within(&blessed.event_within)?,
        },
        RawPass::Claimed(claimed) => PassRule::Claimed {
            within: within(&claimed.within)?,
        },
        RawPass::LedOnly(led_only) => PassRule::LedOnly {
            hold: hold(&led_only.hold)?,
        },
    };
    let wants_token = match rule {
        PassRule::Blessed { .. } | PassRule::Claimed { .. } => true,
        PassRule::LedOnly { .. } => false,
    };
    if wants_token && !*enrols.get_ref() {
        return Err(source.mistake(
            enrols,
            "expected true: without a token no cloud can be the second witness of this pass rule",
        ));
    }
    Ok(rule)
}

fn ready_codes(source: Source<'_>, raw: &RawReady, table: &CodeTable) -> Result<Vec<String>, Mistake> {
    let Some(codes) = &raw.codes else {
        return Ok(vec!["no-network-settings".to_owned()]);
    };
    if codes.get_ref().is_empty() {
        return Err(source.mistake(codes, "expected at least one id of a status code"));
    }
    for code in codes.get_ref() {
        if table.code(code.get_ref()).is_none() {
            let what = format!(
                "expected the id of a status code that the table of status codes knows, such as \"no-network-settings\", found {:?}",
                code.get_ref()
            );
            return Err(source.mistake(code, what));
        }
    }
    Ok(codes.get_ref().iter().map(|code| code.get_ref().clone()).collect())
}

fn ladder(source: Source<'_>, raw: Option<&Spanned<Vec<RawRung>>>) -> Result<Vec<Rung>, Mistake> {
    let Some(raw) = raw else {
        return Ok(LADDER.to_vec());
    };
    if raw.get_ref().is_empty() {
        return Err(source.mistake(raw, "expected at least one rung"));
    }
    raw.get_ref()
        .iter()
        .map(|rung| {
            Ok(Rung {
                rate: source.count(
                    Some(&rung.rate),
                    0,
                    u64::from(SymbolRate::SLOWEST.a_second()),
                    u64::from(SymbolRate::FASTEST.a_second()),
                )?,
                bright: Level::new(source.number(Some(&rung.bright), 1.0, 0.01, 1.0)?),
                mid_share: source.number(Some(&rung.mid_share), 0.5, 0.1, 0.9)?,
            })
        })
        .collect()
}

/// Whether a frame can be sent while the unit listens, rung by rung.
fn fit(source: Source<'_>, raw: &Raw, recipe: &Recipe) -> Result<Vec<String>, Mistake> {
    let settings = Settings {
        wifi: recipe.wifi.clone(),
        address: recipe.address,
        proxy: recipe.proxy.clone(),
        // The token's value does not change the frame's length.
        enrolment: recipe.enrols.then(|| Enrolment {
            plan_id: PlanId::from_bytes([0; 8]),
            token: Token::from_bytes([0; 8]),
        }),
    };
    let packet = Packet::configure(&settings).map_err(|error| source.mistake(&raw.name, error))?;
    let lasts: Vec<Duration> = recipe
        .ladder
        .iter()
        .map(|rung| {
            let rate = SymbolRate::new(rung.rate).unwrap_or(SymbolRate::SLOWEST);
            packet.frame(rate.preamble()).duration(rate)
        })
        .collect();
    let window = recipe.listens_for;
    let shortest = lasts.iter().min().copied().unwrap_or_default();
    if shortest + WINDOW_BESIDE_FRAME > window {
        let what = format!(
            "a packet of {} bytes takes {:.1} s on its fastest rung, expected at most the {:.1} s that a unit listens without the {} s \
             until it is known to be ready",
            packet.bytes().len(),
            shortest.as_secs_f32(),
            window.as_secs_f32(),
            WINDOW_BESIDE_FRAME.as_secs()
        );
        return Err(match (&raw.send.ladder, &raw.send.listens_for) {
            (Some(ladder), _) => source.mistake(ladder, what),
            (None, Some(window)) => source.mistake(window, what),
            (None, None) => source.mistake(&raw.name, what),
        });
    }
    Ok(recipe
        .ladder
        .iter()
        .zip(&lasts)
        .filter(|(_, lasts)| **lasts + WINDOW_BESIDE_FRAME > window)
        .map(|(rung, lasts)| {
            format!(
                "send.ladder: the rung of {} symbols a second is never used: a packet of {} bytes takes {:.1} s on it, and a unit \
                 listens for {:.1} s, of which {} s pass until it is known to be ready",
                rung.rate,
                packet.bytes().len(),
                lasts.as_secs_f32(),
                window.as_secs_f32(),
                WINDOW_BESIDE_FRAME.as_secs()
            )
        })
        .collect())
}

/// The recipe of `config/recipes/blessed.toml`, for a simulation that is given none: it works in any directory.
///
/// # Panics
/// Never: what it is made of is checked by a test.
pub fn example() -> Recipe {
    let rung = |rate, bright| Rung {
        rate,
        bright: Level::new(bright),
        mid_share: 0.5,
    };
    let mut recipe = Recipe {
        name: "blessed".to_owned(),
        version: String::new(),
        wifi: Some(Wifi {
            ssid: Ssid::new("factory-floor").expect("a name of 13 bytes"),
            password: Password::new("example only, not a secret").expect("a password of 26 bytes"),
        }),
        address: None,
        proxy: None,
        link: Link::Wifi,
        enrols: true,
        pass: PassRule::Blessed {
            hold: Duration::from_secs(5),
            event_within: Duration::from_secs(30),
        },
        ready_codes: vec!["no-network-settings".to_owned()],
        ready_within: Duration::from_secs(20),
        listens_for: Duration::from_mins(1),
        confidence: 0.99,
        ladder: vec![rung(60, 0.8), rung(30, 1.0), rung(20, 0.6)],
        attempts: 3,
        mid_within: 0.15,
        late_limit: 0.25,
        token_within: Duration::from_secs(20),
        stage_within: Duration::from_secs(30),
        connect_within: Duration::from_mins(1),
        update_within: Duration::from_mins(5),
        led: Some(LedLimits {
            strength: Some(Strength::OfReference(0.25..=5.0)),
            green_share: Some(0.4..=0.6),
        }),
        wants_serial: true,
        runs_at_most: 3,
        quarantine_after: 2,
    };
    recipe.version = version(&recipe, None);
    recipe
}

/// The first 16 hex digits of the SHA-256 of the checked form, and of a fixture's own table of status codes; its `Debug` hides every secret.
fn version(recipe: &Recipe, own: Option<&CodeTable>) -> String {
    let codes = own.map_or_else(String::new, |table| format!("{:?}", table.codes()));
    super::digest(&format!("{recipe:?}{codes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_recipe_is_the_one_in_the_file() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/recipes/blessed.toml");
        let (recipe, _) = load(&file).unwrap();
        assert_eq!(format!("{recipe:?}"), format!("{:?}", example()));
        let password = |recipe: &Recipe| recipe.wifi.as_ref().map(|wifi| wifi.password.as_str().to_owned());
        assert_eq!(password(&recipe), password(&example()));
    }

    #[test]
    fn a_table_of_the_fixtures_own_is_part_of_the_version_and_its_contradictions_are_told() {
        use blinkup::codes::Colour::{Amber, Green, Off};
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/recipes/blessed.toml");
        let (vendors, remarks) = load(&file).unwrap();
        let taught = CodeTable::teach(
            CodeTable::vendor_text(),
            "wps-in-progress",
            &[Off, Green, Off, Amber],
            "seen",
        )
        .unwrap();
        let (own, of_own) = load_with_codes(&file, &CodeTable::parse(&taught).unwrap()).unwrap();
        assert_ne!(own.version, vendors.version, "what was read by it is told apart");
        assert_eq!(of_own, remarks, "the vendor does not know that code's light");
        // An older table under a newer program.
        let twisted = CodeTable::teach(&taught, "wps-in-progress", &[Off, Amber, Off, Green], "seen").unwrap();
        let (again, _) = load_with_codes(&file, &CodeTable::parse(&twisted).unwrap()).unwrap();
        assert_ne!(again.version, own.version);
        let (before, rest) = CodeTable::vendor_text().split_once("id = \"connected\"").unwrap();
        let rest = rest
            .replacen("ms = 500", "ms = 510", 1)
            .replacen("period_ms = 1000", "period_ms = 1010", 1);
        let old = CodeTable::parse(&format!("{before}id = \"connected\"{rest}")).unwrap();
        let (_, told) = load_with_codes(&file, &old).unwrap();
        assert!(
            told.last()
                .unwrap()
                .ends_with("has other light than this version's for connected"),
            "{told:?}"
        );
        assert_eq!(told.len(), remarks.len() + 1);
    }
}
