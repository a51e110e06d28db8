//! Logging in and out, the first administrator, and what somebody changes of the own account.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use fixture_ledger::people::{People, PeopleError, Proof, Secret, Whereabouts};
use fixture_link::act::{AccountChange, Act};
use fixture_link::role::Role;

use super::Sources;
use super::accounts::audited;
use super::acts;
use super::door::Door;
use super::frame::Frame;
use super::link;
use super::posted::Posted;
use super::problem::{Problem, page as rendered};
use super::visitor::{Visitor, cookie};

/// What guesses at the setup code are counted under.
const SETUP: &str = "setup code";

#[derive(Template)]
#[template(path = "log_in.html")]
struct LogInPage {
    frame: Frame,
    at_line: bool,
    then: String,
    wrong: String,
    name: String,
    setup: bool,
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    wrong: String,
    name: String,
}

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    name: String,
    role: &'static str,
    form: String,
    may: Vec<&'static str>,
    has_pin: bool,
    has_badge: bool,
    done: String,
    wrong: String,
}

/// The accounts, or why nobody can log in.
pub fn people(sources: &Sources) -> Result<Arc<People>, Problem> {
    sources.people.clone().ok_or_else(|| {
        Problem::new(
            sources,
            StatusCode::SERVICE_UNAVAILABLE,
            "Nobody can log in",
            "The accounts cannot be read; the journal of the web service says why.".to_owned(),
            "Have the fixture's engineer look at it. Pages at the line go on.",
        )
    })
}

/// A problem with people's database, in words.
pub fn trouble(sources: &Sources, error: &PeopleError) -> Problem {
    match error {
        PeopleError::Store(_) | PeopleError::Broken(_) => Problem::broken(sources, error),
        PeopleError::Wait(_) => Problem::new(
            sources,
            StatusCode::TOO_MANY_REQUESTS,
            "Wait",
            error.to_string(),
            "Wait so long, then try again.",
        ),
        PeopleError::Unfit(_)
        | PeopleError::Taken(_)
        | PeopleError::BadgeTaken
        | PeopleError::Wrong
        | PeopleError::LastAdmin
        | PeopleError::Gone => Problem::unclear(sources, error.to_string(), "Go back, correct it, and send it again."),
    }
}

/// A path of these pages; anything else leads to the live page.
fn local(then: &str) -> &str {
    let plain = then.starts_with('/') && !then.starts_with("//") && !then.contains(['\\', '\r', '\n', '\t']);
    if plain { then } else { "/" }
}

fn here(visitor: &Visitor) -> bool {
    visitor.from == Whereabouts::Line
}

/// `GET /log-in`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let fields = link::fields(&query.unwrap_or_default());
    let then = fields.iter().find(|(name, _)| name == "then");
    let then = local(then.map_or("/", |(_, then)| then.as_str())).to_owned();
    Ok(form(&sources, then, String::new(), String::new())
        .await?
        .into_response())
}

async fn form(sources: &Sources, then: String, name: String, wrong: String) -> Result<Html<String>, Problem> {
    let setup = match &sources.people {
        Some(people) => !people.has_admin().await.map_err(|error| trouble(sources, &error))?,
        None => false,
    };
    let page = LogInPage {
        frame: Frame::now(sources, "log-in"),
        at_line: here(&Visitor::asking()),
        then,
        wrong,
        name,
        setup,
    };
    rendered(sources, &page)
}

