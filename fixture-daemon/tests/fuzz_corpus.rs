//! The fuzz target's corpus, through the same judge.

use std::fs;
use std::path::Path;

use fixture_daemon::jig::raspberry_pi::transmitter::frame;

#[path = "../fuzz/judges/imp_frame.rs"]
mod imp_frame;

#[test]
fn every_line_of_the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/imp_frame");
    let mut read = 0;
    for file in fs::read_dir(folder).unwrap() {
        let data = fs::read(file.unwrap().path()).unwrap();
        imp_frame::imp_frame(&data);
        read += frame::Frames::default().take(&data).len();
    }
    assert!(read >= 8, "{read} frames in the corpus can be read");
}
