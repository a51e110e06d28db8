//! One question to a name server, and its answer (RFC 1035): enough to know that it answers, and with which IPv4 addresses.

use std::net::Ipv4Addr;

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The addresses; none where the name has none of this kind.
    Addresses(Vec<Ipv4Addr>),
    /// The server's error code, 3 for a name that there is not (RFC 1035, section 4.1.1).
    Refused(u8),
}

/// Name, type A and class IN of a question follow 12 bytes of header.
const HEADER: usize = 12;

/// A question for the IPv4 addresses of a name. `None` where it cannot be a host's name.
pub fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(HEADER + name.len() + 6);
    message.extend(id.to_be_bytes());
    // Recursion desired; one question.
    message.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..=63).contains(length))?;
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    (message.len() <= HEADER + 255 + 4).then_some(message)
}

/// The answer in a message. `None` where it is no answer to the question of this id, or is damaged.
pub fn answer(id: u16, message: &[u8]) -> Option<Answer> {
    let header = message.get(..HEADER)?;
    if word(header, 0)? != id || header.get(2)? & 0x80 == 0 {
        return None;
    }
    let code = header.get(3)? & 0x0f;
    if code != 0 {
        return Some(Answer::Refused(code));
    }
    let mut at = HEADER;
    for _ in 0..word(header, 4)? {
        at = after_name(message, at)? + 4;
    }
    let mut addresses = Vec::new();
    for _ in 0..word(header, 6)? {
        at = after_name(message, at)?;
        let (kind, length) = (word(message, at)?, usize::from(word(message, at + 8)?));
        let data = message.get(at + 10..at + 10 + length)?;
        if let (1, Ok(address)) = (kind, <[u8; 4]>::try_from(data)) {
            addresses.push(Ipv4Addr::from(address));
        }
        at += 10 + length;
    }
    Some(Answer::Addresses(addresses))
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// Where a name ends: at its empty label, or after a pointer (RFC 1035, section 4.1.4).
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some(at + 1),
            1..=63 => at += 1 + usize::from(length),
            0xc0.. => return Some(at + 2),
            64..=0xbf => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server's answer to `question`, with an alias before the addresses.
    pub fn answering(question: &[u8], code: u8, addresses: &[[u8; 4]]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] = 0x81;
        message[3] = 0x80 | code;
        message[7] = u8::try_from(addresses.len() + 1).unwrap();
        message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'x', 0xc0, 12]);
        for address in addresses {
            message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            message.extend(address);
        }
        message
    }

    #[test]
    fn a_question_is_as_the_standard_has_it() {
        assert_eq!(
            question(0x1234, "a.bc").unwrap(),
            b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02bc\x00\x00\x01\x00\x01"
        );
        assert_eq!(question(1, ""), None);
        assert_eq!(question(1, "a..b"), None);
        assert_eq!(question(1, &"x".repeat(64)), None);
    }

    #[test]
    fn addresses_are_found_behind_an_alias() {
        let asked = question(7, "imp.example").unwrap();
        let answered = answering(&asked, 0, &[[192, 0, 2, 1], [192, 0, 2, 2]]);
        assert_eq!(
            answer(7, &answered),
            Some(Answer::Addresses(vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()]))
        );
        assert_eq!(answer(8, &answered), None, "somebody else's answer");
        assert_eq!(answer(7, &asked), None, "a question is no answer");
        assert_eq!(answer(7, &answering(&asked, 3, &[])), Some(Answer::Refused(3)));
        assert_eq!(answer(7, &answered[..answered.len() - 1]), None, "cut short");
    }

    proptest! {
        #[test]
        fn no_message_is_too_damaged_to_be_looked_at(message in proptest::collection::vec(any::<u8>(), 0..80)) {
            let id = u16::from_be_bytes([*message.first().unwrap_or(&0), *message.get(1).unwrap_or(&0)]);
            if let Some(Answer::Addresses(addresses)) = answer(id, &message) {
                prop_assert!(addresses.len() * 14 <= message.len());
            }
        }
    }
}
