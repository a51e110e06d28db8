//! Every address, and who may ask for it: one table, from which the router is made and that the tests walk.

use std::sync::Arc;

use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use fixture_link::role::Right;

use super::visitor::{Needs, admit};
use super::{
    Sources, about, accounts, acts, api, assets, audit, export, failures, lanes, live, log_in, metrics, recipes, run,
    runs, screen_png, shift_report, study, today, unit, what_if, what_if_rules, yields,
};

/// Whoever may look.
pub const LOOK: Needs = Needs::Right(Right::Look);

/// Something that can be asked for or sent.
pub struct Route {
    /// How.
    pub method: Method,
    /// Where.
    pub path: &'static str,
    /// What it needs of whoever asks.
    pub needs: Needs,
    handler: MethodRouter<Arc<Sources>>,
}

impl Route {
    /// Something to be read.
    pub fn get(path: &'static str, needs: Needs, handler: MethodRouter<Arc<Sources>>) -> Self {
        Self {
            method: Method::GET,
            path,
            needs,
            handler,
        }
    }

    /// Something to be sent.
    pub fn post(path: &'static str, needs: Needs, handler: MethodRouter<Arc<Sources>>) -> Self {
        Self {
            method: Method::POST,
            path,
            needs,
            handler,
        }
    }

    /// What answers whoever may ask.
    pub fn guarded(self, sources: &Arc<Sources>) -> MethodRouter<Arc<Sources>> {
        self.handler
            .layer(from_fn_with_state((Arc::clone(sources), self.needs), admit))
    }
}

/// Every one.
pub fn all() -> Vec<Route> {
    let keeps_accounts = Needs::Right(Right::KeepAccounts);
    let mut all = vec![
        Route::get("/", LOOK, get(live::page)),
        Route::get("/events", LOOK, get(live::events)),
        Route::get("/today", LOOK, get(today::page)),
        Route::get("/yield", LOOK, get(yields::page)),
        Route::get("/failures", LOOK, get(failures::page)),
        Route::get("/lanes", LOOK, get(lanes::page)),
        Route::get(shift_report::PATH, LOOK, get(shift_report::page)),
        Route::get(study::PATH, LOOK, get(study::page)),
        Route::get("/what-if", LOOK, get(what_if::page)),
        Route::get("/what-if/rules", LOOK, get(what_if_rules::page)),
        Route::get(recipes::PATH, LOOK, get(recipes::page)),
        Route::get("/about", LOOK, get(about::page)),
        Route::get("/runs", LOOK, get(runs::page)),
        Route::get("/runs/{id}", LOOK, get(run::page)),
        Route::get("/units/{serial}", LOOK, get(unit::page)),
        Route::get("/metrics", LOOK, get(metrics::figures)),
        Route::get("/screen.png", LOOK, get(screen_png)),
        Route::get("/fixture.css", Needs::Nothing, get(assets::style)),
        Route::get("/live.js", Needs::Nothing, get(assets::script)),
        Route::get("/export", LOOK, get(export::page)),
        Route::get("/export/runs.csv", LOOK, get(export::csv)),
        Route::get("/export/runs.jsonl", LOOK, get(export::json_lines)),
        Route::get("/export/records.jsonl", LOOK, get(export::records)),
        Route::get("/log-in", Needs::Nothing, get(log_in::page)),
        Route::post("/log-in", Needs::Nothing, post(log_in::log_in)),
        Route::get("/setup", Needs::Nothing, get(log_in::setup_page)),
        Route::post("/setup", Needs::Nothing, post(log_in::setup)),
        Route::post("/log-out", Needs::Somebody, post(log_in::log_out)),
        Route::post("/log-out-everywhere", Needs::Somebody, post(log_in::log_out_everywhere)),
        Route::get("/me", Needs::Somebody, get(log_in::me)),
        Route::post("/me/password", Needs::Somebody, post(log_in::change_password)),
        Route::post("/me/pin", Needs::Somebody, post(log_in::change_pin)),
        Route::get("/line", Needs::Right(Right::RunTheLine), get(acts::line)),
        Route::get("/audit", Needs::Right(Right::ReadTheAudit), get(audit::page)),
        Route::get("/people", keeps_accounts, get(accounts::page)),
        Route::post("/people", keeps_accounts, post(accounts::make)),
        Route::post("/people/role", keeps_accounts, post(accounts::change_role)),
        Route::post("/people/password", keeps_accounts, post(accounts::change_password)),
        Route::post("/people/pin", keeps_accounts, post(accounts::change_pin)),
        Route::post("/people/badge", keeps_accounts, post(accounts::change_badge)),
        Route::post("/people/end", keeps_accounts, post(accounts::end)),
        Route::post("/tokens", keeps_accounts, post(accounts::make_token)),
        Route::post("/tokens/end", keeps_accounts, post(accounts::end_token)),
    ];
    all.extend(acts::addresses().map(|(path, right)| Route::post(path, Needs::Right(right), post(acts::act))));
    all.extend(api::routes());
    all
}
