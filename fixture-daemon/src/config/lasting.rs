//! Durations as people write them in a file.

use core::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A duration with its unit, such as `"60s"`, `"1m 30s"` or `"500ms"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting(pub Duration);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Lasting;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a duration with its unit, such as \"60s\" or \"500ms\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Lasting, E> {
                text.parse::<jiff::SignedDuration>()
                    .ok()
                    .and_then(|duration| Duration::try_from(duration).ok())
                    .map(Lasting)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}
