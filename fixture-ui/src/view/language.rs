//! The words of the local screen in one language: a table of texts, each of which falls back to English. Pure: files are read by
//! [`crate::languages`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Refusal, VerdictCode};

/// The languages that every screen has, by tag.
const BUILT_IN: [(&str, &str); 4] = [
    ("en", include_str!("../../../config/languages/en.toml")),
    ("de", include_str!("../../../config/languages/de.toml")),
    ("es", include_str!("../../../config/languages/es.toml")),
    ("zh-Hans", include_str!("../../../config/languages/zh-Hans.toml")),
];

static ENGLISH: LazyLock<Arc<Language>> = LazyLock::new(|| {
    let texts = parse(BUILT_IN[0].1).unwrap_or_default();
    Arc::new(Language {
        tag: "en".to_owned(),
        texts,
        standing: Standing::English,
    })
});

macro_rules! texts {
    ($($name:ident = $key:literal,)+) => {
        /// A text that stands by itself, by what it is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "a variant is what its text in the English file says")]
        pub enum Text { $($name),+ }

        impl Text {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Where it stands in a language's file.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),+ }
            }
        }
    };
}

texts! {
WordEmpty = "word.empty",
WordReady = "word.ready",
WordSeated = "word.seated",
WordToken = "word.token",
WordSending = "word.sending",
WordWatching = "word.watching",
WordStoring = "word.storing",
WordStopped = "word.stopped",
WordRefused = "word.refused",
WordPass = "word.pass",
WordFail = "word.fail",
WordError = "word.error",
WordUndecided = "word.undecided",
WordAborted = "word.aborted",
WordInterrupted = "word.interrupted",
WordLineStopped = "word.line-stopped",
WordFixtureStopped = "word.fixture-stopped",
WordCommissioning = "word.commissioning",
WordSeeTo = "word.see-to",
WordSimulated = "word.simulated",
WordLedEvidenceOnly = "word.led-evidence-only",
WordWithoutRealTime = "word.without-real-time",
PlaceGood = "place.good",
PlaceBad = "place.bad",
PlaceHold = "place.hold",
PlaceReseat = "place.reseat",
PlaceAgain = "place.again",
PlaceOtherLane = "place.other-lane",
PlaceKeep = "place.keep",
PlaceLeave = "place.leave",
PlaceStart = "place.start",
PlacePutIn = "place.put-in",
PlaceWait = "place.wait",
PlaceScan = "place.scan",
PlaceCheckLabel = "place.check-label",
PlacePutGolden = "place.put-golden",
PlacePutKnownBad = "place.put-known-bad",
PlaceBack = "place.back",
SayReadyForAUnit = "say.ready-for-a-unit",
SayWaitsForStart = "say.waits-for-start",
SayWaitsForReadyLight = "say.waits-for-ready-light",
SayGetsToken = "say.gets-token",
SayAttempt = "say.attempt",
SayWritesRecord = "say.writes-record",
SayLineIsStopped = "say.line-is-stopped",
SayBeforeRestart = "say.before-restart",
SayFromBefore = "say.from-before",
SayLastUnit = "say.last-unit",
SayLastSerial = "say.last-serial",
SayLastVerdict = "say.last-verdict",
SayNoLanes = "say.no-lanes",
SaySeconds = "say.seconds",
SayCount = "say.count",
SayRemedy = "say.remedy",
SayPart = "say.part",
SayAged = "say.aged",
SayMinutes = "say.minutes",
SayHours = "say.hours",
SayDays = "say.days",
SayNeverHeard = "say.never-heard",
SaySilentFor = "say.silent-for",
SayGoneTodo = "say.gone-todo",
SayCallTheEngineer = "say.call-the-engineer",
SaySupervisorStarts = "say.supervisor-starts",
SaySetupCode = "say.setup-code",
SayFingerprint = "say.fingerprint",
SayFirstPass = "say.first-pass",
SayBehind = "say.behind",
SayAhead = "say.ahead",
SayOnPace = "say.on-pace",
SayStepOfLane = "say.step-of-lane",
SayStep = "say.step",
SayNoUnits = "say.no-units",
SayTurnPerson = "say.turn-person",
SayTurnFixture = "say.turn-fixture",
SayCheckDue = "say.check-due",
SayCheckOverdue = "say.check-overdue",
SayOfGolden = "say.of-golden",
SayOfKnownBad = "say.of-known-bad",
SayOfStudy = "say.of-study",
SayGoldenWell = "say.golden-well",
SayGoldenIll = "say.golden-ill",
SayKnownBadWell = "say.known-bad-well",
SayKnownBadIll = "say.known-bad-ill",
TodoScanAndPutIn = "todo.scan-and-put-in",
TodoPressStart = "todo.press-start",
TodoLeaveIn = "todo.leave-in",
TodoLineWantsEngineer = "todo.line-wants-engineer",
TodoLineWantsSupervisor = "todo.line-wants-supervisor",
TodoUseAnotherLane = "todo.use-another-lane",
TodoNoLaneTakesUnits = "todo.no-lane-takes-units",
TodoLaneAndLineStopped = "todo.lane-and-line-stopped",
TodoRunItLater = "todo.run-it-later",
TodoKeepAndCall = "todo.keep-and-call",
TodoGoldenSoon = "todo.golden-soon",
TodoKnownBadSoon = "todo.known-bad-soon",
TodoGoldenNow = "todo.golden-now",
TodoKnownBadNow = "todo.known-bad-now",
TodoPutBack = "todo.put-back",
TodoPutBackAndCall = "todo.put-back-and-call",
TodoMarkedAgain = "todo.marked-again",}

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// One that stands by itself.
    Text(Text),
    /// What a verdict code is called.
    Code(VerdictCode),
    /// What to do with a unit that has it.
    CodeTodo(VerdictCode),
    /// What a refusal is called.
    Refusal(Refusal),
    /// What to do with a unit that was refused.
    RefusalTodo(Refusal),
    /// How far a unit got.
    Stage(Stage),
}

