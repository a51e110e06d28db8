//! What the reader promises besides its figures: work, memory, gaps, the next unit, strange light.
#![cfg(feature = "toml")]
#![expect(dead_code, reason = "the quality tests use the rest of the light")]
#![expect(clippy::pedantic, clippy::unwrap_used, reason = "shares the tests' light")]

mod light;

use blinkup::codes::{CodeTable, Colour};
use blinkup::reader::{LedShape, Observed, Reader, ReaderSettings, Shade};
use blinkup::sample::{Counts, Sample};
use blinkup::tick::Tick;
use blinkup::trace::Trace;
use light::factory::{Condition, Stretch, case, record};
use light::random::Random;

/// Light of these colours and milliseconds, as a clean sensor sees it.
fn light(seed: u64, colours: &[(Colour, f64)]) -> Trace {
    let mut until_ms = 0.0;
    let stretches: Vec<Stretch> = colours
        .iter()
        .map(|(colour, ms)| {
            until_ms += ms;
            Stretch {
                until_ms,
                colour: *colour,
            }
        })
        .collect();
    record(Condition::Clean, &mut Random::new(seed), &stretches)
}

fn rounds(steps: &[(Colour, f64)], count: usize) -> Vec<(Colour, f64)> {
    steps.iter().copied().cycle().take(steps.len() * count).collect()
}

fn reader(trace: &Trace) -> Reader<blinkup::reader::ColourSensor> {
    Reader::new(&CodeTable::vendor(), trace.header.sensor(), ReaderSettings::default())
}

fn observe(trace: &Trace) -> Vec<Observed> {
    let mut reader = reader(trace);
    trace.samples().map(|sample| reader.push(&sample)).collect()
}

/// The codes of every reading, and its millisecond.
fn read(trace: &Trace) -> Vec<(u64, Vec<String>)> {
    let table = CodeTable::vendor();
    let readings = observe(trace).into_iter().filter_map(|observed| observed.reading);
    readings
        .map(|reading| {
            let codes = reading
                .pattern
                .map(|pattern| table.codes_of(pattern).map(|code| code.id.clone()).collect());
            (reading.at.as_millis(), codes.unwrap_or_default())
        })
        .collect()
}

const CONNECTED: [(Colour, f64); 2] = [(Colour::Off, 500.0), (Colour::Green, 500.0)];
const LOST: [(Colour, f64); 2] = [(Colour::Off, 500.0), (Colour::Red, 500.0)];

#[test]
fn reading_a_sample_and_starting_over_allocate_nothing() {
    let trace = light(1, &[rounds(&CONNECTED, 6), rounds(&LOST, 6)].concat());
    let samples: Vec<Sample> = trace.samples().collect();
    let model = trace.header.sensor();
    let mut reader = reader(&trace);
    let mut readings = 0;
    let counted = allocation_counter::measure(|| {
        for sample in &samples {
            readings += usize::from(reader.push(sample).reading.is_some());
        }
        reader.restart(model.clone());
    });
    assert_eq!(readings, 2);
    assert_eq!(counted.count_total, 0);
    assert!(reader.state_bytes() < 360 * 1024, "{}", reader.state_bytes());
}

