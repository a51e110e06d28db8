//! What a trace really shows.

use std::path::Path;

use blinkup::trace::Trace;

/// A trace with its truth.
pub struct Case {
    pub name: String,
    pub trace: Trace,
    pub length_ms: f64,
    pub shown: Vec<Showing>,
}

/// One code, shown from a moment on until the next showing.
#[derive(Debug, Clone)]
pub struct Showing {
    pub from_ms: f64,
    pub code: String,
    /// From when it can be told, after `from_ms`.
    pub decidable_after_ms: Option<f64>,
}

impl Case {
    /// A recorded trace: `path` ends in `.csv`, its truth beside it in `.json`.
    pub fn load(path: &Path) -> Self {
        let trace = Trace::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let truth: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
        let showing = |value: &serde_json::Value| Showing {
            from_ms: value["from_ms"].as_f64().unwrap(),
            code: value["code"].as_str().unwrap().to_owned(),
            decidable_after_ms: value["decidable_after_ms"].as_f64(),
        };
        Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            trace,
            length_ms: truth["length_ms"].as_f64().unwrap(),
            shown: truth["shown"].as_array().unwrap().iter().map(showing).collect(),
        }
    }

    /// Every recorded trace in a folder whose name starts so, in order of name.
    pub fn load_all(folder: &Path, start: &str) -> Vec<Self> {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(start))
            .collect();
        paths.sort();
        paths.iter().map(|path| Self::load(path)).collect()
    }

    /// When a showing ends.
    pub fn until_ms(&self, index: usize) -> f64 {
        self.shown.get(index + 1).map_or(self.length_ms, |next| next.from_ms)
    }
}