impl Key {
    fn path(self) -> String {
        match self {
            Self::Text(text) => text.key().to_owned(),
            Self::Code(code) => format!("code.{code}"),
            Self::CodeTodo(code) => format!("code-todo.{code}"),
            Self::Refusal(refusal) => format!("refusal.{refusal}"),
            Self::RefusalTodo(refusal) => format!("refusal-todo.{refusal}"),
            Self::Stage(stage) => format!("stage.{}", stage.as_str()),
        }
    }
}

impl From<Text> for Key {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

/// The words of one language; those that it lacks are English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    tag: String,
    /// By table and name, with a dot between.
    texts: BTreeMap<String, String>,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    English,
    Other,
}

impl Language {
    /// English, as it is built in.
    pub fn english() -> &'static Arc<Self> {
        &ENGLISH
    }

    /// The language in `file`, over the built-in one of the same tag and over English; and what is wrong with the file, one line
    /// each. What is wrong falls back.
    pub fn read(tag: &str, file: &str) -> (Self, Vec<String>) {
        let below = BUILT_IN
            .iter()
            .find(|(known, _)| *known == tag)
            .and_then(|(_, text)| parse(text).ok());
        let (texts, complaints) = laid_over(below, file);
        let standing = if tag == "en" {
            Standing::English
        } else {
            Standing::Other
        };
        let language = Self {
            tag: tag.to_owned(),
            texts,
            standing,
        };
        (language, complaints)
    }

    /// Its tag, such as `zh-Hans`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Every text with its place in the file.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text. Placeholders stand in it as they are.
    pub fn say(&self, key: impl Into<Key>) -> &str {
        self.at(&key.into().path())
    }

    /// The text with its placeholders filled.
    pub fn fill(&self, key: impl Into<Key>, values: &[(&str, &str)]) -> String {
        filled(self.say(key), values)
    }

    /// A part of the fixture by its name in notices; as it is, where the language has no word for it.
    pub fn part(&self, part: &str) -> String {
        let path = format!("part.{}", part.replace(' ', "-"));
        self.texts.get(&path).cloned().unwrap_or_else(|| part.to_owned())
    }

    /// A sentence of the daemon, which speaks English: found among the English ones and said in this language with what stood in it;
    /// `None` where it is not among them.
    pub fn sentence(&self, english: &str) -> Option<String> {
        if self.standing == Standing::English {
            return Some(english.to_owned());
        }
        let sentences = ENGLISH.texts.iter().filter(|(path, _)| path.starts_with("sentence."));
        sentences
            .filter_map(|(path, pattern)| Some((path, matched(pattern, english)?)))
            // The one that says most by itself: others match it as well where a placeholder takes more.
            .min_by_key(|(_, values)| values.iter().map(|(_, value)| value.len()).sum::<usize>())
            .map(|(path, values)| {
                let said: Vec<(&str, String)> = values
                    .into_iter()
                    .map(|(name, value)| (name, self.named(value)))
                    .collect();
                let values: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
                filled(self.at(path), &values)
            })
    }

    /// A value in a sentence: the title of a verdict code, a sentence of its own, a part, or what it is.
    fn named(&self, english: &str) -> String {
        let titled = VerdictCode::ALL.into_iter().find(|code| code.text().title == english);
        titled
            .map(|code| self.say(Key::Code(code)).to_owned())
            .or_else(|| self.sentence(english))
            .unwrap_or_else(|| self.part(english))
    }

    fn at(&self, path: &str) -> &str {
        let english = || ENGLISH.texts.get(path);
        self.texts.get(path).or_else(english).map_or("", String::as_str)
    }
}

