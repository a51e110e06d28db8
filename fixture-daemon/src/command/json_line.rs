//! A line of JSON, taken apart strictly: every key once, every key known, every value of its kind.

use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// What is wrong with a line: the field, and what was expected there. Never shows a value, for it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError(String);

impl LineError {
    /// An error at a field; `line` names the line as a whole.
    pub fn new(field: &str, what: &str) -> Self {
        Self(format!("{field}: {what}"))
    }

    /// An error that names its field already.
    pub fn whole(message: String) -> Self {
        Self(message)
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LineError {}

/// A JSON value. Unlike a map, an object keeps keys that stand twice.
#[derive(Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number from 0.
    Whole(u64),
    /// Any other number.
    Number,
    /// A text.
    Text(String),
    /// A list.
    List,
    /// An object, in order.
    Object(Vec<(String, Json)>),
}

impl Json {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Whole(_) | Self::Number => "a number",
            Self::Text(_) => "a text",
            Self::List => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
                Ok(Json::Flag(flag))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Whole(number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Number)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Number)
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                while list.next_element::<Json>()?.is_some() {}
                Ok(Json::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut object = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    object.push(entry);
                }
                Ok(Json::Object(object))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// The fields of an object that have not been taken yet.
pub struct Fields {
    /// Where the object lies, as in `proxy.`; empty for the line itself.
    prefix: String,
    left: Vec<(String, Json)>,
}

impl Fields {
    /// The fields of a line's object.
    ///
    /// # Errors
    /// The line is not UTF-8, not JSON, not an object, or has a key twice.
    pub fn of_line(line: &[u8]) -> Result<Self, LineError> {
        let text =
            std::str::from_utf8(line).map_err(|_| LineError::new("line", "not UTF-8, expected a JSON object"))?;
        if text.trim().is_empty() {
            return Err(LineError::new("line", "empty, expected a JSON object"));
        }
        let value: Json = serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let what = message.split(" at line ").next().unwrap_or("not JSON");
            LineError::new(
                "line",
                &format!("not JSON at column {}: {what}, expected a JSON object", error.column()),
            )
        })?;
        Self::of_object("line", String::new(), value)
    }

    fn of_object(name: &str, prefix: String, value: Json) -> Result<Self, LineError> {
        let kind = value.kind();
        let Json::Object(left) = value else {
            return Err(LineError::new(name, &format!("{kind}, expected an object")));
        };
        for (index, (key, _)) in left.iter().enumerate() {
            if left.iter().take(index).any(|(earlier, _)| earlier == key) {
                return Err(LineError::new(&format!("{prefix}{key}"), "stands twice, expected once"));
            }
        }
        Ok(Self { prefix, left })
    }

    /// A field's full name, as in `proxy.port`.
    pub fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Takes a field out, where it is there.
    pub fn take(&mut self, key: &str) -> Option<Json> {
        let place = self.left.iter().position(|(name, _)| name == key)?;
        Some(self.left.remove(place).1)
    }

    /// Takes a text out, where it is there.
    ///
    /// # Errors
    /// The value is no text.
    pub fn take_text(&mut self, key: &str) -> Result<Option<String>, LineError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let kind = value.kind();
        let Json::Text(text) = value else {
            return Err(LineError::new(&self.path(key), &format!("{kind}, expected a text")));
        };
        Ok(Some(text))
    }

    /// Takes a text out.
    ///
    /// # Errors
    /// The field is missing (the error says that `expected` was) or its value is no text.
    pub fn take_required_text(&mut self, key: &str, expected: &str) -> Result<String, LineError> {
        self.take_text(key)?
            .ok_or_else(|| LineError::new(&self.path(key), &format!("missing, expected {expected}")))
    }

    /// Takes an object out, where it is there.
    ///
    /// # Errors
    /// The value is no object, or has a key twice.
    pub fn take_fields(&mut self, key: &str) -> Result<Option<Self>, LineError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let path = self.path(key);
        Self::of_object(&path, format!("{path}."), value).map(Some)
    }

    /// The full name of the first field that is left.
    pub fn next_key(&self) -> Option<String> {
        self.left.first().map(|(key, _)| self.path(key))
    }

    /// Ends with nothing left.
    ///
    /// # Errors
    /// A field is left: its key is unknown, and `known` are the ones that are not.
    pub fn finish(self, known: &str) -> Result<(), LineError> {
        match self.next_key() {
            None => Ok(()),
            Some(key) => Err(LineError::new(&key, &format!("unknown key, expected {known}"))),
        }
    }
}
