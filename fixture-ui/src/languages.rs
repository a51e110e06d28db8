//! The language files of a site: read once, when a screen starts.

use std::path::Path;

use fixture_link::settings::Tongue;

use crate::screen::text;
use crate::view::language::{Language, Languages};

/// The largest language file that is read, in bytes; the built-in ones have a tenth of that.
const LARGEST: u64 = 200_000;

/// The languages of a configuration, and what is wrong with its files, one line each. What is wrong falls back to the built-in text of the same
/// language, and where there is none to English.
pub fn read(tongue: &Tongue) -> (Languages, Vec<String>) {
    let mut complaints = Vec::new();
    let mut own = Vec::new();
    if let Some(folder) = &tongue.languages {
        match files(folder) {
            Err(error) => complaints.push(format!("{}: {error}", folder.display())),
            Ok(files) => {
                for (tag, file) in files {
                    let told = |what: &str| format!("{}: {what}", file.display());
                    match content(&file) {
                        Err(error) => complaints.push(told(&error.to_string())),
                        Ok(content) => {
                            let (language, wrong) = Language::read(&tag, &content);
                            complaints.extend(wrong.iter().map(|what| told(what)));
                            for (path, text) in language.texts() {
                                let lacking = text::undrawable(text);
                                if !lacking.is_empty() {
                                    complaints.push(told(&format!("{path}: no font of the screen has {lacking:?}")));
                                }
                            }
                            own.push(language);
                        }
                    }
                }
            }
        }
    }
    let languages = Languages::with(own);
    let tags: Vec<String> = languages.tags().into_iter().map(str::to_owned).collect();
    let languages = languages.clone().usually(&tongue.language).unwrap_or_else(|| {
        complaints.push(format!(
            "ui.screen.language: expected one of {}, found {}: the screen speaks English",
            tags.join(", "),
            tongue.language
        ));
        languages
    });
    (languages, complaints)
}

/// The language files in a folder by their tags, in order.
fn files(folder: &Path) -> std::io::Result<Vec<(String, std::path::PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|ending| ending == "toml")
            && let Some(tag) = file.file_stem().and_then(|stem| stem.to_str())
        {
            files.push((tag.to_owned(), file.clone()));
        }
    }
    files.sort();
    Ok(files)
}

fn content(file: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut content = String::new();
    std::fs::File::open(file)?.take(LARGEST).read_to_string(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::language::Text;

    #[test]
    fn a_folder_of_files_adds_to_the_built_in_languages() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("de.toml"),
            "[word]\npass = \"TOP\"\nfail = \"\u{1f44e}\"\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no language").unwrap();
        let tongue = Tongue {
            language: "de".to_owned(),
            languages: Some(folder.path().to_owned()),
        };
        let (languages, complaints) = read(&tongue);
        assert_eq!(languages.speak("").say(Text::WordPass), "TOP");
        assert_eq!(languages.speak("es").say(Text::WordPass), "BUENA");
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(
            complaints[0].ends_with("de.toml: word.fail: no font of the screen has \"\u{1f44e}\""),
            "{complaints:?}"
        );
    }

    #[test]
    fn a_language_that_is_not_there_is_told_and_english_spoken() {
        let tongue = Tongue {
            language: "fr".to_owned(),
            languages: None,
        };
        let (languages, complaints) = read(&tongue);
        assert_eq!(languages.speak("").tag(), "en");
        assert_eq!(
            complaints,
            ["ui.screen.language: expected one of de, en, es, zh-Hans, found fr: the screen speaks English"]
        );
        let gone = Tongue {
            language: "es".to_owned(),
            languages: Some("/nowhere/languages".into()),
        };
        let (languages, complaints) = read(&gone);
        assert_eq!(languages.speak("").tag(), "es");
        assert!(
            complaints[0].starts_with("/nowhere/languages: No such file"),
            "{complaints:?}"
        );
    }
}
