//! Accounts, log-ins, tokens, and what guessing costs.

use core::time::Duration;
use std::path::PathBuf;

use fixture_ledger::people::{LOG_IN_HOLDS, LOG_IN_RESTS, People, PeopleError, Proof, Secret, Whereabouts};
use fixture_link::role::Role;
use rusqlite::Connection;

/// 2026-11-27T06:00:00Z.
const MORNING: i64 = 1_795_759_200_000_000;

const SECOND: i64 = 1_000_000;

const WORDS: &str = "correct horse battery";

async fn people() -> (tempfile::TempDir, PathBuf, People) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("people.db");
    let people = People::open(&path).await.unwrap();
    (folder, path, people)
}

fn password(name: &str, password: &str) -> Proof {
    Proof::Password {
        name: name.to_owned(),
        password: Secret::told(password),
    }
}

fn pin(name: &str, pin: &str) -> Proof {
    Proof::Pin {
        name: name.to_owned(),
        pin: Secret::told(pin),
    }
}

fn elsewhere() -> Whereabouts {
    Whereabouts::Network("192.0.2.7".to_owned())
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap()
}

#[tokio::test]
async fn the_first_administrator_is_made_once_and_logs_in() {
    let (_folder, path, people) = people().await;
    assert!(!people.has_admin().await.unwrap());
    let made = people
        .make_first_admin("Ana", Secret::told(WORDS), MORNING)
        .await
        .unwrap();
    assert!(people.has_admin().await.unwrap());
    let second = people.make_first_admin("Eve", Secret::told(WORDS), MORNING).await;
    assert!(matches!(second, Err(PeopleError::Taken(_))), "{second:?}");
    let (person, secret) = people
        .log_in(password("ana", WORDS), &elsewhere(), MORNING)
        .await
        .unwrap();
    assert_eq!((person.name.as_str(), person.role), ("Ana", Role::Admin));
    let found = people.logged_in(&secret, &elsewhere(), MORNING + SECOND).await.unwrap();
    assert_eq!(found.map(|person| person.account), Some(Some(made.number)));
    drop(people);
    // What a thief of the file would find.
    let stored = std::fs::read(&path).unwrap();
    let holds = |text: &str| stored.windows(text.len()).any(|piece| piece == text.as_bytes());
    assert!(holds("$argon2id$") && !holds(WORDS) && !holds(secret.tell()));
    let rights = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(rights & 0o007, 0, "others may not read it");
    // It is there after a restart.
    let people = People::open(&path).await.unwrap();
    assert!(
        people
            .logged_in(&secret, &elsewhere(), MORNING + SECOND)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_log_in_ends_by_its_time_by_rest_by_log_out_and_with_what_it_was_made_by() {
    let (_folder, _path, people) = people().await;
    let ana = people
        .make_first_admin("Ana", Secret::told(WORDS), MORNING)
        .await
        .unwrap();
    let wei = people.make("Wei", Role::Operator, MORNING).await.unwrap();
    people.set_pin(wei.number, Some(Secret::told("4711"))).await.unwrap();
    let net = elsewhere();
    let in_at = async |at: i64| people.log_in(password("Ana", WORDS), &net, at).await.unwrap().1;
    let stands = async |secret: &Secret, from: &Whereabouts, at: i64| {
        people.logged_in(secret, from, at).await.unwrap().is_some()
    };

    let rests = in_at(MORNING).await;
    let rest = micros(LOG_IN_RESTS);
    assert!(stands(&rests, &net, MORNING + rest).await);
    assert!(stands(&rests, &net, MORNING + 2 * rest).await, "it was used meanwhile");
    assert!(!stands(&rests, &net, MORNING + 3 * rest + 2 * SECOND).await);

    let (_, at_line) = people
        .log_in(pin("Wei", "4711"), &Whereabouts::Line, MORNING)
        .await
        .unwrap();
    let end = MORNING + micros(LOG_IN_HOLDS);
    assert!(
        stands(&at_line, &Whereabouts::Line, end - 1).await,
        "the line does not rest"
    );
    assert!(!stands(&at_line, &Whereabouts::Line, end).await);
    assert!(
        !stands(&at_line, &net, MORNING + 1).await,
        "the line's holds nowhere else"
    );

    let (one, other) = (in_at(MORNING).await, in_at(MORNING).await);
    people.log_out(&one).await.unwrap();
    assert!(!stands(&one, &net, MORNING + 1).await && stands(&other, &net, MORNING + 1).await);
    people.log_out_everywhere(ana.number).await.unwrap();
    assert!(!stands(&other, &net, MORNING + 1).await);

    let role = in_at(MORNING).await;
    people.make("Bo", Role::Admin, MORNING).await.unwrap();
    people
        .set_password(ana.number, Secret::told("another battery 7"))
        .await
        .unwrap();
    assert!(!stands(&role, &net, MORNING + 1).await, "another password ends it");
}

#[tokio::test]
async fn pins_and_badges_hold_at_the_line_only() {
    let (_folder, _path, people) = people().await;
    let wei = people.make("Wei", Role::Operator, MORNING).await.unwrap();
    people.set_pin(wei.number, Some(Secret::told("4711"))).await.unwrap();
    people
        .set_badge(wei.number, Some(Secret::told("B-000123")))
        .await
        .unwrap();
    let badge = || Proof::Badge(Secret::told("B-000123"));
    for proof in [pin("Wei", "4711"), badge()] {
        let said = people.log_in(proof, &elsewhere(), MORNING).await;
        assert!(matches!(said, Err(PeopleError::Unfit(_))), "{said:?}");
    }
    let by_badge = people.log_in(badge(), &Whereabouts::Line, MORNING).await.unwrap();
    assert_eq!(by_badge.0.name, "Wei");
    let other = people.make("Li", Role::Operator, MORNING).await.unwrap();
    let taken = people.set_badge(other.number, Some(Secret::told("B-000123"))).await;
    assert!(matches!(taken, Err(PeopleError::BadgeTaken)), "{taken:?}");
    people.end(wei.number, MORNING).await.unwrap();
    let gone = people.log_in(badge(), &Whereabouts::Line, MORNING + SECOND).await;
    assert!(matches!(gone, Err(PeopleError::Wrong)), "{gone:?}");
    // The badge is free for somebody else; the name is not.
    people
        .set_badge(other.number, Some(Secret::told("B-000123")))
        .await
        .unwrap();
    let again = people.make("wei", Role::Viewer, MORNING).await;
    assert!(matches!(again, Err(PeopleError::Taken(_))), "{again:?}");
}

#[tokio::test]
async fn guesses_cost_more_and_more_and_right_ones_are_not_looked_at_meanwhile() {
    let (_folder, path, people) = people().await;
    let wei = people.make("Wei", Role::Operator, MORNING).await.unwrap();
    people.set_pin(wei.number, Some(Secret::told("4711"))).await.unwrap();
    people.make("Li", Role::Operator, MORNING).await.unwrap();
    let line = Whereabouts::Line;
    let mut at = MORNING;
    let mut waited = Vec::new();
    for _ in 0..12 {
        loop {
            match people.log_in(pin("Wei", "0000"), &line, at).await {
                Err(PeopleError::Wrong) => break,
                Err(PeopleError::Wait(wait)) => {
                    waited.push(wait.as_secs());
                    at += micros(wait);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 30, 30, 30], "after the fourth wrong one");
    let right = people.log_in(pin("Wei", "4711"), &line, at).await;
    assert!(matches!(right, Err(PeopleError::Wait(_))), "{right:?}");
    let another = people.log_in(pin("Li", "1111"), &line, at).await;
    assert!(
        matches!(another, Err(PeopleError::Wait(_))),
        "from the same place: {another:?}"
    );
    // A restart forgets nothing.
    drop(people);
    let people = People::open(&path).await.unwrap();
    let right = people.log_in(pin("Wei", "4711"), &line, at).await;
    assert!(matches!(right, Err(PeopleError::Wait(_))), "{right:?}");
    // A wall clock that was set back locks nobody out for longer.
    let back = at - 86_400 * SECOND;
    let waits = people.log_in(pin("Wei", "4711"), &line, back).await;
    assert!(
        matches!(&waits, Err(PeopleError::Wait(wait)) if wait.as_secs() == 30),
        "{waits:?}"
    );
    people
        .log_in(pin("Wei", "4711"), &line, back + 30 * SECOND)
        .await
        .unwrap();
}

#[tokio::test]
async fn many_guesses_at_once_count_as_many() {
    let (_folder, _path, people) = people().await;
    let wei = people.make("Wei", Role::Operator, MORNING).await.unwrap();
    people.set_pin(wei.number, Some(Secret::told("4711"))).await.unwrap();
    let people = &people;
    let guesses = (0..20).map(|n| async move {
        people
            .log_in(pin("Wei", &format!("{n:04}")), &Whereabouts::Line, MORNING)
            .await
    });
    let said = futures_util::future::join_all(guesses).await;
    let looked_at = said
        .iter()
        .filter(|said| matches!(said, Err(PeopleError::Wrong)))
        .count();
    assert_eq!(looked_at, 4, "{said:?}");
}

#[tokio::test]
async fn somebody_with_an_account_cannot_guess_at_others_between_two_of_the_own() {
    let (_folder, _path, people) = people().await;
    for (name, number) in [("Wei", "4711"), ("Mallory", "9999")] {
        let made = people.make(name, Role::Operator, MORNING).await.unwrap();
        people.set_pin(made.number, Some(Secret::told(number))).await.unwrap();
    }
    let mut waits = 0;
    for n in 0..12 {
        // Another name each time, so that no account has to wait by itself.
        let guess = people
            .log_in(pin(&format!("nobody {n}"), "0000"), &Whereabouts::Line, MORNING)
            .await;
        waits += usize::from(matches!(guess, Err(PeopleError::Wait(_))));
        let _own = people.log_in(pin("Mallory", "9999"), &Whereabouts::Line, MORNING).await;
    }
    assert!(waits >= 7, "only {waits} of 12 guesses had to wait");
}

#[tokio::test]
async fn names_passwords_pins_and_badges_that_cannot_be_one_are_refused() {
    let (_folder, _path, people) = people().await;
    for name in ["", " Ana", "console", "Scanner", "token x", "a\nb", &"x".repeat(65)] {
        let said = people.make(name, Role::Viewer, MORNING).await;
        assert!(matches!(said, Err(PeopleError::Unfit(_))), "{name:?}: {said:?}");
    }
    let ana = people.make("Ana", Role::Viewer, MORNING).await.unwrap();
    for weak in ["short", "aaaaaaaaaaaa", "I am ana 123456", &"x y z".repeat(60)] {
        let said = people.set_password(ana.number, Secret::told(weak)).await;
        assert!(matches!(said, Err(PeopleError::Unfit(_))), "{weak:?}: {said:?}");
    }
    for weak in ["123", "1234567890123", "12a4", "１２３４"] {
        let said = people.set_pin(ana.number, Some(Secret::told(weak))).await;
        assert!(matches!(said, Err(PeopleError::Unfit(_))), "{weak:?}: {said:?}");
    }
    let said = people.set_badge(ana.number, Some(Secret::told("abc"))).await;
    assert!(matches!(said, Err(PeopleError::Unfit(_))), "{said:?}");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let (_folder, path, people) = people().await;
    let ana = people
        .make_first_admin("Ana", Secret::told(WORDS), MORNING)
        .await
        .unwrap();
    // One who cannot log in is none.
    let bo = people.make("Bo", Role::Admin, MORNING).await.unwrap();
    for said in [
        people.set_role(ana.number, Role::Viewer).await,
        people.end(ana.number, MORNING).await,
    ] {
        assert!(matches!(said, Err(PeopleError::LastAdmin)), "{said:?}");
    }
    people.set_password(bo.number, Secret::told(WORDS)).await.unwrap();
    people.end(ana.number, MORNING).await.unwrap();
    let said = people.end(bo.number, MORNING).await;
    assert!(matches!(said, Err(PeopleError::LastAdmin)), "{said:?}");
    let gone = people.set_pin(ana.number, None).await;
    assert!(matches!(gone, Err(PeopleError::Gone)), "{gone:?}");
    drop(people);
    let deleted = Connection::open(&path).unwrap().execute("DELETE FROM account", []);
    assert!(deleted.unwrap_err().to_string().contains("never deleted"));
}

#[tokio::test]
async fn a_token_is_told_once_and_ends() {
    let (_folder, _path, people) = people().await;
    let ends = MORNING + 86_400 * SECOND;
    let token = people
        .make_token("mes", Role::Operator, "Ana", MORNING, ends)
        .await
        .unwrap();
    let found = people.by_token(&token, MORNING).await.unwrap().unwrap();
    assert_eq!(
        (found.account, found.name.as_str(), found.role),
        (None, "token mes", Role::Operator)
    );
    assert_eq!(people.by_token(&token, ends).await.unwrap(), None);
    assert_eq!(
        people.by_token(&Secret::told("0".repeat(64)), MORNING).await.unwrap(),
        None
    );
    let over = people.make_token("x", Role::Viewer, "Ana", MORNING, MORNING).await;
    assert!(matches!(over, Err(PeopleError::Unfit(_))), "{over:?}");
    let number = people.tokens().await.unwrap()[0].number;
    people.end_token(number, MORNING).await.unwrap();
    assert_eq!(people.by_token(&token, MORNING).await.unwrap(), None);
}

#[tokio::test]
async fn another_database_is_not_taken_for_peoples() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = fixture_ledger::Ledger::create(&path, fixture_ledger::Durability::Unsynced)
        .await
        .unwrap();
    ledger.close().await.unwrap();
    assert!(matches!(
        People::open(&path).await,
        Err(fixture_ledger::LedgerError::NotALedger { .. })
    ));
}