/// `POST /log-in`
pub async fn log_in(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let people = people(&sources)?;
    let visitor = Visitor::asking();
    let name = posted.field("name").to_owned();
    let secret = |field: &str| Secret::told(posted.raw(field));
    let proof = if !posted.raw("badge").is_empty() {
        Proof::Badge(Secret::told(posted.field("badge")))
    } else if !posted.raw("pin").is_empty() {
        Proof::Pin {
            name: name.clone(),
            pin: Secret::told(posted.field("pin")),
        }
    } else {
        Proof::Password {
            name: name.clone(),
            password: secret("password"),
        }
    };
    let at = sources.clock.wall().as_microsecond();
    let then = local(posted.field("then")).to_owned();
    match people.log_in(proof, &visitor.from, at).await {
        Ok((person, secret)) => {
            tracing::info!("{} logged in from {}", person.name, visitor.from.as_str());
            if here(&visitor) {
                operator(&sources, &person.name, person.role, &person.name).await;
            }
            let cookie = [(header::SET_COOKIE, cookie(sources.door, Some(&secret)))];
            Ok((cookie, Redirect::to(&then)).into_response())
        }
        Err(error @ (PeopleError::Wrong | PeopleError::Wait(_) | PeopleError::Unfit(_))) => {
            tracing::warn!("a log-in from {} was refused: {error}", visitor.from.as_str());
            let status = if matches!(error, PeopleError::Wait(_)) {
                StatusCode::TOO_MANY_REQUESTS
            } else {
                StatusCode::UNAUTHORIZED
            };
            let page = form(&sources, then, name, error.to_string()).await?;
            let mut answer = (status, page).into_response();
            if let PeopleError::Wait(wait) = error {
                let seconds = wait.as_secs().max(1);
                answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            Ok(answer)
        }
        Err(error) => Err(trouble(&sources, &error)),
    }
}

/// Tells the daemon who works at the line: those who log in there are the operator of the runs that begin.
async fn operator(sources: &Sources, by: &str, role: Role, name: &str) {
    let act = Act::Operator { name: name.to_owned() };
    if role.may(&act)
        && let Err(error) = acts::ask(sources, by, role, "line", acts::new_id(), act).await
    {
        tracing::warn!("the operator at the line is not known to the daemon: {error}");
    }
}

/// `POST /log-out`
pub async fn log_out(sources: State<Arc<Sources>>, _posted: Posted) -> Result<Response, Problem> {
    let visitor = Visitor::asking();
    if let Some(secret) = &visitor.holds {
        people(&sources)?
            .log_out(secret)
            .await
            .map_err(|error| trouble(&sources, &error))?;
    }
    if let (true, Some(person)) = (here(&visitor), &visitor.person) {
        operator(&sources, &person.name, person.role, "").await;
    }
    Ok(left(sources.door))
}

/// `POST /log-out-everywhere`
pub async fn log_out_everywhere(sources: State<Arc<Sources>>, _posted: Posted) -> Result<Response, Problem> {
    if let Some(account) = Visitor::asking().person.and_then(|person| person.account) {
        people(&sources)?
            .log_out_everywhere(account)
            .await
            .map_err(|error| trouble(&sources, &error))?;
    }
    Ok(left(sources.door))
}

fn left(door: Door) -> Response {
    ([(header::SET_COOKIE, cookie(door, None))], Redirect::to("/")).into_response()
}

/// `GET /setup`
pub async fn setup_page(sources: State<Arc<Sources>>) -> Result<Html<String>, Problem> {
    wanted(&sources).await?;
    setup_form(&sources, String::new(), String::new())
}

fn setup_form(sources: &Sources, name: String, wrong: String) -> Result<Html<String>, Problem> {
    let page = SetupPage {
        frame: Frame::now(sources, ""),
        wrong,
        name,
    };
    rendered(sources, &page)
}

/// An administrator is wanted as long as there is none.
async fn wanted(sources: &Sources) -> Result<Arc<People>, Problem> {
    let people = people(sources)?;
    if people.has_admin().await.map_err(|error| trouble(sources, &error))? {
        return Err(Problem::missing(
            sources,
            "This fixture has an administrator.".to_owned(),
            "Log in; who has lost the password asks another administrator.",
        ));
    }
    Ok(people)
}

/// `POST /setup`
pub async fn setup(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let people = wanted(&sources).await?;
    let visitor = Visitor::asking();
    let at = sources.clock.wall().as_microsecond();
    let name = posted.field("name").to_owned();
    let again = |wrong: String| -> Result<Response, Problem> {
        let page = setup_form(&sources, name.clone(), wrong)?;
        Ok((StatusCode::BAD_REQUEST, page).into_response())
    };
    if posted.raw("password") != posted.raw("again") {
        return again("the two passwords differ".to_owned());
    }
    if let Err(error) = people.guess_at(SETUP, visitor.from.as_str(), at).await {
        return Err(trouble(&sources, &error));
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let code = std::fs::read_to_string(&sources.setup_code).unwrap_or_default();
    if digits(&code).is_empty() || digits(&code) != digits(posted.field("code")) {
        return again("this is not the setup code: it stands on the local screen and in the journal".to_owned());
    }
    if let Err(error) = people.free(&name).await {
        return again(error.to_string());
    }
    audited(&sources, &name, AccountChange::Made, ("", Role::Admin.as_str())).await?;
    let made = people
        .make_first_admin(&name, Secret::told(posted.raw("password")), at)
        .await;
    if let Err(error) = made {
        return again(error.to_string());
    }
    if let Err(error) = people.guessed(SETUP, visitor.from.as_str()).await {
        tracing::warn!("{error}");
    }
    if let Err(error) = std::fs::remove_file(&sources.setup_code) {
        tracing::error!("{}: {error}", sources.setup_code.display());
    }
    tracing::info!("{name} is the first administrator");
    Ok(Redirect::to("/log-in?then=/people").into_response())
}

/// `GET /me`
pub async fn me(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let done = match query.as_deref() {
        Some("done=password") => "The password is changed.",
        Some("done=pin") => "The PIN is changed.",
        Some(_) | None => "",
    };
    me_page(&sources, done.to_owned(), String::new()).await
}

async fn me_page(sources: &Sources, done: String, wrong: String) -> Result<Html<String>, Problem> {
    let visitor = Visitor::asking();
    let number = visitor.person.as_ref().and_then(|person| person.account);
    let account = people(sources)?
        .account(number.unwrap_or_default())
        .await
        .map_err(|error| trouble(sources, &error))?;
    let page = MePage {
        frame: Frame::now(sources, "me"),
        role: account.role.title(),
        name: account.name,
        form: visitor.of_form(),
        may: fixture_link::role::Right::ALL
            .into_iter()
            .filter(|right| account.role.has(*right))
            .map(fixture_link::role::Right::title)
            .collect(),
        has_pin: account.pin,
        has_badge: account.badge,
        done,
        wrong,
    };
    rendered(sources, &page)
}

/// Proves once more who it is, and gives the account's number.
async fn proven(sources: &Sources, posted: &Posted) -> Result<Result<i64, String>, Problem> {
    let visitor = Visitor::asking();
    let Some((person, account)) = visitor
        .person
        .as_ref()
        .and_then(|person| Some((person, person.account?)))
    else {
        return Ok(Err("log in first".to_owned()));
    };
    let proof = Proof::Password {
        name: person.name.clone(),
        password: Secret::told(posted.raw("password")),
    };
    let people = people(sources)?;
    let at = sources.clock.wall().as_microsecond();
    match people.log_in(proof, &visitor.from, at).await {
        Ok((_, secret)) => {
            // Only the proof was wanted.
            people
                .log_out(&secret)
                .await
                .map_err(|error| trouble(sources, &error))?;
            Ok(Ok(account))
        }
        Err(PeopleError::Wrong) => Ok(Err("the password that you have now does not fit".to_owned())),
        Err(error) => Err(trouble(sources, &error)),
    }
}

/// `POST /me/password`
pub async fn change_password(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = match proven(&sources, &posted).await? {
        Ok(account) => account,
        Err(wrong) => return Ok(me_page(&sources, String::new(), wrong).await?.into_response()),
    };
    if posted.raw("new") != posted.raw("again") {
        let wrong = "the two new passwords differ".to_owned();
        return Ok(me_page(&sources, String::new(), wrong).await?.into_response());
    }
    let name = Visitor::asking().name().to_owned();
    audited(&sources, &name, AccountChange::Password, ("", "")).await?;
    match people(&sources)?
        .set_password(account, Secret::told(posted.raw("new")))
        .await
    {
        Ok(()) => Ok(Redirect::to("/log-in?then=/me").into_response()),
        Err(error @ PeopleError::Unfit(_)) => Ok(me_page(&sources, String::new(), error.to_string())
            .await?
            .into_response()),
        Err(error) => Err(trouble(&sources, &error)),
    }
}

/// `POST /me/pin`
pub async fn change_pin(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = match proven(&sources, &posted).await? {
        Ok(account) => account,
        Err(wrong) => return Ok(me_page(&sources, String::new(), wrong).await?.into_response()),
    };
    let pin = Some(posted.field("pin")).filter(|pin| !pin.is_empty());
    let name = Visitor::asking().name().to_owned();
    let after = if pin.is_some() { "has one" } else { "" };
    audited(&sources, &name, AccountChange::Pin, ("", after)).await?;
    match people(&sources)?.set_pin(account, pin.map(Secret::told)).await {
        Ok(()) => Ok(Redirect::to("/log-in?then=/me").into_response()),
        Err(error @ PeopleError::Unfit(_)) => Ok(me_page(&sources, String::new(), error.to_string())
            .await?
            .into_response()),
        Err(error) => Err(trouble(&sources, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_log_in_leads_to_these_pages_only() {
        assert_eq!(local("/units/A-1?x=y"), "/units/A-1?x=y");
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/x\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(local(foreign), "/", "{foreign:?}");
        }
    }
}
