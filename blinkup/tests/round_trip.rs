//! Whatever is configured comes back from the light, and nothing else does.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use blinkup::frame::SymbolRate;
use blinkup::packet::{Contents, FrameError, Packet};
use blinkup::receive::{Hearing, Receiver};
use blinkup::symbol::Symbol;
use proptest::prelude::*;

use support::settings;

/// A lamp as a device's sensor sees it.
#[derive(Debug, Clone)]
struct Light {
    /// Light beside the lamp's, as a share of full scale.
    ambient: f32,
    /// How far the ambient light has drifted at the frame's end.
    drift: f32,
    /// What a bright symbol adds.
    swing: f32,
    /// A mid symbol's share of a bright one.
    mid: f32,
    /// Standard deviation of the noise, as a share of the smaller step between levels.
    noise: f32,
    /// Samples of every symbol.
    samples: usize,
    /// Whether the first sample of a symbol still has half of the one before.
    soft_edges: bool,
    seed: u64,
}

fn light() -> impl Strategy<Value = Light> {
    (
        (0.0_f32..0.2, -0.5_f32..0.5, 0.1_f32..0.4),
        (0.2_f32..0.8, 0.0_f32..0.08, 1_usize..=4, any::<bool>(), any::<u64>()),
    )
        .prop_map(
            |((ambient, drift, swing), (mid, noise, samples, soft_edges, seed))| Light {
                ambient: ambient + 0.5 * swing * mid,
                drift: drift * swing * mid,
                swing,
                mid,
                noise,
                samples,
                soft_edges: soft_edges && samples > 2,
                seed,
            },
        )
}

/// Noise of about unit variance, the same for the same seed: six uniform numbers summed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        let uniform = |state: &mut u64| {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            f32::from(u16::try_from((mixed ^ (mixed >> 31)) & 0xFFFF).unwrap()) / 65536.0
        };
        let sum: f32 = (0..6).map(|_| uniform(&mut self.0)).sum();
        (sum - 3.0) * 2.0_f32.sqrt()
    }
}

impl Light {
    fn levels(&self, symbols: impl ExactSizeIterator<Item = Symbol>) -> Vec<f32> {
        let mut noise = Noise(self.seed);
        let sigma = self.noise * self.swing * self.mid.min(1.0 - self.mid);
        let count = u16::try_from(symbols.len()).unwrap();
        let mut before = 0.0;
        let mut levels = Vec::new();
        for (index, symbol) in symbols.enumerate() {
            let lamp = match symbol {
                Symbol::Dark => 0.0,
                Symbol::Mid => self.mid * self.swing,
                Symbol::Bright => self.swing,
            };
            let passed = f32::from(u16::try_from(index).unwrap()) / f32::from(count);
            for sample in 0..self.samples {
                let seen = if sample == 0 && self.soft_edges {
                    0.5 * (before + lamp)
                } else {
                    lamp
                };
                levels.push(self.ambient + self.drift * passed + seen + sigma * noise.next());
            }
            before = lamp;
        }
        levels
    }
}

