//! The I2C bus as the kernel gives it.

use std::path::Path;

/// How long a transfer may take before the kernel gives it up, in milliseconds: the longest here takes half a one. A bus that is held low
/// would otherwise hold up every lane on it for a second at a time (Linux, `I2C_TIMEOUT` of the adapter, one second by default).
const TIME_OUT: u32 = 20;

/// Makes the adapter give up early. An adapter that does not take it keeps its own time.
pub fn short_time_out(device: &Path) {
    let number = device
        .to_str()
        .and_then(|device| device.strip_prefix("/dev/i2c-"))
        .and_then(|number| number.parse().ok());
    let Some(number) = number else { return };
    // linux-embedded-hal has no call for it; the time-out belongs to the adapter, and so to every handle.
    if let Err(error) = rppal::i2c::I2c::with_bus(number).and_then(|bus| bus.set_timeout(TIME_OUT)) {
        tracing::warn!("{}: keeps its own time-out: {error}", device.display());
    }
}
