//! What must hold for any bytes on the socket: run by the fuzz target, and over its corpus by the tests.

use core::fmt::Debug;

use fixture_link::act::{ActAnswer, ActRequest};
use fixture_link::bless::BlessEvent;
use fixture_link::snapshot::Snapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Whatever is read is written so that it is read as the same again. How many kinds of messages it is.
pub fn message(data: &[u8]) -> usize {
    let request = comes_back::<ActRequest>(data);
    if let Some(request) = &request {
        // What it needs and names is known of every act.
        let _needs = request.act.needs();
        let _may = request.role.may(&request.act);
        assert_eq!(request.act.kind().as_str().parse(), Ok(request.act.kind()));
        assert!(request.act.serial().is_none_or(|serial| !serial.as_str().is_empty()));
    }
    usize::from(request.is_some())
        + usize::from(comes_back::<ActAnswer>(data).is_some())
        + usize::from(comes_back::<BlessEvent>(data).is_some())
        + usize::from(comes_back::<Snapshot>(data).is_some())
}

fn comes_back<T: Debug + DeserializeOwned + Serialize>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_string(&read).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    // By their texts: a number that is none equals nothing.
    assert_eq!(format!("{again:?}"), format!("{read:?}"), "{written}");
    Some(read)
}
