//! The fuzz targets' corpora, through the same judges.

use std::fs;
use std::path::Path;

use fixture_ui::view::language;
use fixture_ui::web::link;

#[path = "../fuzz/judges/form.rs"]
mod form_judge;
#[path = "../fuzz/judges/language.rs"]
mod language_judge;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = fs::read_dir(folder).expect("the corpus is there");
    let read = |file: std::io::Result<fs::DirEntry>| file.and_then(|file| fs::read(file.path()));
    files.map(|file| read(file).expect("it can be read")).collect()
}

#[test]
fn every_form_of_the_corpus_holds() {
    let forms = corpus("form");
    assert!(forms.len() >= 5);
    for data in &forms {
        form_judge::form(data);
    }
}

#[test]
fn every_language_of_the_corpus_holds() {
    let languages = corpus("language");
    assert!(languages.len() >= 3);
    for data in &languages {
        language_judge::language(data);
    }
}
