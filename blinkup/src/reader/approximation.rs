//! Elementary functions that compilers vectorise: this crate has no `std`, and a sample needs some hundreds of them.
#![expect(
    clippy::cast_precision_loss,
    reason = "numbers are clamped to -126 to 126 before they are cast, or are exponents"
)]

/// `e` to the power `x`; relative error below 3e-5 for -87 to 0, no more than 1e-37 below -87; `x` above 0 is not for this.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = core::f32::consts::LOG2_E;
    // Added to a number of this size, the lowest bits are its whole part.
    const WHOLE: f32 = 12_582_912.0;
    let scaled = (x * LOG2_E).clamp(-126.0, 126.0);
    let shifted = scaled + WHOLE;
    let rest = scaled - (shifted - WHOLE);
    // The Taylor series of 2^rest, for -0.5 to 0.5: largest error 2e-7 relative.
    let power = 1.0
        + rest
            * (core::f32::consts::LN_2
                + rest * (0.240_226_5 + rest * (0.055_504_11 + rest * (0.009_618_129 + rest * 0.001_333_36))));
    let exponent = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    power * exponent
}

/// The natural logarithm of a positive normal number; absolute error below 2e-5.
#[inline]
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23).cast_signed() - 127;
    let mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    // ln m = 2 artanh((m - 1) / (m + 1)), m from 1 up to 2: the fraction is at most a third.
    let fraction = (mantissa - 1.0) / (mantissa + 1.0);
    let square = fraction * fraction;
    let series =
        2.0 * fraction * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square * (1.0 / 9.0)))));
    series + exponent as f32 * core::f32::consts::LN_2
}

/// Cosine and sine of an angle in turns, 0 up to 1; absolute error below 1e-5.
#[inline]
pub(super) fn cos_sin(turns: f32) -> (f32, f32) {
    // Both are the sine of an angle of at most a quarter turn.
    let from_half = 0.5 - turns;
    let folded = from_half.abs().min(0.5 - from_half.abs());
    (sin(from_half.abs() - 0.25), sin(folded.copysign(from_half)))
}

/// Sine of an angle in turns, -0.25 to 0.25.
#[inline]
fn sin(turns: f32) -> f32 {
    let x = turns * core::f32::consts::TAU;
    let x2 = x * x;
    // The Taylor series: largest error 4e-6.
    x * (1.0 - x2 * (1.0 / 6.0 - x2 * (1.0 / 120.0 - x2 * (1.0 / 5_040.0 - x2 * (1.0 / 362_880.0)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;

    #[test]
    fn the_approximations_are_as_close_as_they_say() {
        for step in 0_u16..8700 {
            let x = -f32::from(step) / 100.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-5 + x.abs() * 2e-7, "exp {x}");
            let far = 100.0 * (x - 0.87);
            assert!((0.0..1e-37).contains(&exp(far)), "exp {far}");
        }
        for step in 1_u16..60_000 {
            for x in [f32::from(step) * 1e-6, f32::from(step) * 0.01, f32::from(step) * 1e9] {
                assert!((ln(x) - x.ln()).abs() < 2e-5, "ln {x}");
            }
        }
        for step in 0_u16..1000 {
            let turns = f32::from(step) / 1000.0;
            let (c, s) = cos_sin(turns);
            let angle = turns * core::f32::consts::TAU;
            assert!(
                (c - angle.cos()).abs() < 1e-5 && (s - angle.sin()).abs() < 1e-5,
                "{turns} turns"
            );
        }
    }
}
