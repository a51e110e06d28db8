//! The style sheet and the script, part of the binary.

use axum::http::header;
use axum::response::IntoResponse;

/// The one style sheet.
pub async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("../../assets/fixture.css"),
    )
}

/// The one script.
pub async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("../../assets/live.js"),
    )
}
