//! The vendor's cloud over HTTP: `POST /setup_tokens` for a token, `GET /setup_tokens/{id}` for who has used it.
//!
//! Blocking; every request is bounded in time and size, no redirect is followed, and neither key nor token is ever shown.

use core::time::Duration;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use blinkup::packet::{PlanId, Token};
use serde::Deserialize;
use ureq::http::header::{AUTHORIZATION, RETRY_AFTER};
use ureq::http::{Response, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::name;
use crate::clock::Clock;
use crate::config::{ImpCloud, KeyForm, Secret};
use crate::engine::input::{ClaimAnswer, TokenGrant};

/// The largest answer that is read, in bytes; the real ones have a few hundred.
const LARGEST: u64 = 64 * 1024;

/// The longest wait between two tries, whatever the cloud asks for: the recipe's token time-out is of that order.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Tokens whose claim can still be asked for.
const REMEMBERED: usize = 64;

/// Why the cloud gave no answer. Never holds key or token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// 400, 401 or 403: the key is wrong, or written in the other form. Asking again does not help.
    #[error("the cloud does not accept the API key ({0}): check the key file, and whether `auth` is the right form")]
    KeyRefused(u16),
    /// 429: too many requests.
    #[error("the cloud says that there are too many requests (429)")]
    TooMany,
    /// 5xx.
    #[error("the cloud is out of order ({0})")]
    OutOfOrder(u16),
    /// Another status that is no success.
    #[error("the cloud answers with status {0}")]
    Status(u16),
    /// No answer in time.
    #[error("no answer from the cloud within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The cloud cannot be reached: name, route, connection.
    #[error("the cloud cannot be reached: {0}")]
    Network(String),
    /// The other end is not proven to be the cloud.
    #[error("TLS: {0}")]
    Tls(String),
    /// The answer is not one of the cloud's.
    #[error("the cloud's answer makes no sense: {0}")]
    Garbage(String),
    /// The authorities' file.
    #[error("{}: {what}", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The token is none that this process got lately.
    #[error("token {0}: not one of the last {REMEMBERED} of this process")]
    UnknownToken(String),
    /// Every try failed.
    #[error("{tries} tries: {last}")]
    GivenUp {
        /// How many.
        tries: u32,
        /// What the last one said.
        last: Box<CloudError>,
    },
}

impl CloudError {
    /// Whether asking again may help.
    fn passes(&self) -> bool {
        match self {
            Self::TooMany | Self::OutOfOrder(_) | Self::TimedOut(_) | Self::Network(_) => true,
            Self::KeyRefused(_)
            | Self::Status(_)
            | Self::Tls(_)
            | Self::Garbage(_)
            | Self::Authority { .. }
            | Self::UnknownToken(_)
            | Self::GivenUp { .. } => false,
        }
    }
}

/// A failed request, and how long the cloud asks to wait before the next.
struct Failed(CloudError, Option<Duration>);

impl From<CloudError> for Failed {
    fn from(error: CloudError) -> Self {
        Self(error, None)
    }
}

/// A client of the vendor's cloud.
pub struct ImpCloudClient {
    agent: Agent,
    base_url: String,
    authorization: Secret,
    plan: Option<PlanId>,
    timeout: Duration,
    tries: u32,
    backoff: Duration,
    clock: Clock,
    given: Mutex<VecDeque<(String, Token)>>,
}

#[derive(Deserialize)]
struct Granted {
    id: String,
    plan_id: String,
}

#[derive(Deserialize)]
struct Claimed {
    #[serde(default)]
    impee_id: Option<String>,
    #[serde(default)]
    agent_url: Option<String>,
}

