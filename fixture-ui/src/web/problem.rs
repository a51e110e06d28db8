//! One page for everything that went wrong, with a way back.

use core::fmt::Display;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};

use super::Sources;
use super::api;
use super::frame::Frame;

/// What went wrong, in words.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    frame: Frame,
    title: String,
    what: String,
    todo: String,
    back: String,
    back_words: &'static str,
}

/// A request that has no page.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    page: Box<ProblemPage>,
}

impl Problem {
    /// A problem with a title of its own.
    pub fn new(sources: &Sources, status: StatusCode, title: &str, what: String, todo: &str) -> Self {
        Self {
            status,
            page: Box::new(ProblemPage {
                frame: Frame::now(sources, ""),
                title: title.to_owned(),
                what,
                todo: todo.to_owned(),
                back: "/".to_owned(),
                back_words: "Back to the live page",
            }),
        }
    }

    /// The same with another way on than back to the live page.
    #[must_use]
    pub fn leading(mut self, to: &str, words: &'static str) -> Self {
        to.clone_into(&mut self.page.back);
        self.page.back_words = words;
        self
    }

    /// Nothing is there.
    pub fn missing(sources: &Sources, what: String, todo: &str) -> Self {
        Self::new(sources, StatusCode::NOT_FOUND, "Not found", what, todo)
    }

    /// The request makes no sense.
    pub fn unclear(sources: &Sources, what: String, todo: &str) -> Self {
        Self::new(sources, StatusCode::BAD_REQUEST, "Not understood", what, todo)
    }

    /// The ledger cannot be read.
    pub fn ledger(sources: &Sources, error: &dyn Display) -> Self {
        Self::new(
            sources,
            StatusCode::SERVICE_UNAVAILABLE,
            "The ledger cannot be read",
            error.to_string(),
            "The live page goes on without it. Have the fixture's engineer run: fixture-daemon doctor.",
        )
    }

    /// A fault of this program.
    pub fn broken(sources: &Sources, error: &dyn Display) -> Self {
        tracing::error!("page: {error}");
        Self::new(
            sources,
            StatusCode::INTERNAL_SERVER_ERROR,
            "This page could not be made",
            error.to_string(),
            "Try again; if it stays, tell the fixture's engineer.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self.page.render() {
            Ok(page) => (self.status, Html(page)).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// A page, or the problem of making it.
pub fn page<T: Template>(sources: &Sources, page: &T) -> Result<Html<String>, Problem> {
    page.render()
        .map(Html)
        .map_err(|error| Problem::broken(sources, &error))
}

/// No page has this address.
pub async fn no_page(sources: State<Arc<Sources>>) -> Problem {
    Problem::missing(
        &sources,
        "There is no page at this address.".to_owned(),
        "Check the address.",
    )
}

/// A page is only read, or a form's address is only sent to.
pub async fn another_method(sources: State<Arc<Sources>>, address: Uri) -> Response {
    if address.path().starts_with(api::PATH) {
        return api::only_reading().into_response();
    }
    Problem::new(
        &sources,
        StatusCode::METHOD_NOT_ALLOWED,
        "Not allowed",
        "Nothing at this address is asked for or sent in this way.".to_owned(),
        "Acts are done with the forms of the pages.",
    )
    .into_response()
}