/// The languages that a screen can speak, and the one that it speaks unless the line has chosen another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Languages {
    all: Vec<Arc<Language>>,
    usual: Arc<Language>,
}

impl Default for Languages {
    /// The built-in ones; English.
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Languages {
    /// The built-in ones, and those of the site, which come before them. English is the usual one.
    pub fn with(own: Vec<Language>) -> Self {
        let built_in = BUILT_IN.iter().map(|(tag, file)| Language::read(tag, file).0);
        Self {
            all: own.into_iter().chain(built_in).map(Arc::new).collect(),
            usual: Arc::clone(&ENGLISH),
        }
    }

    /// The same with this one as the usual one; `None` where it is not among them.
    #[must_use]
    pub fn usually(mut self, tag: &str) -> Option<Self> {
        self.usual = Arc::clone(self.find(tag)?);
        Some(self)
    }

    /// The language to speak: the line's, where it has chosen one that is known; else the usual one.
    pub fn speak(&self, of_line: &str) -> &Arc<Language> {
        self.find(of_line).unwrap_or(&self.usual)
    }

    /// Their tags, without those that another one takes the place of.
    pub fn tags(&self) -> BTreeSet<&str> {
        self.all.iter().map(|language| language.tag()).collect()
    }

    fn find(&self, tag: &str) -> Option<&Arc<Language>> {
        self.all.iter().find(|language| language.tag == tag)
    }
}

/// The texts of a file, by table and name with a dot between.
fn parse(file: &str) -> Result<BTreeMap<String, String>, String> {
    let tables: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(file).map_err(|error| error.to_string().trim_end().to_owned())?;
    let texts = tables.into_iter().flat_map(|(table, texts)| {
        texts
            .into_iter()
            .map(move |(name, text)| (format!("{table}.{name}"), text))
    });
    Ok(texts.collect())
}

/// The texts of a file over others and over English, and what is wrong with the file.
fn laid_over(below: Option<BTreeMap<String, String>>, file: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut complaints = Vec::new();
    let mut texts = below.unwrap_or_default();
    match parse(file) {
        Err(error) => complaints.push(error),
        Ok(own) => {
            for (path, text) in own {
                match ENGLISH.texts.get(&path) {
                    None => complaints.push(format!("{path}: no text is called so")),
                    Some(_) if text.trim().is_empty() => complaints.push(format!("{path}: is empty")),
                    Some(english) if placeholders(english) != placeholders(&text) => complaints.push(format!(
                        "{path}: expected the placeholders of {english:?}, found {text:?}"
                    )),
                    Some(_) => drop(texts.insert(path, text)),
                }
            }
        }
    }
    for (path, english) in &ENGLISH.texts {
        if !texts.contains_key(path) {
            complaints.push(format!("{path}: is missing, and shown in English"));
            texts.insert(path.clone(), english.clone());
        }
    }
    (texts, complaints)
}

/// A text in pieces: what stands between placeholders, and each placeholder's name after it.
fn pieces(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('{') {
        let Some((name, after)) = from.split_once('}') else {
            break;
        };
        pieces.push((before, Some(name)));
        rest = after;
    }
    pieces.push((rest, None));
    pieces
}

/// The names of a text's placeholders.
pub fn placeholders(text: &str) -> BTreeSet<&str> {
    pieces(text).into_iter().filter_map(|(_, name)| name).collect()
}

/// The text with its placeholders filled; one without a value stands as it is.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut said = String::with_capacity(text.len());
    for (before, name) in pieces(text) {
        said.push_str(before);
        let Some(name) = name else { continue };
        match values.iter().find(|(of, _)| *of == name) {
            Some((_, value)) => said.push_str(value),
            None => said.extend(["{", name, "}"]),
        }
    }
    said
}

