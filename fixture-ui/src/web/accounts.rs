//! Who may do what at this fixture: accounts and tokens, made and taken away by the administrator.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use fixture_ledger::people::{Account, People, PeopleError, Secret, Token};
use fixture_link::act::{AccountChange, Act, ActAnswer};
use fixture_link::role::{Right, Role};
use jiff::civil::Date;

use super::Sources;
use super::acts::{self, unreached};
use super::frame::Frame;
use super::list::instant_at;
use super::log_in::{people, trouble};
use super::posted::Posted;
use super::problem::{Problem, page as rendered};
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    form: String,
    done: String,
    fresh: Option<Fresh>,
    accounts: Vec<AccountWords>,
    tokens: Vec<TokenWords>,
    roles: [(&'static str, &'static str); 5],
    rights: Vec<RightRow>,
}

/// A token that was just made: told once.
struct Fresh {
    name: String,
    token: String,
}

struct AccountWords {
    number: i64,
    name: String,
    role: &'static str,
    title: &'static str,
    by: String,
    made: String,
    ended: String,
}

struct TokenWords {
    number: i64,
    name: String,
    title: &'static str,
    by: String,
    made: String,
    ends: String,
    ended: String,
    stands: bool,
}

/// What each role may: a row a right.
struct RightRow {
    right: &'static str,
    has: [&'static str; 5],
}

/// `GET /people`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let done = if query.as_deref() == Some("done=yes") {
        "Done."
    } else {
        ""
    };
    show(&sources, done, None).await
}

async fn show(sources: &Sources, done: &str, fresh: Option<Fresh>) -> Result<Html<String>, Problem> {
    let people = people(sources)?;
    let broken = |error| trouble(sources, &error);
    let accounts = people.accounts().await.map_err(broken)?;
    let tokens = people.tokens().await.map_err(broken)?;
    let now = sources.clock.wall().as_microsecond();
    let page = PeoplePage {
        frame: Frame::now(sources, "people"),
        form: Visitor::asking().of_form(),
        done: done.to_owned(),
        fresh,
        accounts: accounts.iter().map(|account| account_words(sources, account)).collect(),
        tokens: tokens.iter().map(|token| token_words(sources, token, now)).collect(),
        roles: Role::ALL.map(|role| (role.as_str(), role.title())),
        rights: Right::ALL
            .into_iter()
            .map(|right| RightRow {
                right: right.title(),
                has: Role::ALL.map(|role| if role.has(right) { "yes" } else { "–" }),
            })
            .collect(),
    };
    rendered(sources, &page)
}

fn account_words(sources: &Sources, account: &Account) -> AccountWords {
    let ways = [
        (account.password, "password"),
        (account.pin, "PIN"),
        (account.badge, "badge"),
    ];
    let by: Vec<&str> = ways.into_iter().filter_map(|(has, way)| has.then_some(way)).collect();
    AccountWords {
        number: account.number,
        name: account.name.clone(),
        role: account.role.as_str(),
        title: account.role.title(),
        by: if by.is_empty() {
            "cannot log in yet".to_owned()
        } else {
            by.join(", ")
        },
        made: instant_at(sources, account.made),
        ended: account.ended.map(|at| instant_at(sources, at)).unwrap_or_default(),
    }
}

fn token_words(sources: &Sources, token: &Token, now: i64) -> TokenWords {
    TokenWords {
        number: token.number,
        name: token.name.clone(),
        title: token.role.title(),
        by: token.by.clone(),
        made: instant_at(sources, token.made),
        ends: instant_at(sources, token.ends),
        ended: token.ended.map(|at| instant_at(sources, at)).unwrap_or_default(),
        stands: token.ended.is_none() && token.ends > now,
    }
}

/// Has the daemon write down what is about to be done; where it cannot, nothing is.
pub async fn audited(
    sources: &Sources,
    name: &str,
    change: AccountChange,
    (before, after): (&str, &str),
) -> Result<(), Problem> {
    let visitor = Visitor::asking();
    let (by, role) = match &visitor.person {
        Some(person) => (person.name.as_str(), person.role),
        // The first administrator makes the own account.
        None => (name, Role::Admin),
    };
    let act = Act::Account {
        name: name.to_owned(),
        change,
        before: before.to_owned(),
        after: after.to_owned(),
    };
    match acts::ask(sources, by, role, visitor.from.as_str(), acts::new_id(), act).await {
        Ok(ActAnswer::Done) => Ok(()),
        Ok(ActAnswer::Refused { why }) => Err(Problem::unclear(sources, why, "Nothing was done.")),
        Err(error) => Err(unreached(sources, &error)),
    }
}

fn role(sources: &Sources, posted: &Posted) -> Result<Role, Problem> {
    posted
        .field("role")
        .parse()
        .map_err(|_| Problem::unclear(sources, "role: expected one of the five".to_owned(), "Choose a role."))
}

async fn account(sources: &Sources, posted: &Posted) -> Result<Account, Problem> {
    let number = posted.field("account").parse().unwrap_or_default();
    people(sources)?
        .account(number)
        .await
        .map_err(|error| trouble(sources, &error))
}

