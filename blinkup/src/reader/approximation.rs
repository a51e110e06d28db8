//! Exponential and inverse square root that compilers vectorise: this crate has no `std`, and a sample needs some hundreds of them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers are clamped to -126 to 126 before they are cast"
)]

/// `e` to the power `x`; relative error below 1e-5 for -87 to 0, 0 below -87; `x` above 0 is not for this.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = core::f32::consts::LOG2_E;
    let scaled = (x * LOG2_E).clamp(-126.0, 126.0);
    // Truncation of a number made positive rounds down, and vectorises.
    let whole = (scaled + 128.0) as i32 - 128;
    let rest = scaled - whole as f32;
    // Polynomial of 2^rest on 0..1, with coefficients of the Taylor series fitted to the interval (largest error 2.4e-7 relative).
    let power = 1.0
        + rest
            * (core::f32::consts::LN_2
                + rest
                    * (0.240_226_5
                        + rest
                            * (0.055_503_3 + rest * (0.009_618_1 + rest * 0.001_340_2 + rest * rest * 0.000_154_0))));
    let exponent = f32::from_bits((whole + 127).cast_unsigned() << 23);
    if x < -87.0 { 0.0 } else { power * exponent }
}

/// One over the square root of a positive number; relative error below 5e-6.
#[inline]
pub(super) fn inverse_sqrt(x: f32) -> f32 {
    // The classic first guess (Lomont, "Fast inverse square root", 2003), then two Newton steps.
    let guess = f32::from_bits(0x5f37_5a86 - (x.to_bits() >> 1));
    let half = 0.5 * x;
    let once = guess * (1.5 - half * guess * guess);
    once * (1.5 - half * once * once)
}