/// The one result of a receiver that is fed all of this.
fn receive(levels: impl IntoIterator<Item = f32>) -> Option<Result<Packet, FrameError>> {
    let mut receiver = Receiver::new();
    let mut results: Vec<_> = levels
        .into_iter()
        .filter_map(|level| receiver.push_level(level))
        .collect();
    results.extend(receiver.finish().map(Err));
    assert!(results.len() <= 1, "{results:?}");
    results.pop()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_say_what_was_configured(settings in settings()) {
        let packet = Packet::configure(&settings).unwrap();
        prop_assert_eq!(packet.settings(), Some(&settings));
        prop_assert_eq!(Packet::from_bytes(packet.bytes()), Ok(packet.clone()));
    }

    #[test]
    fn a_packet_read_from_any_bytes_is_one_that_could_have_been_made(
        settings in settings(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let packet = Packet::configure(&settings).unwrap();
        let (said, _) = packet.bytes().split_at(packet.bytes().len() - 2);
        let mut bytes = said.to_vec();
        for (place, byte) in changes {
            let place = 1 + place.index(bytes.len() - 1);
            bytes[place] = byte;
        }
        let crc = blinkup::crc::crc16(&bytes);
        bytes.extend(crc.to_be_bytes());
        match Packet::from_bytes(&bytes).map(|packet| packet.contents().clone()) {
            Ok(Contents::Configure(settings)) => {
                let made = Packet::configure(&settings).unwrap();
                prop_assert_eq!(made.bytes(), bytes);
            }
            Ok(Contents::ClearSettings) => {
                prop_assert_eq!(Packet::clear_settings().bytes().to_vec(), bytes);
            }
            Err(error) => prop_assert!(matches!(error, FrameError::Entry { .. }), "{}", error),
        }
    }

    #[test]
    fn a_frame_has_the_symbols_that_it_counts(settings in settings(), preamble in 0_u16..200, skipped in 0_usize..3000) {
        let packet = Packet::configure(&settings).unwrap();
        let frame = packet.frame(preamble);
        let symbols: Vec<Symbol> = frame.symbols().collect();
        prop_assert_eq!(symbols.len(), 16 * (usize::from(preamble.max(3)) + 1 + packet.bytes().len()) + 6);
        prop_assert_eq!(frame.symbols().len(), symbols.len());
        for (index, &symbol) in symbols.iter().enumerate() {
            prop_assert_eq!(frame.symbol(index), Some(symbol));
        }
        prop_assert_eq!(frame.symbol(symbols.len()), None);
        let mut rest = frame.symbols();
        prop_assert_eq!(rest.nth(skipped), symbols.get(skipped).copied());
        prop_assert!(rest.eq(symbols.iter().copied().skip(skipped + 1)));
    }

    #[test]
    fn a_symbol_that_comes_late_or_again_costs_no_data(
        settings in settings(), repeats in prop::collection::vec(1_usize..9, 64), preamble in 3_u16..8,
    ) {
        let packet = Packet::configure(&settings).unwrap();
        let mut receiver = Receiver::new();
        let slow = packet.frame(preamble).symbols().zip(repeats.iter().cycle());
        let results: Vec<_> = slow
            .flat_map(|(symbol, &count)| std::iter::repeat_n(symbol, count))
            .filter_map(|symbol| receiver.push_symbol(symbol))
            .collect();
        prop_assert_eq!(results, [Ok(packet)]);
    }

    #[test]
    fn the_packet_is_found_in_light_of_any_strength_and_any_mid_level(settings in settings(), light in light()) {
        let packet = Packet::configure(&settings).unwrap();
        prop_assert_eq!(receive(light.levels(packet.frame(4).symbols())), Some(Ok(packet)));
    }

    #[test]
    fn a_receiver_that_wakes_up_late_in_the_preamble_still_hears_the_packet(settings in settings(), light in light(), bits in 0_usize..12) {
        let packet = Packet::configure(&settings).unwrap();
        let levels = light.levels(packet.frame(4).symbols());
        let missed = (2 * bits + 1) * light.samples;
        prop_assert_eq!(receive(levels.into_iter().skip(missed)), Some(Ok(packet)));
    }

    #[test]
    fn a_wrong_bit_is_never_a_packet(settings in settings(), place in any::<prop::sample::Index>()) {
        let packet = Packet::configure(&settings).unwrap();
        let mut symbols: Vec<Symbol> = packet.frame(3).symbols().collect();
        let bits = 8 * packet.bytes().len();
        let place = 16 * 4 + 2 * place.index(bits) + 1;
        symbols[place] = if symbols[place] == Symbol::Mid { Symbol::Bright } else { Symbol::Mid };
        let mut receiver = Receiver::new();
        let mut result = symbols.into_iter().find_map(|symbol| receiver.push_symbol(symbol));
        // A length byte that became longer is known to be wrong when the light is over.
        result = result.or_else(|| receiver.finish().map(Err));
        prop_assert!(matches!(result, Some(Err(_))), "{:?}", result);
    }

    #[test]
    fn a_frame_that_ends_early_is_cut_short(settings in settings(), cut in any::<prop::sample::Index>()) {
        let packet = Packet::configure(&settings).unwrap();
        // From after the start byte to before the last bit's gap.
        let kept = 16 * 4 + 1 + cut.index(16 * packet.bytes().len() - 1);
        let frame = packet.frame(3);
        let dark = std::iter::repeat_n(Symbol::Dark, 40);
        let mut receiver = Receiver::new();
        let result = frame.symbols().take(kept).chain(dark).find_map(|symbol| receiver.push_symbol(symbol));
        prop_assert!(matches!(result, Some(Err(FrameError::CutShort { .. }))), "{:?}", result);
    }

    #[test]
    fn no_light_makes_a_receiver_panic_or_speak_twice(levels in prop::collection::vec(any::<f32>(), 0..600)) {
        receive(levels);
    }

    #[test]
    fn a_packet_is_found_again_after_a_reset(light in light(), other in light()) {
        let mut receiver = Receiver::new();
        let packet = Packet::clear_settings();
        for light in [light, other] {
            let mut levels = light.levels(packet.frame(3).symbols()).into_iter();
            let result = levels.find_map(|level| receiver.push_level(level));
            prop_assert_eq!(result, Some(Ok(packet.clone())));
            prop_assert_eq!(receiver.hearing(), Hearing::Over);
            receiver.reset();
            prop_assert_eq!(receiver.hearing(), Hearing::Quiet);
        }
    }
}

#[test]
fn noise_of_up_to_a_third_of_a_percent_is_no_transmission() {
    for (seed, sigma) in [0.0003, 0.001, 0.002, 0.003].into_iter().enumerate() {
        let mut noise = Noise(u64::try_from(seed).unwrap());
        let mut receiver = Receiver::new();
        for sample in 0..500_000 {
            let result = receiver.push_level(0.4 + sigma * noise.next());
            assert_eq!(result, None, "sigma {sigma}, sample {sample}");
            assert!(!receiver.in_progress(), "sigma {sigma}, sample {sample}");
        }
    }
}

#[test]
fn a_preamble_without_a_start_byte_is_told() {
    let frame = Packet::clear_settings();
    let preamble = frame.frame(5).symbols().take(16 * 5);
    let mut receiver = Receiver::new();
    assert_eq!(
        preamble
            .map(|symbol| receiver.push_symbol(symbol))
            .find(Option::is_some),
        None
    );
    assert_eq!(receiver.hearing(), Hearing::Preamble);
    assert_eq!(
        std::iter::repeat_n(Symbol::Dark, 40).find_map(|symbol| receiver.push_symbol(symbol)),
        Some(Err(FrameError::NoStart))
    );
}

#[test]
fn a_transmission_is_known_while_its_preamble_is_still_coming() {
    let packet = Packet::clear_settings();
    let mut receiver = Receiver::new();
    let heard: Vec<Hearing> = packet
        .frame(3)
        .symbols()
        .map(|symbol| {
            receiver.push_symbol(symbol);
            receiver.hearing()
        })
        .collect();
    assert_eq!(heard[0], Hearing::Quiet);
    assert_eq!(heard[16 * 2], Hearing::Preamble, "after two of three preamble bytes");
    assert_eq!(heard[16 * 4], Hearing::Receiving, "with the gap after the start byte");
    assert_eq!(heard[16 * 4 + 16 * 5], Hearing::Over, "with the gap after the last bit");
}

#[test]
fn a_frame_takes_as_long_as_the_signals_description_says() {
    let tenths = |ssid: usize, password: usize| {
        let wifi = (ssid > 0).then(|| blinkup::packet::Wifi {
            ssid: blinkup::packet::Ssid::new(&"s".repeat(ssid)).unwrap(),
            password: blinkup::packet::Password::new(&"p".repeat(password)).unwrap(),
        });
        let enrolment = Some(blinkup::packet::Enrolment {
            plan_id: blinkup::packet::PlanId::from_bytes([1; 8]),
            token: blinkup::packet::Token::from_bytes([2; 8]),
        });
        let packet = Packet::configure(&blinkup::packet::Settings {
            wifi,
            enrolment,
            ..Default::default()
        });
        let duration = packet.unwrap().frame(3).duration(SymbolRate::FASTEST);
        (duration.as_millis() + 50) / 100
    };
    assert_eq!([tenths(0, 0), tenths(12, 16), tenths(32, 63)], [68, 153, 332]);
}

#[test]
fn a_preamble_takes_about_a_second_at_every_rate() {
    for rate in 10..=60 {
        let rate = SymbolRate::new(rate).unwrap();
        let symbols = 16 * u32::from(rate.preamble());
        assert!(symbols >= u32::from(rate.a_second()).max(48), "{rate:?}");
        assert!(symbols < u32::from(rate.a_second()).max(48) + 16, "{rate:?}");
    }
    assert!(SymbolRate::new(9).is_err() && SymbolRate::new(61).is_err());
}