fn seen(sources: &Sources, result: Result<(), PeopleError>) -> Result<Response, Problem> {
    result.map_err(|error| trouble(sources, &error))?;
    Ok(Redirect::to("/people?done=yes").into_response())
}

/// `POST /people`
pub async fn make(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let people = people(&sources)?;
    let broken = |error| trouble(&sources, &error);
    let (name, role) = (posted.field("name"), role(&sources, &posted)?);
    people.free(name).await.map_err(broken)?;
    let told = |text: &str| (!text.is_empty()).then(|| Secret::told(text));
    let (password, pin) = (told(posted.raw("password")), told(posted.field("pin")));
    let badge = told(posted.field("badge"));
    People::fit(name, password.as_ref(), pin.as_ref(), badge.as_ref()).map_err(broken)?;
    audited(&sources, name, AccountChange::Made, ("", role.as_str())).await?;
    let at = sources.clock.wall().as_microsecond();
    let made = people.make(name, role, at).await.map_err(broken)?;
    if let Some(password) = password {
        people.set_password(made.number, password).await.map_err(broken)?;
    }
    if pin.is_some() {
        people.set_pin(made.number, pin).await.map_err(broken)?;
    }
    if badge.is_some() {
        people.set_badge(made.number, badge).await.map_err(broken)?;
    }
    seen(&sources, Ok(()))
}

/// `POST /people/role`
pub async fn change_role(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = account(&sources, &posted).await?;
    let role = role(&sources, &posted)?;
    let before_and_after = (account.role.as_str(), role.as_str());
    audited(&sources, &account.name, AccountChange::Role, before_and_after).await?;
    seen(&sources, people(&sources)?.set_role(account.number, role).await)
}

/// `POST /people/password`
pub async fn change_password(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = account(&sources, &posted).await?;
    audited(&sources, &account.name, AccountChange::Password, ("", "")).await?;
    let password = Secret::told(posted.raw("password"));
    seen(&sources, people(&sources)?.set_password(account.number, password).await)
}

/// `POST /people/pin`
pub async fn change_pin(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = account(&sources, &posted).await?;
    let pin = Some(posted.field("pin")).filter(|pin| !pin.is_empty());
    audited(
        &sources,
        &account.name,
        AccountChange::Pin,
        (has(account.pin), has(pin.is_some())),
    )
    .await?;
    seen(
        &sources,
        people(&sources)?.set_pin(account.number, pin.map(Secret::told)).await,
    )
}

/// `POST /people/badge`
pub async fn change_badge(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = account(&sources, &posted).await?;
    let badge = Some(posted.field("badge")).filter(|badge| !badge.is_empty());
    audited(
        &sources,
        &account.name,
        AccountChange::Badge,
        (has(account.badge), has(badge.is_some())),
    )
    .await?;
    seen(
        &sources,
        people(&sources)?
            .set_badge(account.number, badge.map(Secret::told))
            .await,
    )
}

const fn has(one: bool) -> &'static str {
    if one { "has one" } else { "" }
}

/// `POST /people/end`
pub async fn end(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let account = account(&sources, &posted).await?;
    audited(
        &sources,
        &account.name,
        AccountChange::Ended,
        (account.role.as_str(), ""),
    )
    .await?;
    let at = sources.clock.wall().as_microsecond();
    seen(&sources, people(&sources)?.end(account.number, at).await)
}

/// `POST /tokens`
pub async fn make_token(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let (name, role) = (posted.field("name"), role(&sources, &posted)?);
    let ends: Date = posted.field("ends").parse().map_err(|_| {
        Problem::unclear(
            &sources,
            "ends: expected the last day of the token, as 2027-12-31".to_owned(),
            "Choose a day.",
        )
    })?;
    // Until the end of that day.
    let ends = ends
        .tomorrow()
        .and_then(|day| day.to_zoned(sources.shifts.zone().clone()))
        .map_err(|error| Problem::unclear(&sources, error.to_string(), "Choose another day."))?
        .timestamp()
        .as_microsecond();
    audited(&sources, name, AccountChange::TokenMade, ("", role.as_str())).await?;
    let at = sources.clock.wall().as_microsecond();
    let token = people(&sources)?
        .make_token(name, role, Visitor::asking().name(), at, ends)
        .await
        .map_err(|error| trouble(&sources, &error))?;
    let fresh = Fresh {
        name: name.to_owned(),
        token: token.tell().to_owned(),
    };
    Ok(show(&sources, "", Some(fresh)).await?.into_response())
}

/// `POST /tokens/end`
pub async fn end_token(sources: State<Arc<Sources>>, posted: Posted) -> Result<Response, Problem> {
    let people = people(&sources)?;
    let broken = |error| trouble(&sources, &error);
    let number: i64 = posted.field("token").parse().unwrap_or_default();
    let tokens = people.tokens().await.map_err(broken)?;
    let Some(token) = tokens.iter().find(|token| token.number == number) else {
        return Err(trouble(&sources, &PeopleError::Gone));
    };
    audited(
        &sources,
        &token.name,
        AccountChange::TokenEnded,
        (token.role.as_str(), ""),
    )
    .await?;
    let at = sources.clock.wall().as_microsecond();
    seen(&sources, people.end_token(number, at).await)
}
