//! Wrong guesses cost time: so much that nobody gets through all PINs.

use core::time::Duration;

use sqlx::Connection as _;

use super::{People, PeopleError, micros};

/// So many wrong guesses in a row cost nothing: fingers slip.
const FREE: i64 = 3;

/// The longest that one has to wait. 10,000 guesses then take three and a half days, and somebody whose account is guessed at by others still gets in.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Wrong guesses that are so long ago count no more.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// What so many wrong guesses in a row cost: one second after the fourth, twice as much after each one more.
fn wait(wrong: i64) -> Duration {
    match u32::try_from(wrong - FREE - 1) {
        Err(_) => Duration::ZERO,
        Ok(doubled) => Duration::from_secs(1u64.checked_shl(doubled.min(10)).unwrap_or(u64::MAX)).min(LONGEST_WAIT),
    }
}

impl People {
    /// Counts a guess as a wrong one before it is looked at, of an account and from an address.
    ///
    /// # Errors
    /// Either has to wait; it could not be stored.
    pub(super) async fn count_guess(&self, of: Option<&str>, address: &str, at: i64) -> Result<(), PeopleError> {
        const OPERATION: &str = "counting a guess";
        let mut connection = self.connection.lock().await;
        let mut transaction = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.failed(OPERATION, error))?;
        let mut waits = Duration::ZERO;
        for whose in of.into_iter().chain([address]) {
            let row = sqlx::query!("SELECT wrong, wait_until, last FROM guess WHERE whose = ?1", whose)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(|error| self.failed(OPERATION, error))?;
            let Some(row) = row else { continue };
            // Whatever the wall clock did meanwhile, nobody waits longer than that.
            let left = row.wait_until.saturating_sub(at).min(micros(LONGEST_WAIT));
            if left > 0 {
                let until = at + left;
                sqlx::query!("UPDATE guess SET wait_until = ?2 WHERE whose = ?1", whose, until)
                    .execute(&mut *transaction)
                    .await
                    .map_err(|error| self.failed(OPERATION, error))?;
                waits = waits.max(Duration::from_micros(u64::try_from(left).unwrap_or(0)));
            } else if at.saturating_sub(row.last) > micros(FORGOTTEN_AFTER) {
                sqlx::query!("DELETE FROM guess WHERE whose = ?1", whose)
                    .execute(&mut *transaction)
                    .await
                    .map_err(|error| self.failed(OPERATION, error))?;
            }
        }
        if waits == Duration::ZERO {
            for whose in of.into_iter().chain([address]) {
                let wrong = sqlx::query_scalar!(
                    r#"INSERT INTO guess (whose, wrong, wait_until, last)
                    VALUES (?1, 1, ?2, ?2)
                    ON CONFLICT (whose) DO UPDATE SET wrong = wrong + 1, last = ?2
                    RETURNING wrong AS "wrong!: i64""#,
                    whose,
                    at
                )
                .fetch_one(&mut *transaction)
                .await
                .map_err(|error| self.failed(OPERATION, error))?;
                let until = at + micros(wait(wrong));
                sqlx::query!("UPDATE guess SET wait_until = ?2 WHERE whose = ?1", whose, until)
                    .execute(&mut *transaction)
                    .await
                    .map_err(|error| self.failed(OPERATION, error))?;
            }
        }
        transaction
            .commit()
            .await
            .map_err(|error| self.failed(OPERATION, error))?;
        if waits == Duration::ZERO {
            Ok(())
        } else {
            Err(PeopleError::Wait(waits))
        }
    }

    /// The guess was right: the account's are forgotten. The address's only by this one, since somebody who has an account could otherwise guess at
    /// others between two of his own.
    pub(super) async fn guessed_right(&self, of: Option<&str>, address: &str) -> Result<(), PeopleError> {
        const OPERATION: &str = "forgetting guesses";
        let mut connection = self.connection.lock().await;
        sqlx::query!(
            "DELETE FROM guess WHERE whose = ?1 OR (whose = ?2 AND wrong = 1)",
            of,
            address
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed(OPERATION, error))?;
        sqlx::query!(
            "UPDATE guess
            SET wrong = wrong - 1, wait_until = last
            WHERE whose = ?1
                AND wrong > 1",
            address
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed(OPERATION, error))?;
        Ok(())
    }

    /// A guess at something that is no account's, such as the code for the first administrator.
    ///
    /// # Errors
    /// Too many were wrong; it could not be stored.
    pub async fn guess_at(&self, what: &str, from: &str, at: i64) -> Result<(), PeopleError> {
        self.count_guess(Some(what), &format!("from {from}"), at).await
    }

    /// That guess was right.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn guessed(&self, what: &str, from: &str) -> Result<(), PeopleError> {
        self.guessed_right(Some(what), &format!("from {from}")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_guesses_take_more_than_a_day() {
        let all: Duration = (1..=10_000).map(wait).sum();
        assert!(all > Duration::from_hours(24), "{all:?}");
        assert_eq!(
            (1..=4).map(wait).sum::<Duration>(),
            Duration::from_secs(1),
            "fingers slip"
        );
    }
}
