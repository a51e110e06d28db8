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
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_form_of_the_corpus_holds() {
    let forms = corpus("form");
    assert!(forms.len() >= 4);
    forms.iter().for_each(|data| form_judge::form(data));
}

#[test]
fn every_language_of_the_corpus_holds() {
    let languages = corpus("language");
    assert!(languages.len() >= 2);
    languages.iter().for_each(|data| language_judge::language(data));
}