impl ImpCloudClient {
    /// A client; asks nothing yet.
    ///
    /// # Errors
    /// The file with the authorities cannot be read or holds no certificate.
    pub fn new(config: ImpCloud) -> Result<Self, CloudError> {
        let roots = match &config.ca_file {
            None => RootCerts::WebPki,
            Some(file) => RootCerts::new_with_certs(&authorities(file)?),
        };
        let agent = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(config.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            // The environment must not send the key to a proxy.
            .proxy(None)
            .user_agent(concat!("fixture-daemon/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let key = match config.auth {
            KeyForm::Key => config.key.reveal().to_owned(),
            KeyForm::KeyColon => format!("{}:", config.key.reveal()),
        };
        Ok(Self {
            agent,
            base_url: config.base_url,
            authorization: Secret::new(format!("Basic {}", base64(key.as_bytes()))),
            plan: config.plan,
            timeout: config.timeout,
            tries: config.tries,
            backoff: config.backoff,
            clock: Clock::start(),
            given: Mutex::default(),
        })
    }

    /// A new token; tried again, with growing waits, while that may help.
    ///
    /// # Errors
    /// The first error that asking again does not mend, or [`CloudError::GivenUp`].
    pub fn token(&self) -> Result<TokenGrant, CloudError> {
        let mut wait = self.backoff;
        for tried in 1.. {
            let Failed(error, asked) = match self.ask_for_token() {
                Ok(grant) => return Ok(grant),
                Err(failed) => failed,
            };
            if !error.passes() {
                return Err(error);
            }
            if tried >= self.tries {
                return Err(CloudError::GivenUp {
                    tries: tried,
                    last: Box::new(error),
                });
            }
            let wait_now = asked.unwrap_or(wait).min(LONGEST_WAIT);
            tracing::warn!("token: {error}: next try in {} ms", wait_now.as_millis());
            self.clock.sleep_until(self.clock.now() + wait_now);
            wait *= 2;
        }
        unreachable!("the loop ends at the last try")
    }

    /// Who has used a token; asked once, since the engine asks again by itself.
    ///
    /// # Errors
    /// Any [`CloudError`] but `GivenUp`.
    pub fn claim(&self, token_id: &str) -> Result<ClaimAnswer, CloudError> {
        let token = self
            .given()
            .iter()
            .find(|(id, _)| id == token_id)
            .map(|(_, token)| token.to_hex())
            .ok_or_else(|| CloudError::UnknownToken(token_id.to_owned()))?;
        let answer = self
            .agent
            .get(format!("{}/setup_tokens/{token}", self.base_url))
            .header(AUTHORIZATION, self.authorization.reveal())
            .call();
        let claimed: Claimed = self.read(answer).map_err(|Failed(error, _)| error)?;
        let Some(device_id) = claimed.impee_id.filter(|id| !id.is_empty()) else {
            return Ok(ClaimAnswer::NotYet);
        };
        if device_id.len() != 16 || !device_id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(CloudError::Garbage(
                "impee_id: expected 16 hexadecimal digits".to_owned(),
            ));
        }
        Ok(ClaimAnswer::Claimed {
            device_id: device_id.to_ascii_lowercase(),
            agent_url: claimed.agent_url.filter(|url| url.starts_with("https://")),
        })
    }

    /// Whether the cloud answers at all; nothing is asked of it.
    ///
    /// # Errors
    /// It cannot be reached, or is not proven to be the cloud.
    pub fn reach(&self) -> Result<(), CloudError> {
        match self.agent.get(&self.base_url).call() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.said(&error)),
        }
    }

    fn ask_for_token(&self) -> Result<TokenGrant, Failed> {
        let request = self
            .agent
            .post(format!("{}/setup_tokens", self.base_url))
            .header(AUTHORIZATION, self.authorization.reveal());
        let answer = match self.plan {
            None => request.send_empty(),
            Some(plan) => request.send_form([("plan_id", plan.to_string())]),
        };
        let granted: Granted = self.read(answer)?;
        let garbage = |what: String| Failed(CloudError::Garbage(what), None);
        let token: Token = granted.id.parse().map_err(|error| garbage(format!("id: {error}")))?;
        let plan: PlanId = granted
            .plan_id
            .parse()
            .map_err(|error| garbage(format!("plan_id: {error}")))?;
        let id = name(&token);
        let mut given = self.given();
        given.push_back((id.clone(), token.clone()));
        if given.len() > REMEMBERED {
            given.pop_front();
        }
        Ok(TokenGrant { id, token, plan })
    }

    fn given(&self) -> std::sync::MutexGuard<'_, VecDeque<(String, Token)>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<T, Failed> {
        let mut answer = answer.map_err(|error| self.said(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let wait = answer
                .headers()
                .get(RETRY_AFTER)
                .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
                .map(Duration::from_secs);
            return Err(Failed(of_status(status), wait));
        }
        let body = answer
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_vec()
            .map_err(|error| self.said(&error))?;
        serde_json::from_slice(&body)
            // The text may hold the token: only its place and kind are told.
            .map_err(|error| CloudError::Garbage(format!("{:?} in line {}", error.classify(), error.line())).into())
    }

    fn said(&self, error: &ureq::Error) -> CloudError {
        #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, open enum")]
        match error {
            ureq::Error::Timeout(_) => CloudError::TimedOut(self.timeout),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                CloudError::TimedOut(self.timeout)
            }
            ureq::Error::Io(error) if is_tls(error) => CloudError::Tls(error.to_string()),
            ureq::Error::Rustls(error) => CloudError::Tls(error.to_string()),
            ureq::Error::Tls(what) => CloudError::Tls((*what).to_owned()),
            ureq::Error::Protocol(error) => CloudError::Garbage(error.to_string()),
            ureq::Error::BodyExceedsLimit(most) => CloudError::Garbage(format!("more than {most} bytes")),
            other => CloudError::Network(other.to_string()),
        }
    }
}

/// rustls reports a refused certificate through the stream that it guards.
fn is_tls(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
}

fn of_status(status: StatusCode) -> CloudError {
    let number = status.as_u16();
    match number {
        400 | 401 | 403 => CloudError::KeyRefused(number),
        429 => CloudError::TooMany,
        500..=599 => CloudError::OutOfOrder(number),
        _ => CloudError::Status(number),
    }
}

fn authorities(file: &std::path::Path) -> Result<Vec<Certificate<'static>>, CloudError> {
    let wrong = |what: String| CloudError::Authority {
        file: file.to_owned(),
        what,
    };
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? else {
            return Err(wrong("expected certificates only".to_owned()));
        };
        found.push(certificate);
    }
    if found.is_empty() {
        return Err(wrong("expected a certificate in PEM form".to_owned()));
    }
    Ok(found)
}

/// Base64 with padding (RFC 4648, section 4), for the Basic scheme.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let three = [chunk.first(), chunk.get(1), chunk.get(2)].map(|byte| u32::from(*byte.unwrap_or(&0)));
        let bits = three[0] << 16 | three[1] << 8 | three[2];
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
