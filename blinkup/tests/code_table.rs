//! Damaged tables of status codes: told, never a panic.

use blinkup::codes::{CodeTable, Kind};
use proptest::prelude::*;
use proptest::sample::Index;

const TABLE: &str = include_str!("../status-codes.toml");

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_table_is_refused_with_a_line_or_is_still_a_table(
        place in any::<Index>(), length in 0_usize..40, text in "[ -~\n]{0,6}",
    ) {
        let mut damaged: Vec<char> = TABLE.chars().collect();
        let place = place.index(damaged.len());
        let end = damaged.len().min(place + length);
        damaged.splice(place..end, text.chars());
        let damaged: String = damaged.into_iter().collect();
        match CodeTable::parse(&damaged) {
            Ok(table) => prop_assert!(table.codes().len() + 1 >= CodeTable::vendor().codes().len()),
            Err(error) => {
                prop_assert!((1..=damaged.lines().count() + 1).contains(&error.line), "{}", error);
                prop_assert!(!error.what.is_empty());
            }
        }
    }
}

#[test]
fn every_code_is_reached_through_its_pattern_and_every_pattern_through_its_codes() {
    let table = CodeTable::vendor();
    for code in table.codes() {
        match (code.kind, table.pattern_of(&code.id)) {
            (Kind::Pattern, Some(pattern)) => {
                assert!(
                    table.codes_of(pattern.id()).any(|other| other.id == code.id),
                    "{}",
                    code.id
                );
                assert_eq!(table.pattern(pattern.id()), Some(pattern));
            }
            (Kind::Transient, None) => {}
            (kind, pattern) => panic!("{}: {kind:?} {pattern:?}", code.id),
        }
    }
    for pattern in table.patterns() {
        assert_eq!(
            table.pattern_named(pattern.name()).map(blinkup::codes::Pattern::id),
            Some(pattern.id())
        );
        assert!(table.codes_of(pattern.id()).count() > 0, "{}", pattern.name());
    }
}

#[test]
fn codes_that_share_the_timing_of_unknown_colours_stay_apart() {
    let table = CodeTable::vendor();
    let pattern = |id: &str| table.pattern_of(id).unwrap();
    let (waiting, ppp) = (pattern("waiting-for-modem"), pattern("connecting-via-ppp"));
    assert_ne!(waiting.id(), ppp.id());
    assert_eq!(
        waiting.steps(),
        ppp.steps(),
        "light cannot tell them apart; the reader reports both"
    );
    assert!(!waiting.is_fully_known() && pattern("connecting-to-server").is_fully_known());
}