#[test]
fn nothing_is_allocated_in_moving_light_after_gaps_or_by_light_that_is_strange_or_blinding() {
    let table = CodeTable::vendor();
    let trace = case(Condition::Moving, 80_001, &table, &[]).trace;
    let mut samples: Vec<Sample> = trace.samples().collect();
    for (from, gap_ms) in [(300, 80), (600, 900), (900, 1_500), (1_200, 61_000)] {
        for sample in &mut samples[from..] {
            sample.start = sample.start + core::time::Duration::from_millis(gap_ms);
            sample.end = sample.end + core::time::Duration::from_millis(gap_ms);
        }
    }
    let mut random = Random::new(80_002);
    for sample in &mut samples[1_500..1_900] {
        let mut count = || random.between(0.0, 17_000.0).min(16_383.0) as u16;
        sample.counts = Counts {
            red: count(),
            green: count(),
            blue: count(),
            clear: count(),
        };
    }
    let mut reader = reader(&trace);
    let mut most = 0;
    let mut reopened = false;
    let counted = allocation_counter::measure(|| {
        for sample in &samples {
            let before = reader.views();
            reader.push(sample);
            most = most.max(reader.views());
            reopened |= before < 5 && reader.views() > before;
        }
        reader.restart(trace.header.sensor());
    });
    assert!(
        samples.len() > 1_900 && most > 10 && reopened,
        "views were not forked or reopened"
    );
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_single_red_flash_is_an_event_and_red_that_belongs_to_a_pattern_is_none() {
    for (seed, ms) in [(16, 80.0), (17, 150.0), (18, 350.0)] {
        let trace = light(seed, &[(Colour::Off, 900.0), (Colour::Red, ms), (Colour::Off, 1500.0)]);
        let transients: Vec<_> = observe(&trace)
            .into_iter()
            .filter_map(|observed| observed.transient)
            .collect();
        assert_eq!(transients.len(), 1, "{ms} ms: {transients:?}");
        let from = transients[0].from.as_micros() as f64 / 1e3;
        let at = transients[0].at.as_micros() as f64 / 1e3;
        assert!((from - 900.0).abs() <= 15.0, "{ms} ms: {from}");
        assert!((0.0..=350.0).contains(&(at - 900.0 - ms)), "{ms} ms: told at {at}");
    }
    let searching = [
        (Colour::Off, 500.0),
        (Colour::Red, 500.0),
        (Colour::Off, 500.0),
        (Colour::Red, 250.0),
        (Colour::Off, 250.0),
        (Colour::Red, 250.0),
    ];
    for (seed, steps) in [(19, &LOST[..]), (20, &searching), (21, &[(Colour::Red, 3000.0)])] {
        let observed = observe(&light(seed, &rounds(steps, 6)));
        assert!(observed.iter().all(|observed| observed.transient.is_none()), "{seed}");
    }
}

#[test]
fn after_a_restart_the_next_unit_is_read_as_by_a_new_reader() {
    let (first, next) = (light(2, &rounds(&LOST, 5)), light(3, &rounds(&CONNECTED, 5)));
    let mut reader = reader(&first);
    for sample in first.samples() {
        reader.push(&sample);
    }
    reader.restart(next.header.sensor());
    let again: Vec<Observed> = next.samples().map(|sample| reader.push(&sample)).collect();
    assert_eq!(again, observe(&next));
}

#[test]
fn samples_only_in_the_dark_symbols_of_a_lamp_are_enough_for_a_pattern() {
    let mut trace = light(4, &rounds(&CONNECTED, 6));
    let mut random = Random::new(4);
    let mut next = 0.0;
    trace.rows.retain(|row| {
        let at = row.at.as_micros() as f64 / 1e3;
        let kept = at >= next;
        if kept {
            next = at + random.between(10.0, 60.0);
        }
        kept
    });
    let readings = read(&trace);
    assert_eq!(readings.len(), 1, "{readings:?}");
    assert_eq!(readings[0].1, ["connected"]);
}

#[test]
fn a_gap_of_seconds_costs_neither_the_pattern_nor_a_false_one() {
    for gap_ms in [700, 3_300, 61_000, 86_400_000] {
        let mut trace = light(5, &[rounds(&LOST, 6), rounds(&CONNECTED, 6)].concat());
        let boundary = trace.rows.partition_point(|row| row.at < Tick::from_micros(6_000_000));
        for row in &mut trace.rows[boundary..] {
            row.at = row.at + core::time::Duration::from_millis(gap_ms);
        }
        let codes: Vec<Vec<String>> = read(&trace).into_iter().map(|reading| reading.1).collect();
        assert_eq!(codes, [["lost-connection"], ["connected"]], "after {gap_ms} ms");
    }
}

#[test]
fn single_red_flashes_are_shades_and_never_readings() {
    for (seed, ms) in [(6, 60.0), (7, 150.0), (8, 400.0)] {
        let trace = light(seed, &[(Colour::Off, 900.0), (Colour::Red, ms), (Colour::Off, 1500.0)]);
        let observed = observe(&trace);
        assert!(observed.iter().all(|observed| observed.reading.is_none()), "{ms} ms");
        let shades: Vec<Shade> = observed.into_iter().filter_map(|observed| observed.shade).collect();
        let colours: Vec<Colour> = shades.iter().map(|shade| shade.colour).collect();
        assert_eq!(colours, [Colour::Off, Colour::Red, Colour::Off], "{ms} ms");
        let from: Vec<f64> = shades.iter().map(|shade| shade.from.as_micros() as f64 / 1e3).collect();
        assert!(
            (from[1] - 900.0).abs() <= 15.0 && (from[2] - 900.0 - ms).abs() <= 15.0,
            "{ms} ms: {from:?}"
        );
        assert!(shades[1].at.since(shades[1].from).as_millis() <= 45, "{:?}", shades[1]);
    }
}

#[test]
fn a_pattern_with_unknown_colours_is_named_with_all_that_share_its_timing() {
    let wps = [
        (Colour::Off, 500.0),
        (Colour::Green, 250.0),
        (Colour::Off, 250.0),
        (Colour::Amber, 250.0),
    ];
    let readings = read(&light(9, &rounds(&wps, 16)));
    let last = &readings.last().unwrap().1;
    assert_eq!(
        last[..],
        ["wps-in-progress", "device-offline", "legacy-downloading-impos"],
        "{readings:?}"
    );
}

#[test]
fn timing_that_a_fully_known_code_explains_is_not_an_unknown_one() {
    let connecting = [
        (Colour::Off, 500.0),
        (Colour::Amber, 500.0),
        (Colour::Off, 500.0),
        (Colour::Red, 250.0),
    ];
    let codes: Vec<Vec<String>> = read(&light(10, &rounds(&connecting, 12)))
        .into_iter()
        .map(|reading| reading.1)
        .collect();
    assert_eq!(codes, [["connecting-to-server"]]);
}

#[test]
fn a_sensor_that_light_has_filled_is_unreadable_until_it_sees_again() {
    let mut trace = light(11, &rounds(&CONNECTED, 20));
    let blinded = 5_000_000..12_000_000;
    for row in trace
        .rows
        .iter_mut()
        .filter(|row| blinded.contains(&row.at.as_micros()))
    {
        let full = trace.header.saturated_at;
        row.counts = Counts {
            red: full,
            green: full,
            blue: full,
            clear: full,
        };
    }
    let readings = read(&trace);
    let codes: Vec<&[String]> = readings.iter().map(|reading| &*reading.1).collect();
    assert_eq!(
        codes,
        [&["connected".to_owned()][..], &[], &["connected".to_owned()]],
        "{readings:?}"
    );
    assert!((7_900..8_200).contains(&readings[1].0), "{readings:?}");
    assert!((12_000..14_000).contains(&readings[2].0), "{readings:?}");
}

#[test]
fn ambient_light_that_jumps_is_not_an_led() {
    let mut trace = light(14, &rounds(&LOST, 12));
    let brighter = 5_300_000..8_700_000;
    for row in trace
        .rows
        .iter_mut()
        .filter(|row| brighter.contains(&row.at.as_micros()))
    {
        let more = trace.header.ambient.map(|ambient| (0.2 * ambient) as u16);
        row.counts.red += more[0];
        row.counts.green += more[1];
        row.counts.blue += more[2];
        row.counts.clear += more[3];
    }
    let codes: Vec<Vec<String>> = read(&trace).into_iter().map(|reading| reading.1).collect();
    assert_eq!(codes, [["lost-connection"]]);
}

#[test]
fn a_weaker_unit_in_the_nest_is_read_although_nobody_said_that_it_is_another() {
    let mut trace = light(15, &[rounds(&LOST, 6), rounds(&CONNECTED, 6)].concat());
    let ambient = trace.header.ambient.map(|ambient| ambient as u16);
    let boundary = trace.rows.partition_point(|row| row.at < Tick::from_micros(6_000_000));
    for row in &mut trace.rows[boundary..] {
        let Counts {
            red,
            green,
            blue,
            clear,
        } = &mut row.counts;
        for (count, ambient) in [red, green, blue, clear].into_iter().zip(ambient) {
            *count = ambient + count.saturating_sub(ambient) / 6;
        }
    }
    let codes: Vec<Vec<String>> = read(&trace).into_iter().map(|reading| reading.1).collect();
    assert_eq!(codes.first().unwrap()[..], ["lost-connection"], "{codes:?}");
    assert_eq!(codes.last().unwrap()[..], ["connected"], "{codes:?}");
}

#[test]
fn samples_that_come_late_or_twice_are_ignored() {
    let trace = light(12, &rounds(&LOST, 4));
    let mut reader = reader(&trace);
    let samples: Vec<Sample> = trace.samples().collect();
    let mut readings = 0;
    for (index, sample) in samples.iter().enumerate() {
        readings += usize::from(reader.push(sample).reading.is_some());
        assert_eq!(reader.push(sample), Observed::default());
        assert_eq!(reader.push(&samples[index / 2]), Observed::default());
    }
    assert_eq!(readings, 1);
}

#[test]
fn beliefs_are_probabilities_whatever_the_counts() {
    let shape = LedShape {
        red: [1.0, 0.08, 0.05, 1.1],
        green: [0.47, 0.87, 0.08, 1.3],
    };
    let model = blinkup::reader::ColourSensor::new(shape, [0.0, 0.0, 0.0, 65_535.0], 65_535);
    let mut reader = Reader::new(&CodeTable::vendor(), model, ReaderSettings::default());
    let mut random = Random::new(13);
    for index in 1..3000_u64 {
        let mut count = || {
            if random.chance(0.2) {
                65_535
            } else {
                random.between(0.0, 65_536.0) as u16
            }
        };
        let counts = Counts {
            red: count(),
            green: count(),
            blue: count(),
            clear: count(),
        };
        let end = Tick::from_micros(index * 10_000);
        reader.push(&Sample {
            start: end,
            end,
            counts,
        });
        let sum: f32 = reader.beliefs().map(|(_, belief)| belief).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{sum} after {index} samples");
    }
}
