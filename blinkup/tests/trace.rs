//! Recorded light as text and in its compact form.

#![expect(clippy::float_cmp, reason = "numbers are kept as they were written")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;

use blinkup::codes::CodeTable;
use blinkup::reader::{LedShape, Reader, ReaderSettings};
use blinkup::sample::Counts;
use blinkup::trace::compact::{self, CompactError, Recorder};
use blinkup::trace::{Header, Row, SATURATED_AT, Trace};
use blinkup::{Level, Tick};
use proptest::prelude::*;

const GOOD: &str = "\
# blinkup-trace 1
# red-led 1.02 0.098 0.061 1.13
# green-led 0.159 1.01 0.338 1.38
# ambient 312 280.4 211.9 820
# lens 4 made of glass
time_us,red,green,blue,clear,lamp,temperature
9987,1520,640,301,2210,0,21.5
20011,1525,650,300,2200,0.5,21.5
30018,1500,630,305,2190,0,21.5
";

#[test]
fn unknown_lines_and_further_columns_are_skipped_and_lit_rows_are_not_for_the_reader() {
    let trace = Trace::parse(GOOD).unwrap();
    assert_eq!(trace.header.ambient, [312.0, 280.4, 211.9, 820.0]);
    assert_eq!(trace.header.saturated_at, SATURATED_AT);
    assert_eq!(trace.rows.len(), 3);
    assert_eq!(trace.rows[1].lamp, Level::new(0.5));
    let ends: Vec<u64> = trace.samples().map(|sample| sample.end.as_micros()).collect();
    assert_eq!(ends, [9987, 30018]);
}

#[test]
fn a_line_may_say_where_the_sensor_is_full_and_how_long_it_integrates() {
    let text = GOOD.replace("# lens 4 made of glass", "# saturated-at 9216\n# integration-us 2400");
    let trace = Trace::parse(&text).unwrap();
    assert_eq!(trace.header.saturated_at, 9216);
    assert_eq!(trace.samples().next().unwrap().start, Tick::from_micros(7587));
}

