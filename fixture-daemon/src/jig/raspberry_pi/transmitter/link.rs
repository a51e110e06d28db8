//! Messages over a line that loses, doubles and damages frames: each arrives once and in order, or its sender knows that it may not have.
//!
//! Both ends are alike: `hw/imp-transmitter/PROTOCOL.md`, "Messages". Pure: bytes and time in, bytes and messages out.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::Tick;

use super::frame::{Frame, Frames, is_payload};

/// How long the other side may take to say that it has a message. An imp's squirrel stands still while it flashes.
const ANSWERS: Duration = Duration::from_millis(300);

/// How often a message is sent before it is given up.
const TRIES: u32 = 10;

/// "I have the message of this number."
const HAVE: u8 = b'+';

/// Kinds by which an end that has just started makes itself known; what was heard of it before no longer counts.
const STARTS: [u8; 2] = [b'H', b'U'];

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: u8,
    /// The rest.
    pub payload: String,
}

/// What a link tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A message came.
    Came(Message),
    /// The other side has this one.
    Arrived(Message),
    /// The other side never said that it has this one; it may have it.
    Lost(Message),
}

/// One end.
#[derive(Debug, Default)]
pub struct Link {
    frames: Frames,
    /// The number of the next message.
    next: u8,
    queue: VecDeque<Message>,
    /// The message that the other side does not have yet.
    under_way: Option<UnderWay>,
    /// The number of the last message that came.
    last: Option<u8>,
    to_send: VecDeque<Vec<u8>>,
}

#[derive(Debug)]
struct UnderWay {
    number: u8,
    message: Message,
    due: Tick,
    left: u32,
}

impl Link {
    /// Sends a message after those that wait. What may not stand in a payload is left out.
    pub fn send(&mut self, kind: u8, payload: &str) {
        let payload = payload
            .chars()
            .filter(|letter| u8::try_from(*letter).is_ok_and(is_payload));
        self.queue.push_back(Message {
            kind,
            payload: payload.take(250).collect(),
        });
    }