/// What stands at the placeholders of `pattern` in `said`; `None` where it is another sentence. A full stop at the end is left.
fn matched<'a>(pattern: &'a str, said: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let said = said.trim_end_matches('.');
    let mut values = Vec::new();
    let mut rest = said;
    let mut open: Option<&str> = None;
    for (before, name) in pieces(pattern) {
        match open.take() {
            None => rest = rest.strip_prefix(before)?,
            Some(of) if before.is_empty() && name.is_none() => {
                values.push((of, rest));
                rest = "";
            }
            Some(of) => {
                let (value, after) = rest.split_once(before)?;
                values.push((of, value));
                rest = after;
            }
        }
        open = name;
    }
    (rest.is_empty() && values.iter().all(|(_, value)| !value.is_empty())).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text that the screen asks for.
    fn asked() -> BTreeSet<String> {
        let fixed = Text::ALL.iter().map(|text| Key::Text(*text));
        let codes = VerdictCode::ALL
            .into_iter()
            .flat_map(|code| [Key::Code(code), Key::CodeTodo(code)]);
        let refusals = Refusal::ALL
            .into_iter()
            .flat_map(|refusal| [Key::Refusal(refusal), Key::RefusalTodo(refusal)]);
        let stages = Stage::ALL.into_iter().map(Key::Stage);
        let keys = fixed.chain(codes).chain(refusals).chain(stages);
        keys.map(Key::path).collect()
    }

    #[test]
    fn the_english_file_has_every_text_that_is_asked_for_and_no_other() {
        let of_daemon = |path: &&String| path.starts_with("sentence.") || path.starts_with("part.");
        let found: BTreeSet<String> = ENGLISH.texts.keys().filter(|path| !of_daemon(path)).cloned().collect();
        assert_eq!(found, asked());
        assert!(ENGLISH.texts.keys().filter(of_daemon).count() > 40);
    }

    #[test]
    fn the_shipped_files_are_whole_and_have_the_same_placeholders() {
        for (tag, file) in BUILT_IN {
            let own = parse(file).unwrap();
            assert_eq!(
                own.keys().collect::<Vec<_>>(),
                ENGLISH.texts.keys().collect::<Vec<_>>(),
                "{tag}"
            );
            assert_eq!(Language::read(tag, file).1, Vec::<String>::new(), "{tag}");
            for (path, text) in own {
                assert_eq!(
                    placeholders(&text),
                    placeholders(&ENGLISH.texts[&path]),
                    "{tag}: {path}"
                );
                assert!(!text.trim().is_empty() && text.trim() == text, "{tag}: {path}");
            }
        }
    }

    #[test]
    fn english_says_what_pages_say() {
        let english = Language::english();
        for code in VerdictCode::ALL {
            assert_eq!(english.say(Key::Code(code)), code.text().title);
            assert_eq!(english.say(Key::CodeTodo(code)), code.text().operator_short);
        }
        for refusal in Refusal::ALL {
            assert_eq!(english.say(Key::Refusal(refusal)), refusal.text().title);
            assert_eq!(english.say(Key::RefusalTodo(refusal)), refusal.text().operator_short);
        }
        for stage in Stage::ALL {
            assert_eq!(english.say(Key::Stage(stage)), super::super::wording::stage(stage));
        }
    }

    /// Two outcomes of one word would be one outcome to whoever reads only the word.
    #[test]
    fn no_two_outcomes_have_the_same_word_and_no_two_boxes() {
        let words = [
            Text::WordPass,
            Text::WordFail,
            Text::WordError,
            Text::WordUndecided,
            Text::WordAborted,
            Text::WordInterrupted,
            Text::WordRefused,
            Text::WordStopped,
            Text::WordEmpty,
        ];
        let boxes = [Text::PlaceGood, Text::PlaceBad, Text::PlaceHold, Text::PlaceAgain];
        for tag in ["en", "de", "es", "zh-Hans"] {
            let languages = Languages::default();
            let language = languages.speak(tag);
            assert_eq!(language.tag(), tag);
            for some in [&words[..], &boxes[..]] {
                let said: BTreeSet<&str> = some.iter().map(|text| language.say(*text)).collect();
                assert_eq!(said.len(), some.len(), "{tag}: {said:?}");
                for (one, other) in said.iter().flat_map(|one| said.iter().map(move |other| (one, other))) {
                    assert!(one == other || !one.contains(other), "{tag}: {other} stands in {one}");
                }
            }
        }
    }

    #[test]
    fn what_a_file_lacks_or_gets_wrong_falls_back_and_is_told() {
        let file = "[word]\npass = \"PRIMA\"\nfial = \"x\"\n[say]\nsilent-for = \"Still seit {second} s.\"\n";
        let (own, complaints) = Language::read("de", file);
        assert_eq!(own.say(Text::WordPass), "PRIMA");
        assert_eq!(
            own.say(Text::WordFail),
            "FEHLER",
            "the built-in text of the same language"
        );
        assert_eq!(own.say(Text::SaySilentFor), "Keine Meldung seit {seconds} s.");
        assert_eq!(
            complaints,
            [
                "say.silent-for: expected the placeholders of \"Silent for {seconds} s.\", found \"Still seit {second} s.\"",
                "word.fial: no text is called so",
            ]
        );
        let (new, complaints) = Language::read("fr", "[word]\npass = \"BON\"\n");
        assert_eq!((new.say(Text::WordPass), new.say(Text::WordFail)), ("BON", "FAIL"));
        assert_eq!(complaints.len(), ENGLISH.texts.len() - 1);
        let (broken, complaints) = Language::read("es", "[word\n");
        assert_eq!(broken.say(Text::WordPass), "BUENA");
        assert_eq!(complaints.len(), 1, "{complaints:?}");
    }

    #[test]
    fn the_line_speaks_its_own_language_where_it_is_known() {
        let languages = Languages::default().usually("de").unwrap();
        assert_eq!(languages.speak("").tag(), "de");
        assert_eq!(languages.speak("es").tag(), "es");
        assert_eq!(languages.speak("xx").tag(), "de");
        assert_eq!(Languages::default().usually("xx"), None);
    }

    #[test]
    fn a_sentence_of_the_daemon_is_said_with_what_stood_in_it() {
        let languages = Languages::default();
        let german = languages.speak("de");
        assert_eq!(
            german
                .sentence("3 units in a row on lane 2 ended in \"Lamp not seen\": the lane's own parts need a person.")
                .as_deref(),
            Some(
                "3 Teile nacheinander auf Platz 2 endeten mit »Lampe nicht erkannt«: der Platz selbst braucht einen Techniker"
            )
        );
        assert_eq!(
            languages
                .speak("zh-Hans")
                .sentence("scanner: /dev/fixture/scanner-1: unplugged")
                .as_deref(),
            Some("扫码枪：/dev/fixture/scanner-1：已拔出")
        );
        assert_eq!(german.sentence("anna: a reel was changed"), None);
        let english = "whatever it is";
        assert_eq!(Language::english().sentence(english).as_deref(), Some(english));
    }

    #[test]
    fn a_placeholder_without_a_value_stands_as_it_is() {
        let values = [("of", "{rate}"), ("other", "7")];
        assert_eq!(
            filled("{attempt} of {of}, {rate", &values),
            "{attempt} of {rate}, {rate"
        );
    }

    /// No English sentence is taken for another one.
    #[test]
    fn every_sentence_finds_itself() {
        let languages = Languages::default();
        let german = languages.speak("de");
        for (path, pattern) in ENGLISH.texts.iter().filter(|(path, _)| path.starts_with("sentence.")) {
            let said = german.sentence(&pattern.replace('{', "<").replace('}', ">")).unwrap();
            let wanted = german.at(path).replace('{', "<").replace('}', ">");
            assert_eq!(said, wanted, "{path}");
        }
    }
}