#[test]
fn a_bad_trace_is_told_with_line_field_and_what_was_expected() {
    for (from, to, said) in [
        (
            "# blinkup-trace 1",
            "# blinkup-trace 2",
            "line 1: blinkup-trace: expected version 1, found \"2\"",
        ),
        (
            "# blinkup-trace 1\n",
            "",
            "line 1: blinkup-trace: expected the first line \"# blinkup-trace 1\", found \"# red-led 1.02 0.098 0.061 1.13\"",
        ),
        (
            "0.061 1.13",
            "0.061",
            "line 2: red-led: expected four numbers from 0 to 65535, found nothing",
        ),
        (
            "0.061 1.13",
            "0.061 nan",
            "line 2: red-led: expected four numbers from 0 to 65535, found \"nan\"",
        ),
        (
            "0.159 1.01 0.338 1.38",
            "0 0 0 0",
            "line 3: green-led: expected a channel that sees the die, found \"0 0 0 0\"",
        ),
        (
            "# ambient",
            "# ambiance",
            "line 6: ambient: expected a line \"# ambient\" with four numbers, found nothing",
        ),
        (
            "# red-led",
            "# red",
            "line 6: red-led: expected a line \"# red-led\" with four numbers, found nothing",
        ),
        (
            "# green-led",
            "# green",
            "line 6: green-led: expected a line \"# green-led\" with four numbers, found nothing",
        ),
        (
            "# lens 4",
            "# saturated-at 0",
            "line 5: saturated-at: expected a count of 1 to 65535, found \"0\"",
        ),
        (
            "time_us,red",
            "time_ms,red",
            "line 6: columns: expected column time_us, found \"time_ms\"",
        ),
        (
            "9987,",
            "-9987,",
            "line 7: time_us: expected whole microseconds, found \"-9987\"",
        ),
        (
            "1520,",
            "65536,",
            "line 7: red: expected a count of 0 to 65535, found \"65536\"",
        ),
        (
            "20011,",
            "9987,",
            "line 8: time_us: expected a time after 9987 µs, found \"9987\"",
        ),
        (
            ",0.5,",
            ",on,",
            "line 8: lamp: expected a level of 0 to 1, found \"on\"",
        ),
        (
            "2190,0,21.5",
            "2190,0",
            "line 9: columns: expected 7 values, found \"6 values\"",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        assert_eq!(Trace::parse(&text).unwrap_err().to_string(), said);
    }
    let headless = Trace::parse("# blinkup-trace 1\n").unwrap_err().to_string();
    assert_eq!(
        headless,
        "line 2: columns: expected time_us,red,green,blue,clear, found nothing"
    );
    assert!(Trace::parse("").is_err());
}

fn recorded(name: &str) -> Trace {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/led-traces");
    Trace::parse(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// A count may be off by half a step, whose width is the deviation of the least noisy sensor; just below the sensor's end by more, since it must
/// not become full.
fn assert_near(one: &Trace, other: &Trace) {
    assert_eq!(one.header, other.header);
    assert_eq!(one.rows.len(), other.rows.len());
    let full = one.header.saturated_at;
    let channels = |counts: Counts| [counts.red, counts.green, counts.blue, counts.clear];
    for (one, other) in one.rows.iter().zip(&other.rows) {
        assert!(
            Duration::from_micros(one.at.as_micros().abs_diff(other.at.as_micros())) * 2 <= compact::TIME_STEP,
            "{one:?} {other:?}"
        );
        assert_eq!(one.lamp, other.lamp);
        for (one, other) in channels(one.counts).into_iter().zip(channels(other.counts)) {
            let step = (1.0 + 0.16 * f64::from(one)).sqrt() + 1.0;
            let apart = (f64::from(one) - f64::from(other)).abs();
            let most = if f64::from(full.abs_diff(one)) <= step {
                1.5
            } else {
                0.5
            };
            assert!(apart <= most * step, "{one} became {other}");
            assert_eq!(one >= full, other >= full, "{one} became {other}");
        }
    }
}

#[test]
fn compact_traces_take_less_than_three_bytes_a_sample_and_stay_within_the_noise() {
    for name in ["clean-01.csv", "clean-03.csv", "clean-08.csv"] {
        let trace = recorded(name);
        let bytes = compact::encode(&trace);
        assert!(
            bytes.len() < trace.rows.len() * 3,
            "{name}: {} bytes of {} rows",
            bytes.len(),
            trace.rows.len()
        );
        let expanded = compact::decode(&bytes).unwrap();
        assert_near(&trace, &expanded);
        // What was compact once does not change any more.
        assert_eq!(compact::encode(&expanded), bytes);
        assert_eq!(Trace::parse(&expanded.to_string()).unwrap(), expanded);
    }
}

/// What a ledger keeps of a run's light still tells what the LED reader told of it.
#[test]
fn compact_traces_are_read_as_the_light_was() {
    let table = CodeTable::vendor();
    let readings = |trace: &Trace| -> Vec<_> {
        let mut reader = Reader::new(&table, trace.header.sensor(), ReaderSettings::default());
        trace
            .samples()
            .filter_map(|sample| {
                reader
                    .push(&sample)
                    .reading
                    .map(|reading| (sample.end, reading.pattern))
            })
            .collect()
    };
    let mut apart = Vec::new();
    for number in 1..=12 {
        let trace = recorded(&format!("clean-{number:02}.csv"));
        let was = readings(&trace);
        let is = readings(&compact::decode(&compact::encode(&trace)).unwrap());
        assert_eq!(was.len(), is.len(), "clean-{number:02}\n{was:?}\n{is:?}");
        for ((was_at, was), (is_at, is)) in was.iter().zip(&is) {
            assert_eq!(was, is, "clean-{number:02}");
            apart.push(was_at.as_micros().abs_diff(is_at.as_micros()));
        }
    }
    // A reading that waits for the next edge to be sure enough may wait for the one after it.
    apart.sort_unstable();
    assert!(apart.len() >= 40, "{} readings", apart.len());
    assert!(apart[apart.len() / 2] <= 20_000, "{apart:?}");
    assert!(apart[apart.len() - 1] <= 1_000_000, "{apart:?}");
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Frozen: what a ledger holds must stay readable.
#[test]
fn version_1_of_the_compact_form_is_still_read() {
    let hex = concat!(
        "425554015c8f823f39b4c83d23db793dd7a3903fe5d0223eae47813f560ead3ed7a3b03f00009c4333338c4366e6534300004d44ff3f8025000003000000",
        "ffff3a7037fff977c1fffe5500ffff265affff32288300a28044efa0418a7284e000"
    );
    let bytes = bytes_of(hex);
    assert_eq!(compact::decode(&bytes).unwrap(), Trace::parse(GOOD).unwrap());
    for length in 4..bytes.len() {
        assert!(compact::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(compact::decode(&[&*bytes, &[0]].concat()), Err(CompactError::Trailing));
}

/// Frozen: what a ledger holds must stay readable. Another format needs another version.
#[test]
fn version_2_of_the_compact_form_is_these_bytes() {
    let trace = Trace::parse(GOOD).unwrap();
    let hex = compact::encode(&trace)
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(
        hex,
        concat!(
            "425554025c8f823f39b4c83d23db793dd7a3903fe5d0223eae47813f560ead3ed7a3b03f00009c4333338c4366e6534300004d44ff3f8025000003000000",
            "3fe4377f8f9bfc72dfe45f1bfe4377f8fa3fc72dfe45e124a2"
        )
    );
}

/// No row is lost by how finely time is kept, and a full channel stays full.
#[test]
fn compact_traces_keep_what_is_full_and_leave_out_what_is_not_later() {
    let mut trace = Trace::parse(GOOD).unwrap();
    trace.header.saturated_at = 1000;
    let mut row = trace.rows[2];
    for count in [0, 1, 998, 999, 1000, 1001, 2000, u16::MAX] {
        row.at = row.at + Duration::from_millis(10);
        row.counts.clear = count;
        trace.rows.push(row);
    }
    let rows = trace.rows.len();
    let expanded = compact::decode(&compact::encode(&trace)).unwrap();
    assert_near(&trace, &expanded);
    assert_eq!(expanded.rows[7].counts.clear, 1000, "the sensor's end is kept as it is");
    row.at = row.at + Duration::from_micros(10);
    trace.rows.push(row);
    assert_eq!(compact::decode(&compact::encode(&trace)).unwrap().rows.len(), rows);
}

#[test]
fn damaged_compact_traces_are_refused() {
    let bytes = compact::encode(&Trace::parse(GOOD).unwrap());
    assert_eq!(compact::decode(b""), Err(CompactError::NotATrace));
    assert_eq!(compact::decode(b"PNG\x01"), Err(CompactError::NotATrace));
    assert_eq!(compact::decode(b"BUT\x03"), Err(CompactError::Version(3)));
    for length in 4..bytes.len() {
        assert!(compact::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
    let longer = [&*bytes, &[0]].concat();
    assert_eq!(compact::decode(&longer), Err(CompactError::Trailing));
    let mut huge = bytes;
    huge[58..62].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(compact::decode(&huge), Err(CompactError::Truncated));
}

fn row() -> impl Strategy<Value = (u64, [u16; 4], u16)> {
    let passed = prop_oneof![9_000..11_000_u64, 200..100_000_000_u64, 200..=u64::MAX / 100];
    let count = || prop_oneof![0..4000_u16, any::<u16>()];
    (
        passed,
        [count(), count(), count(), count()],
        prop_oneof![Just(0_u16), 0..=1000_u16],
    )
}

fn header() -> impl Strategy<Value = Header> {
    let four = || prop::array::uniform4(0.001..5000.0_f32);
    (four(), four(), four(), 1..=u16::MAX, 1..=1_000_000_u64).prop_map(|(red, green, ambient, saturated_at, micros)| {
        Header {
            shape: LedShape { red, green },
            ambient,
            saturated_at,
            integration: Duration::from_micros(micros),
        }
    })
}

proptest! {
    #[test]
    fn any_trace_survives_both_forms(header in header(), rows in prop::collection::vec(row(), 0..60)) {
        let mut at = Tick::ZERO;
        let rows: Vec<Row> = rows.into_iter().map(|(passed, [red, green, blue, clear], lamp)| {
            at = at + Duration::from_micros(passed);
            Row { at, counts: Counts { red, green, blue, clear }, lamp: Level::new(f32::from(lamp) / 1000.0) }
        }).collect();
        let trace = Trace { header, rows };
        let mut recorder = Recorder::new(&header);
        for row in &trace.rows {
            recorder.push(row);
        }
        let bytes = recorder.finish();
        prop_assert_eq!(&bytes, &compact::encode(&trace));
        let expanded = compact::decode(&bytes).unwrap();
        assert_near(&trace, &expanded);
        prop_assert_eq!(&compact::encode(&expanded), &bytes);
        prop_assert_eq!(&Trace::parse(&trace.to_string()).unwrap(), &trace);
    }

    #[test]
    fn no_bytes_make_decoding_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), like in 0..3_u8) {
        if like > 0 && bytes.len() > 62 {
            bytes[..4].copy_from_slice(&[b'B', b'U', b'T', like]);
            bytes[4..52].fill(0);
            bytes[58..62].copy_from_slice(&20_u32.to_le_bytes());
        }
        if let Ok(trace) = compact::decode(&bytes) {
            let bytes = compact::encode(&trace);
            prop_assert_eq!(compact::encode(&compact::decode(&bytes).unwrap()), bytes);
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(text in "(# (blinkup-trace 1|red-led|ambient)[ 0-9.]{0,20}\n|[-0-9a-z,.é]{0,40}\n){0,12}") {
        if let Err(error) = Trace::parse(&text) {
            prop_assert!(error.line >= 1);
        }
    }
}
