//! What must hold for any bytes on the line to the imp: run by the fuzz target, and over its corpus by the tests.

use crate::frame::{Frame, Frames, is_payload};

/// Whatever is read is sound, can be sent, and comes back as it was; and a good frame after the bytes is always heard.
pub fn imp_frame(data: &[u8]) {
    let mut reader = Frames::default();
    let mut found = reader.take(data);
    for frame in &found {
        assert!(frame.kind.is_ascii_graphic(), "{frame:?}");
        assert!(
            frame.payload.len() <= 250 && frame.payload.bytes().all(is_payload),
            "{frame:?}"
        );
        assert_eq!(Frames::default().take(&frame.line()), std::slice::from_ref(frame));
    }
    // The pieces that they come in are of no matter.
    let mut in_pieces = Frames::default();
    let again: Vec<Frame> = data.chunks(3).flat_map(|piece| in_pieces.take(piece)).collect();
    assert_eq!(again, found);
    let good = Frame {
        kind: b'S',
        number: 7,
        payload: "6C696E65,,F".to_owned(),
    };
    found = reader.take(&good.line());
    assert_eq!(found, [good]);
}
