//! The fuzz targets' corpora, through the same judges.

use std::fs;
use std::path::Path;

#[path = "../fuzz/judges/message.rs"]
mod message;
#[path = "../fuzz/judges/settings.rs"]
mod settings;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = fs::read_dir(folder).expect("the corpus is there");
    let read = |file: std::io::Result<fs::DirEntry>| file.and_then(|file| fs::read(file.path()));
    files.map(|file| read(file).expect("it can be read")).collect()
}

#[test]
fn every_message_of_the_corpus_holds() {
    let read: usize = corpus("message").iter().map(|data| message::message(data)).sum();
    assert!(read >= 21, "{read} messages in the corpus can be read");
}

#[test]
fn all_settings_of_the_corpus_hold() {
    let read = corpus("settings")
        .iter()
        .filter(|data| settings::settings(data))
        .count();
    assert!(read >= 4, "{read} settings in the corpus can be read");
}
