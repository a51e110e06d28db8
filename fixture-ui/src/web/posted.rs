//! A form as it was sent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Sources;
use super::link;
use super::problem::Problem;
use super::visitor::Visitor;

/// The largest form: a recipe with its reason.
const LARGEST: usize = 64 * 1024;

/// The fields of a form that was made for whoever sends it.
#[derive(Debug)]
pub struct Posted {
    fields: Vec<(String, String)>,
}

impl Posted {
    /// A field, without white space at its ends; empty where it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The lines of a field, without white space at their ends and without empty ones.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.field(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty())
    }

    /// A field as it was sent: a password may begin with a space.
    pub fn raw(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

#[cfg(test)]
impl Posted {
    /// A form with these fields.
    pub fn of(fields: &str) -> Self {
        Self {
            fields: link::fields(fields),
        }
    }
}

impl FromRequest<Arc<Sources>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, sources: &Arc<Sources>) -> Result<Self, Response> {
        let unclear = |what: &str| {
            Problem::unclear(sources, what.to_owned(), "Open the page again and send its form.").into_response()
        };
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| {
                kind.split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
            });
        if !is_form {
            return Err(unclear("Expected a form (application/x-www-form-urlencoded)."));
        }
        let (parts, body) = request.into_parts();
        let bytes: Bytes = axum::body::to_bytes(body, LARGEST)
            .await
            .map_err(|_| unclear("The form is larger than 64 KiB, or ended early."))?;
        drop(parts);
        let Ok(text) = core::str::from_utf8(&bytes) else {
            return Err(unclear("The form is not text."));
        };
        let posted = Self {
            fields: link::fields(text),
        };
        let visitor = Visitor::asking();
        if visitor.holds.is_some() && posted.raw("form") != visitor.of_form() {
            return Err(Problem::new(
                sources,
                StatusCode::FORBIDDEN,
                "Not from this page",
                "The form was made for somebody else, or for an earlier log-in; nothing was done.".to_owned(),
                "Open the page again and send its form.",
            )
            .into_response());
        }
        Ok(posted)
    }
}
