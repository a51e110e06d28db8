//! What must hold for any bytes as a file of a language: run by the fuzz target, and over its corpus by the tests.

use crate::language::{Language, Text};

/// Every text is there, whatever the file says or lacks, and what is wrong is told.
pub fn language(data: &[u8]) {
    let file = String::from_utf8_lossy(data);
    for tag in ["de", "xx"] {
        let (language, complaints) = Language::read(tag, &file);
        for text in Text::ALL {
            assert!(!language.say(*text).is_empty(), "{}", text.key());
        }
        let _said = language.fill(Text::SayAttempt, &[("attempt", "1"), ("of", "{of}"), ("rate", "60")]);
        let _said = language.sentence("3 units in a row on lane 2 ended in \"Passed\": is the line's network up?");
        assert!(
            complaints.iter().all(|complaint| !complaint.is_empty()),
            "{complaints:?}"
        );
    }
}
