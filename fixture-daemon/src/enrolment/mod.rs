//! Where enrolment tokens come from, and who knows which device used one.

pub mod imp_cloud;

use std::sync::Arc;

use blinkup::packet::{PlanId, Token};
use fixture_link::identity::LaneId;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::config::Enrolment;
use crate::engine::input::{ClaimAnswer, TokenGrant};
use crate::jig::simulated::Jig as SimulatedJig;
use imp_cloud::{CloudError, ImpCloudClient};

/// A source of tokens. Cheap to clone.
#[derive(Clone)]
pub enum TokenSource {
    /// The same token every time.
    Fixed {
        /// The plan.
        plan: PlanId,
        /// The token; secret.
        token: Token,
    },
    /// The model of the cloud around a simulated jig.
    Simulated(SimulatedJig, Clock),
    /// The vendor's cloud.
    ImpCloud(Arc<ImpCloudClient>),
}

/// Why there is no token source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// `[enrolment.simulated]` beside a jig that is real.
    #[error("enrolment: the simulated token source needs the simulated jig")]
    NeedsSimulatedJig,
    /// The client of the vendor's cloud could not be made.
    #[error("enrolment: {0}")]
    Cloud(#[from] CloudError),
}

impl TokenSource {
    /// The source that the configuration asks for. `jig` is the simulated one, where there is one.
    ///
    /// # Errors
    /// Any [`SourceError`].
    pub fn new(enrolment: Enrolment, jig: Option<(SimulatedJig, Clock)>) -> Result<Self, SourceError> {
        match enrolment {
            Enrolment::Fixed { plan, token } => Ok(Self::Fixed { plan, token }),
            Enrolment::Simulated => jig
                .map(|(jig, clock)| Self::Simulated(jig, clock))
                .ok_or(SourceError::NeedsSimulatedJig),
            Enrolment::ImpCloud(cloud) => Ok(Self::ImpCloud(Arc::new(ImpCloudClient::new(cloud)?))),
        }
    }

    /// A token for one transmission.
    ///
    /// # Errors
    /// None after every try that the source allows: what went wrong, for the record.
    pub async fn token(&self, lane: LaneId) -> Result<TokenGrant, String> {
        match self {
            Self::Fixed { plan, token } => Ok(TokenGrant {
                id: name(token),
                token: token.clone(),
                plan: *plan,
            }),
            Self::Simulated(jig, clock) => {
                let (at, answer) = {
                    let (mut world, now) = jig.world();
                    world.request_token(now, lane)
                };
                tokio::time::sleep(at.since(clock.now())).await;
                answer
            }
            Self::ImpCloud(cloud) => {
                let cloud = Arc::clone(cloud);
                in_background(move || cloud.token())
                    .await
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// Who has used a token; asked once.
    pub async fn claim(&self, lane: LaneId, token_id: &str) -> ClaimAnswer {
        match self {
            Self::Fixed { .. } => ClaimAnswer::NobodyKnows,
            Self::Simulated(jig, clock) => {
                let (at, answer) = {
                    let (mut world, now) = jig.world();
                    world.poll_claim(now, lane, token_id)
                };
                tokio::time::sleep(at.since(clock.now())).await;
                answer
            }
            Self::ImpCloud(cloud) => {
                let (cloud, token_id) = (Arc::clone(cloud), token_id.to_owned());
                in_background(move || cloud.claim(&token_id))
                    .await
                    .unwrap_or_else(|error| ClaimAnswer::Failed(error.to_string()))
            }
        }
    }
}

async fn in_background<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, CloudError> + Send + 'static,
) -> Result<T, CloudError> {
    tokio::task::spawn_blocking(ask)
        .await
        .unwrap_or_else(|error| Err(CloudError::Network(error.to_string())))
}

/// A name for a token that tells nothing of it: the first 16 hex digits of its SHA-256. The vendor's cloud knows a token by itself
/// only, and records must not hold one.
pub(crate) fn name(token: &Token) -> String {
    let digest = Sha256::digest(token.bytes());
    let first: [u8; 8] = core::array::from_fn(|place| digest[place]);
    format!("{:016x}", u64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fixed_source_gives_its_token_under_a_name_that_does_not_tell_it() {
        let source = TokenSource::Fixed {
            plan: "fedcba9876543210".parse().unwrap(),
            token: "0123456789abcdef".parse().unwrap(),
        };
        let lane = LaneId::new(1).unwrap();
        let grant = source.token(lane).await.unwrap();
        assert_eq!(grant.token.to_hex(), "0123456789abcdef");
        assert_eq!(grant.id.len(), 16);
        assert_ne!(grant.id, "0123456789abcdef");
        assert_eq!(source.claim(lane, &grant.id).await, ClaimAnswer::NobodyKnows);
    }
}
