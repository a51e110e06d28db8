//! The model cloud: gives tokens, sees devices enrol with them, and says so; blesses, and sends an event about it.

use core::time::Duration;
use std::collections::BTreeMap;

use blinkup::Tick;
use blinkup::packet::{Enrolment, PlanId, Token};
use fixture_link::identity::LaneId;

use super::chance::{Chance, Stream};
use crate::engine::input::{ClaimAnswer, TokenGrant};

/// The plan that all tokens belong to.
const PLAN: [u8; 8] = [0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10];

/// The cloud.
#[derive(Debug)]
pub struct Cloud {
    lanes: Vec<Chance>,
    claims: Vec<Chance>,
    /// By token id.
    tokens: BTreeMap<String, Given>,
    /// Token ids by token.
    ids: BTreeMap<[u8; 8], String>,
}

#[derive(Debug)]
struct Given {
    /// When the cloud can say who has used it, and who; `None` while nobody has.
    claim: Option<(Tick, String)>,
}

/// What the cloud did with an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    /// The device is in, and the token's id is this.
    Accepted(String),
    /// Not a token that it gave, or one that another device has used.
    Refused,
}

impl Cloud {
    /// A cloud without tokens.
    pub fn new(seed: u64) -> Self {
        Self {
            lanes: LaneId::first(LaneId::MOST)
                .map(|lane| Chance::new(seed, Stream::Cloud(lane.number())))
                .collect(),
            claims: LaneId::first(LaneId::MOST)
                .map(|lane| Chance::new(seed, Stream::Claims(lane.number())))
                .collect(),
            tokens: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Asks for a token: when the answer is there, and the answer.
    pub fn request_token(&mut self, now: Tick, lane: LaneId, out_of_order: bool) -> (Tick, Result<TokenGrant, String>) {
        let Some(chance) = self.lanes.get_mut(lane.index()) else {
            return (now, Err(format!("lane {lane}: unknown to the cloud")));
        };
        // One answer in a hundred is a time-out of two seconds, and the source asks again.
        let mut wait = chance.millis(120..900);
        if chance.happens(0.01) {
            wait += Duration::from_secs(2) + chance.millis(120..900);
        }
        if out_of_order {
            let tries = Duration::from_secs(6) + wait;
            return (
                now + tries,
                Err("3 tries: the cloud answers 503 Service Unavailable".to_owned()),
            );
        }
        let token = chance.bits().to_be_bytes();
        let id = format!("{:016x}", chance.bits());
        self.ids.insert(token, id.clone());
        self.tokens.insert(id.clone(), Given { claim: None });
        let grant = TokenGrant {
            id,
            token: Token::from_bytes(token),
            plan: PlanId::from_bytes(PLAN),
        };
        (now + wait, Ok(grant))
    }

    /// Asks who has used a token: when the answer is there, and the answer.
    pub fn poll_claim(&mut self, now: Tick, lane: LaneId, token_id: &str) -> (Tick, ClaimAnswer) {
        let wait = self
            .claims
            .get_mut(lane.index())
            .map_or(Duration::ZERO, |chance| chance.millis(60..300));
        let there = now + wait;
        let answer = match self.tokens.get(token_id) {
            None => ClaimAnswer::Failed("404 Not Found".to_owned()),
            Some(given) => match &given.claim {
                Some((from, device_id)) if *from <= there => ClaimAnswer::Claimed {
                    device_id: device_id.clone(),
                    agent_url: Some(format!("https://agent.simulated.invalid/{device_id}")),
                },
                Some(_) | None => ClaimAnswer::NotYet,
            },
        };
        (there, answer)
    }

    /// A device enrols with what its packet held; `told` is when the cloud says so to those who ask, `None` for never.
    pub fn enrol(&mut self, enrolment: &Enrolment, device_id: &str, told: Option<Tick>) -> Enrolled {
        if enrolment.plan_id.bytes() != PLAN {
            return Enrolled::Refused;
        }
        let Some(id) = self.ids.get(&enrolment.token.bytes()) else {
            return Enrolled::Refused;
        };
        let Some(given) = self.tokens.get_mut(id) else {
            return Enrolled::Refused;
        };
        match &given.claim {
            Some((_, other)) if other != device_id => Enrolled::Refused,
            Some(_) => Enrolled::Accepted(id.clone()),
            None => {
                given.claim = Some((told.unwrap_or(Tick::from_micros(u64::MAX)), device_id.to_owned()));
                Enrolled::Accepted(id.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_enrols_one_device_and_the_cloud_tells_who() {
        let lane = LaneId::new(2).unwrap();
        let mut cloud = Cloud::new(9);
        let now = Tick::from_micros(1_000_000);
        let (there, grant) = cloud.request_token(now, lane, false);
        let grant = grant.unwrap();
        assert!(there > now);
        assert_eq!(cloud.poll_claim(now, lane, &grant.id).1, ClaimAnswer::NotYet);
        let enrolment = Enrolment {
            plan_id: grant.plan,
            token: grant.token.clone(),
        };
        let told = now + Duration::from_secs(3);
        assert_eq!(
            cloud.enrol(&enrolment, "00000000000000aa", Some(told)),
            Enrolled::Accepted(grant.id.clone())
        );
        assert_eq!(
            cloud.enrol(&enrolment, "00000000000000bb", Some(told)),
            Enrolled::Refused
        );
        assert_eq!(cloud.poll_claim(now, lane, &grant.id).1, ClaimAnswer::NotYet);
        assert!(matches!(
            cloud.poll_claim(told, lane, &grant.id).1,
            ClaimAnswer::Claimed { device_id, .. } if device_id == "00000000000000aa"
        ));
        let stranger = Enrolment {
            token: Token::from_bytes([1; 8]),
            ..enrolment
        };
        assert_eq!(cloud.enrol(&stranger, "00000000000000aa", None), Enrolled::Refused);
    }

    #[test]
    fn without_tokens_the_answer_takes_every_try() {
        let (there, answer) = Cloud::new(1).request_token(Tick::ZERO, LaneId::new(1).unwrap(), true);
        assert!(there > Tick::from_micros(6_000_000));
        assert!(answer.unwrap_err().contains("503"));
    }
}
