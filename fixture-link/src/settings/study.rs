//! `[study]`: what a gauge study has to show.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::mistake::Mistake;
use crate::study::{Criteria, Gate, GrrOf};

/// The longest that a study can hold: ten years.
const MOST_DAYS: u32 = 3650;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStudy {
    grr_good: Option<Spanned<f64>>,
    grr_most: Option<Spanned<f64>>,
    grr_of: Option<GrrOf>,
    ndc_least: Option<Spanned<u32>>,
    agreement_least: Option<Spanned<f64>>,
    kappa_least: Option<Spanned<f64>>,
    pool_above: Option<Spanned<f64>>,
    valid: Option<Spanned<String>>,
    #[serde(default)]
    gates: bool,
}

impl RawStudy {
    pub(super) fn checked(&self, file: &Path, text: &str) -> Result<Criteria, Mistake> {
        let usual = Criteria::default();
        let share = |raw: &Option<Spanned<f64>>, usual: f64| match raw {
            None => Ok(usual),
            Some(raw) if (0.0..=1.0).contains(raw.get_ref()) => Ok(*raw.get_ref()),
            Some(raw) => Err(Mistake::at(
                file,
                text,
                raw.span(),
                format!("expected a share from 0 to 1, found {}", raw.get_ref()),
            )),
        };
        let (grr_good, grr_most) = (
            share(&self.grr_good, usual.grr_good)?,
            share(&self.grr_most, usual.grr_most)?,
        );
        if let Some(raw) = self.grr_good.as_ref().or(self.grr_most.as_ref())
            && grr_good > grr_most
        {
            return Err(Mistake::at(
                file,
                text,
                raw.span(),
                format!("expected a grr_good, {grr_good}, of at most grr_most, {grr_most}"),
            ));
        }
        let valid_days = match &self.valid {
            None => usual.valid_days,
            Some(raw) => raw
                .get_ref()
                .strip_suffix('d')
                .and_then(|days| days.parse().ok())
                .filter(|days| (1..=MOST_DAYS).contains(days))
                .ok_or_else(|| {
                    Mistake::at(
                        file,
                        text,
                        raw.span(),
                        format!(
                            "expected a number of days from 1d to {MOST_DAYS}d such as \"365d\", found {:?}",
                            raw.get_ref()
                        ),
                    )
                })?,
        };
        Ok(Criteria {
            grr_good,
            grr_most,
            ndc_least: self.ndc_least.as_ref().map_or(usual.ndc_least, |raw| *raw.get_ref()),
            agreement_least: share(&self.agreement_least, usual.agreement_least)?,
            kappa_least: share(&self.kappa_least, usual.kappa_least)?,
            pool_above: share(&self.pool_above, usual.pool_above)?,
            grr_of: self.grr_of.unwrap_or(usual.grr_of),
            valid_days,
            gate: if self.gates { Gate::Shut } else { Gate::Open },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn study(keys: &str) -> Result<Criteria, String> {
        let text = format!(
            "recipe = \"r\"\n[fixture]\nid = \"a\"\nname = \"a\"\nledger = \"l\"\nsocket = \"s\"\n[study]\n{keys}\n"
        );
        Settings::parse(Path::new("fixture.toml"), &text)
            .map(|settings| settings.study)
            .map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn what_a_study_has_to_show_is_checked_and_has_defaults() {
        assert_eq!(study(""), Ok(Criteria::default()));
        let strict = study("grr_most = 0.2\nvalid = \"30d\"\ngates = true\ngrr_of = \"total-variation\"").unwrap();
        assert_eq!(
            strict,
            Criteria {
                grr_most: 0.2,
                valid_days: 30,
                gate: Gate::Shut,
                grr_of: GrrOf::TotalVariation,
                ..Criteria::default()
            }
        );
        for (wrong, said) in [
            (
                "grr_good = 10",
                "fixture.toml:8:12: study.grr_good: expected a share from 0 to 1",
            ),
            (
                "grr_good = 0.4",
                "study.grr_good: expected a grr_good, 0.4, of at most grr_most, 0.3",
            ),
            ("valid = \"1y\"", "study.valid: expected a number of days"),
            ("valid = \"0d\"", "study.valid: expected a number of days"),
            ("grr_of = \"parts\"", "unknown variant `parts`"),
            ("kappa = 1", "unknown field `kappa`"),
        ] {
            let error = study(wrong).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