    /// Takes what came in.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Told> {
        let mut told = Vec::new();
        for Frame { kind, number, payload } in self.frames.take(bytes) {
            if kind == HAVE {
                if let Some(sent) = self.under_way.take_if(|sent| sent.number == number) {
                    told.push(Told::Arrived(sent.message));
                }
                continue;
            }
            let have = Frame {
                kind: HAVE,
                number,
                payload: String::new(),
            };
            self.to_send.push_back(have.line());
            if self.last.replace(number) != Some(number) || STARTS.contains(&kind) {
                told.push(Told::Came(Message { kind, payload }));
            }
        }
        told
    }

    /// Sends, sends again and gives up, as it is time for.
    pub fn step(&mut self, now: Tick) -> Option<Told> {
        let mut lost = None;
        if self
            .under_way
            .as_ref()
            .is_some_and(|sent| sent.left == 0 && now >= sent.due)
        {
            lost = self.under_way.take().map(|sent| Told::Lost(sent.message));
        }
        if self.under_way.is_none()
            && let Some(message) = self.queue.pop_front()
        {
            self.under_way = Some(UnderWay {
                number: self.next,
                message,
                due: now,
                left: TRIES,
            });
            self.next = self.next.wrapping_add(1);
        }
        if let Some(sent) = &mut self.under_way
            && now >= sent.due
            && sent.left > 0
        {
            sent.left -= 1;
            sent.due = now + ANSWERS;
            let frame = Frame {
                kind: sent.message.kind,
                number: sent.number,
                payload: sent.message.payload.clone(),
            };
            self.to_send.push_back(frame.line());
        }
        lost
    }

    /// The next line that is to be written to the port.
    pub fn line(&mut self) -> Option<Vec<u8>> {
        self.to_send.pop_front()
    }

    /// The port was lost, and the other side may have started anew.
    pub fn reset(&mut self) {
        let next = self.next;
        *self = Self {
            // Not a number that the other side may have heard last.
            next: next.wrapping_add(1),
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Tick {
        Tick::ZERO + Duration::from_millis(millis)
    }

    /// What the line does to a frame.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Arrives,
        Lost,
        Doubled,
        Damaged(usize),
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![
            3 => Just(Fate::Arrives),
            2 => Just(Fate::Lost),
            1 => Just(Fate::Doubled),
            2 => (0_usize..60).prop_map(Fate::Damaged),
        ]
    }

    fn carried(line: Vec<u8>, fate: Fate) -> Vec<u8> {
        match fate {
            Fate::Arrives => line,
            Fate::Lost => Vec::new(),
            Fate::Doubled => [line.clone(), line].concat(),
            Fate::Damaged(place) => {
                let mut line = line;
                let place = place % line.len();
                line[place] ^= 0x04;
                line
            }
        }
    }

    /// Both ends with a line between them that does to each frame what its fate says, then lets everything through. What came at
    /// each end, and what each end says became of its own.
    fn talk(from_one: &[&str], from_other: &[&str], fates: &[Fate]) -> [Vec<Told>; 2] {
        let mut ends = [Link::default(), Link::default()];
        for (end, texts) in ends.iter_mut().zip([from_one, from_other]) {
            for text in texts {
                end.send(b'S', text);
            }
        }
        let mut fates = fates.iter().copied();
        let mut told = [Vec::new(), Vec::new()];
        for millis in (0..120_000).step_by(50) {
            for from in [0, 1] {
                told[from].extend(ends[from].step(at(millis)));
                while let Some(line) = ends[from].line() {
                    let heard = carried(line, fates.next().unwrap_or(Fate::Arrives));
                    let came = ends[1 - from].receive(&heard);
                    told[1 - from].extend(came);
                }
            }
        }
        told
    }

    fn came(told: &[Told]) -> Vec<&str> {
        told.iter()
            .filter_map(|told| match told {
                Told::Came(message) => Some(message.payload.as_str()),
                Told::Arrived(_) | Told::Lost(_) => None,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn every_message_comes_once_and_in_order_or_is_known_to_be_doubtful(
            fates in proptest::collection::vec(fate(), 0..200),
        ) {
            let (one, other) = (["a", "b", "c", "d"], ["x", "y", "z"]);
            let told = talk(&one, &other, &fates);
            for (sent, own, its) in [(&one[..], &told[0], &told[1]), (&other[..], &told[1], &told[0])] {
                let arrived: Vec<&str> = came(its);
                // In order, and none twice.
                let mut rest = sent.iter();
                for text in &arrived {
                    prop_assert!(rest.any(|next| next == text), "{arrived:?}");
                }
                for text in sent {
                    let known = own.iter().find_map(|told| match told {
                        Told::Arrived(message) if message.payload == *text => Some(true),
                        Told::Lost(message) if message.payload == *text => Some(false),
                        Told::Came(_) | Told::Arrived(_) | Told::Lost(_) => None,
                    });
                    prop_assert!(known.is_some(), "{text} is neither here nor there");
                    prop_assert!(known == Some(false) || arrived.contains(text), "{text} did not arrive");
                }
            }
        }
    }

    #[test]
    fn a_message_that_nobody_hears_is_given_up_and_the_next_one_sent() {
        let mut link = Link::default();
        link.send(b'S', "one");
        link.send(b'S', "two");
        let mut lost = Vec::new();
        for millis in (0..4000).step_by(100) {
            lost.extend(link.step(at(millis)));
        }
        assert!(
            matches!(&lost[..], [Told::Lost(message)] if message.payload == "one"),
            "{lost:?}"
        );
        let lines: Vec<Vec<u8>> = core::iter::from_fn(|| link.line()).collect();
        assert_eq!(lines.iter().filter(|line| line.starts_with(b":1S00one")).count(), 10);
        assert!(lines.iter().any(|line| line.starts_with(b":1S01two")));
    }

    #[test]
    fn an_end_that_starts_anew_is_heard_although_its_numbers_start_anew() {
        let mut link = Link::default();
        let hello = |payload: &str| {
            let frame = Frame {
                kind: b'U',
                number: 0,
                payload: payload.to_owned(),
            };
            frame.line()
        };
        assert_eq!(came(&link.receive(&hello("first"))), ["first"]);
        assert_eq!(came(&link.receive(&hello("second"))), ["second"]);
    }

    #[test]
    fn what_may_not_stand_in_a_payload_is_left_out() {
        let mut link = Link::default();
        link.send(b'S', "a:b*c\nd\u{fc}");
        link.step(at(0));
        assert!(link.line().unwrap().starts_with(b":1S00abcd*"));
    }
}
