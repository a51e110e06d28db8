//! The fuzz targets' corpus, through the same judges.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/judges/light.rs"]
mod light;
#[path = "../fuzz/judges/packet.rs"]
mod packet;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_packet_of_the_corpus_holds() {
    let corpus = corpus("packet");
    assert!(corpus.len() >= 8, "{}", corpus.len());
    for data in corpus {
        packet::packet(&data);
    }
}

#[test]
fn every_light_of_the_corpus_holds() {
    let corpus = corpus("light");
    assert!(corpus.len() >= 6, "{}", corpus.len());
    for data in corpus {
        light::light(&data);
    }
}
