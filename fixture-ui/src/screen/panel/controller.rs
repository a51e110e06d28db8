//! Panels with an ILI9341 or an ST7789 controller on SPI.
//!
//! Section numbers are those of the ILI9341 datasheet (Ilitek, V1.11) and of the ST7789V datasheet (Sitronix, V1.6). Both speak the
//! MIPI display command set; mipidsi words its commands.

use core::fmt::Display;

use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::raw::ToBytes as _;
use embedded_graphics::pixelcolor::{Rgb565, RgbColor as _};
use embedded_graphics::primitives::Rectangle;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use fixture_link::settings::{Colours, Rotation, SpiPanel};
use gpiocdev::line::Value;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{Delay, SpidevDevice};
use mipidsi::dcs::{
    BitsPerPixel, EnterNormalMode, ExitSleepMode, InterfaceExt as _, PixelFormat, SetAddressMode, SetColumnAddress,
    SetDisplayOn, SetInvertMode, SetPageAddress, SetPixelFormat, SoftReset, WriteMemoryStart,
};
use mipidsi::interface::Interface as _;
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, RefreshOrder};

use super::bus::Bus;
use super::line::Line;
use super::{Panel, PanelError};
use crate::screen::SMALL;
use crate::screen::frame::Frame;

/// Which controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// ILI9341.
    Ili9341,
    /// ST7789 and its variants.
    St7789,
}

/// Display inversion control of the ILI9341 (8.3.5, 0xB4): column inversion, as mipidsi sets it.
const INVERSION_CONTROL: u8 = 0xB4;

/// The reset line is held low for so long (both: at least 10 µs; ILI9341 15.4, ST7789V 7.4.5).
const RESET_US: u32 = 20;

/// After a reset, until the controller takes "sleep out", and after "sleep out", until its supplies stand (both: 120 ms; ILI9341
/// 8.2.12 and 15.4, ST7789V 7.4.5 and 9.1.12).
const SETTLE_MS: u32 = 120;

/// After "sleep out", until the next command (both: 5 ms; ILI9341 8.2.12, ST7789V 9.1.12).
const AWAKE_MS: u32 = 5;

/// The lines of a panel beside its bus.
#[derive(Debug)]
pub struct Lines<O> {
    /// Low resets the controller.
    pub reset: Option<O>,
    /// High lights the panel.
    pub backlight: Option<O>,
}

/// A panel of 240 × 320 pixels, lying on its side.
pub struct Controller<S, O, W> {
    bus: Bus<S, O>,
    lines: Lines<O>,
    wait: W,
    chip: Chip,
    mode: SetAddressMode,
    invert: SetInvertMode,
}

/// Opens the panel as it is wired.
///
/// # Errors
/// The bus or a line is not there, or the controller cannot be written to.
pub fn open(panel: &SpiPanel, chip: Chip) -> Result<Box<dyn Panel>, PanelError> {
    let device = panel.spi.display().to_string();
    let line = |number, first| Line::take(&panel.gpio, number, first);
    let mut spi =
        SpidevDevice::open(&panel.spi).map_err(|error| PanelError::new(&device, "open", error.to_string()))?;
    let options = SpidevOptions::new()
        .bits_per_word(8)
        .max_speed_hz(panel.bus_hz)
        .mode(SpiModeFlags::SPI_MODE_0)
        .build();
    spi.configure(&options)
        .map_err(|error| PanelError::new(&device, "set the clock and mode", error))?;
    let bus = Bus::new(device, spi, line(panel.dc, Value::Active)?);
    let lines = Lines {
        reset: panel.reset.map(|number| line(number, Value::Active)).transpose()?,
        backlight: panel
            .backlight
            .map(|number| line(number, Value::Inactive))
            .transpose()?,
    };
    Ok(Box::new(Controller::start(bus, lines, Delay, panel, chip)?))
}

impl<S, O, W> Controller<S, O, W>
where
    S: SpiDevice,
    S::Error: Display,
    O: OutputPin,
    O::Error: Display,
    W: DelayNs,
{
    /// Resets the controller and sets it up, dark: its memory, which outlives a reset, is black before the glass shows it.
    ///
    /// # Errors
    /// The controller cannot be written to.
    pub fn start(bus: Bus<S, O>, lines: Lines<O>, wait: W, panel: &SpiPanel, chip: Chip) -> Result<Self, PanelError> {
        let colours = match panel.colours {
            Colours::Rgb => ColorOrder::Rgb,
            Colours::Bgr => ColorOrder::Bgr,
        };
        let rotation = match panel.rotation {
            Rotation::Right => mipidsi::options::Rotation::Deg90,
            Rotation::Left => mipidsi::options::Rotation::Deg270,
        };
        let inversion = if panel.inverted {
            ColorInversion::Inverted
        } else {
            ColorInversion::Normal
        };
        let orientation = Orientation::new().rotate(rotation);
        let mut panel = Self {
            bus,
            lines,
            wait,
            chip,
            mode: SetAddressMode::new(colours, orientation, RefreshOrder::default()),
            invert: SetInvertMode::new(inversion),
        };
        panel.light(false)?;
        panel.reset()?;
        panel.set_up()?;
        panel.fill_black()?;
        panel.bus.write_command(ExitSleepMode)?;
        panel.wait.delay_ms(SETTLE_MS);
        panel.bus.write_command(SetDisplayOn)?;
        Ok(panel)
    }

    fn reset(&mut self) -> Result<(), PanelError> {
        let device = self.bus.device().to_owned();
        let failed = |error: O::Error| PanelError::new(&device, "set the reset line", error.to_string());
        match &mut self.lines.reset {
            Some(reset) => {
                reset.set_low().map_err(failed)?;
                self.wait.delay_us(RESET_US);
                reset.set_high().map_err(failed)?;
            }
            None => self.bus.write_command(SoftReset)?,
        }
        self.wait.delay_ms(SETTLE_MS);
        Ok(())
    }

    /// Everything that the controller has to know; it changes nothing on one that knows it.
    fn set_up(&mut self) -> Result<(), PanelError> {
        self.bus.write_command(self.mode)?;
        if self.chip == Chip::Ili9341 {
            self.bus.write_raw(INVERSION_CONTROL, &[0])?;
        }
        self.bus.write_command(self.invert)?;
        let sixteen = PixelFormat::with_all(BitsPerPixel::Sixteen);
        self.bus.write_command(SetPixelFormat::new(sixteen))?;
        self.bus.write_command(EnterNormalMode)
    }

    fn window(&mut self, area: Rectangle) -> Result<(), PanelError> {
        let Some(last) = area.bottom_right() else {
            return Ok(());
        };
        let at = |pixel: i32| u16::try_from(pixel).unwrap_or(0);
        self.bus
            .write_command(SetColumnAddress::new(at(area.top_left.x), at(last.x)))?;
        self.bus
            .write_command(SetPageAddress::new(at(area.top_left.y), at(last.y)))?;
        self.bus.write_command(WriteMemoryStart)
    }

    fn fill_black(&mut self) -> Result<(), PanelError> {
        self.window(Rectangle::new(embedded_graphics::geometry::Point::zero(), SMALL))?;
        self.bus
            .send_repeated_pixel(Rgb565::BLACK.to_be_bytes(), SMALL.width * SMALL.height)
    }

    fn light(&mut self, on: bool) -> Result<(), PanelError> {
        let Some(backlight) = &mut self.lines.backlight else {
            return Ok(());
        };
        let set = if on { backlight.set_high() } else { backlight.set_low() };
        set.map_err(|error| PanelError::new(self.bus.device(), "set the backlight's line", error.to_string()))
    }
}

impl<S, O, W> Panel for Controller<S, O, W>
where
    S: SpiDevice + Send,
    S::Error: Display,
    O: OutputPin + Send,
    O::Error: Display,
    W: DelayNs + Send,
{
    fn size(&self) -> Size {
        SMALL
    }

    fn show(&mut self, frame: &Frame, areas: &[Rectangle]) -> Result<(), PanelError> {
        for area in areas {
            self.window(*area)?;
            let pixels = frame.rows(*area).flatten().map(|pixel| pixel.to_be_bytes());
            self.bus.send_pixels(pixels)?;
        }
        self.light(true)
    }

    fn renew(&mut self) -> Result<(), PanelError> {
        self.bus.write_command(ExitSleepMode)?;
        self.wait.delay_ms(AWAKE_MS);
        self.set_up()?;
        self.bus.write_command(SetDisplayOn)
    }

    /// Black first, then dark: on most panels glass without a controller is white.
    fn blank(&mut self) -> Result<(), PanelError> {
        let black = self.fill_black();
        self.light(false).and(black)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use embedded_graphics::geometry::{Dimensions as _, Point};
    use fixture_link::snapshot::LaneState;
    use fixture_link::verdict::VerdictCode;
    use mipidsi::models::{ILI9341Rgb565, Model as _, ST7789};
    use mipidsi::options::ModelOptions;

    use super::*;
    use crate::screen::change::changed;
    use crate::screen::frame;
    use crate::screen::panel::glass::{Peek, Pin, Spi, Wait};
    use crate::view::View;
    use crate::view::tests::{heard, snapshot, verdict};

    pub(crate) const CHIPS: [(Chip, Colours, bool); 2] =
        [(Chip::Ili9341, Colours::Bgr, false), (Chip::St7789, Colours::Rgb, true)];

    pub(crate) fn wired(rotation: Rotation, colours: Colours, inverted: bool) -> SpiPanel {
        SpiPanel {
            spi: PathBuf::from("/dev/spidev0.0"),
            bus_hz: 32_000_000,
            gpio: PathBuf::from("/dev/gpiochip0"),
            dc: 25,
            reset: Some(24),
            backlight: Some(18),
            rotation,
            colours,
            inverted,
        }
    }

    pub(crate) fn started(peek: &Peek, panel: &SpiPanel, chip: Chip) -> Result<Controller<Spi, Pin, Wait>, PanelError> {
        let lines = Lines {
            reset: panel.reset.map(|_| peek.reset()),
            backlight: panel.backlight.map(|_| peek.backlight()),
        };
        let bus = Bus::new("glass".to_owned(), peek.spi(), peek.dc());
        Controller::start(bus, lines, peek.wait(), panel, chip)
    }

    pub(crate) fn usual(peek: &Peek) -> Result<Controller<Spi, Pin, Wait>, PanelError> {
        started(peek, &wired(Rotation::Right, Colours::Bgr, false), Chip::Ili9341)
    }

    fn drawn(states: Vec<LaneState>) -> Frame {
        frame(
            &View::of(&heard(snapshot(states)), blinkup::Tick::from_micros(1_000_000)),
            SMALL,
        )
    }

    #[test]
    fn every_frame_arrives_pixel_for_pixel_on_both_controllers_in_both_rotations() {
        for (chip, colours, inverted) in CHIPS {
            for rotation in [Rotation::Right, Rotation::Left] {
                let peek = Peek::new(0xF81F);
                let mut panel = started(&peek, &wired(rotation, colours, inverted), chip).unwrap();
                let first = drawn(vec![verdict(VerdictCode::Ok), LaneState::Empty]);
                panel.show(&first, &changed(None, &first)).unwrap();
                assert_eq!(peek.seen(rotation), first, "{chip:?} {rotation:?}");
                let second = drawn(vec![LaneState::Empty, verdict(VerdictCode::StuckJoining)]);
                panel.show(&second, &changed(Some(&first), &second)).unwrap();
                assert_eq!(peek.seen(rotation), second, "{chip:?} {rotation:?}");
                panel.blank().unwrap();
                assert_eq!(peek.seen(rotation), Frame::new(SMALL));
                assert!(!peek.with(|glass| glass.lit));
            }
        }
    }

    #[test]
    fn a_full_frame_takes_less_than_a_hundred_milliseconds_of_a_bus_of_32_megahertz() {
        for (chip, colours, inverted) in CHIPS {
            let peek = Peek::new(0);
            let mut panel = started(&peek, &wired(Rotation::Right, colours, inverted), chip).unwrap();
            let all = drawn(vec![verdict(VerdictCode::Ok)]);
            peek.count();
            peek.with(|glass| glass.longest = 0);
            panel.show(&all, &[all.bounding_box()]).unwrap();
            let bytes = peek.count();
            // 2A and 2B with four arguments each, 2C, and two bytes a pixel.
            assert_eq!(bytes, 5 + 5 + 1 + 320 * 240 * 2);
            let micros = bytes as u64 * 8 * 1_000_000 / 32_000_000;
            println!("{chip:?}: {bytes} bytes, {micros} us at 32 MHz");
            assert!(micros < 100_000);
            assert_eq!(micros, 38_402);
            assert_eq!(
                peek.with(|glass| glass.longest),
                4096,
                "no write exceeds the kernel's buffer"
            );
        }
    }

    #[test]
    fn a_small_change_costs_a_small_part_of_a_frame() {
        let peek = Peek::new(0);
        let mut panel = usual(&peek).unwrap();
        let sending = |permille| {
            drawn(vec![LaneState::Sending {
                attempt: 1,
                of: 3,
                permille,
                rate: 60,
            }])
        };
        let (first, second) = (sending(400), sending(420));
        panel.show(&first, &changed(None, &first)).unwrap();
        peek.count();
        panel.show(&second, &changed(Some(&first), &second)).unwrap();
        let bytes = peek.count();
        assert!(bytes > 0 && bytes < 153_600 / 50, "{bytes}");
        assert_eq!(peek.seen(Rotation::Right), second);
    }

    #[test]
    fn what_an_earlier_process_left_in_the_memory_is_never_seen() {
        for (chip, colours, inverted) in CHIPS {
            let peek = Peek::new(0x07E0);
            let panel = started(&peek, &wired(Rotation::Left, colours, inverted), chip).unwrap();
            assert_eq!(peek.seen(Rotation::Left), Frame::new(SMALL));
            peek.with(|glass| {
                assert!(glass.awake && glass.on && !glass.lit, "lit only by the first frame");
                assert!(!glass.was_visible);
                assert_eq!(glass.resets, 1);
                assert_eq!(glass.waited_us, 20 + 120_000 + 120_000);
            });
            drop(panel);
        }
    }

    #[test]
    fn without_a_reset_line_it_is_reset_by_a_command() {
        let peek = Peek::new(0);
        let wired = SpiPanel {
            reset: None,
            backlight: None,
            ..wired(Rotation::Right, Colours::Rgb, false)
        };
        let mut panel = started(&peek, &wired, Chip::St7789).unwrap();
        assert_eq!(peek.with(|glass| glass.resets), 1);
        panel.blank().unwrap();
    }

    /// mipidsi's own start is the judge of ours.
    #[test]
    fn the_controller_ends_up_as_the_library_would_set_it_up() {
        for (chip, colours, inverted) in CHIPS {
            for rotation in [Rotation::Right, Rotation::Left] {
                let (ours, theirs) = (Peek::new(0), Peek::new(0));
                started(&ours, &wired(rotation, colours, inverted), chip).unwrap();
                let mut options = ModelOptions::with_all((240, 320), (0, 0));
                options.color_order = match colours {
                    Colours::Rgb => ColorOrder::Rgb,
                    Colours::Bgr => ColorOrder::Bgr,
                };
                options.orientation = Orientation::new().rotate(match rotation {
                    Rotation::Right => mipidsi::options::Rotation::Deg90,
                    Rotation::Left => mipidsi::options::Rotation::Deg270,
                });
                options.invert_colors = if inverted {
                    ColorInversion::Inverted
                } else {
                    ColorInversion::Normal
                };
                let mut bus = Bus::new("glass".to_owned(), theirs.spi(), theirs.dc());
                let mode = match chip {
                    Chip::Ili9341 => ILI9341Rgb565.init(&mut bus, &mut theirs.wait(), &options),
                    Chip::St7789 => ST7789.init(&mut bus, &mut theirs.wait(), &options),
                };
                mode.unwrap();
                let state =
                    |peek: &Peek| peek.with(|glass| (glass.mode, glass.format, glass.inverted, glass.awake, glass.on));
                assert_eq!(state(&ours), state(&theirs), "{chip:?} {rotation:?}");
            }
        }
    }

    #[test]
    fn a_panel_that_lost_its_power_is_set_up_again_without_a_reset() {
        let peek = Peek::new(0);
        let mut panel = usual(&peek).unwrap();
        let shown = drawn(vec![verdict(VerdictCode::Ok)]);
        panel.show(&shown, &[shown.bounding_box()]).unwrap();
        let before = peek.with(|glass| {
            let before = (glass.mode, glass.format, glass.inverted, glass.awake, glass.on);
            (glass.mode, glass.format, glass.awake, glass.on) = (0, 0x66, false, false);
            glass.inverted = true;
            before
        });
        panel.renew().unwrap();
        panel.show(&shown, &[shown.bounding_box()]).unwrap();
        peek.with(|glass| {
            let after = (glass.mode, glass.format, glass.inverted, glass.awake, glass.on);
            assert_eq!((after, glass.resets), (before, 1));
        });
        assert_eq!(peek.seen(Rotation::Right), shown);
    }

    #[test]
    fn a_bus_that_fails_is_named() {
        let peek = Peek::new(0);
        let mut panel = usual(&peek).unwrap();
        peek.with(|glass| glass.fails_after = Some(7));
        let shown = drawn(vec![verdict(VerdictCode::Ok)]);
        let error = panel.show(&shown, &[Rectangle::new(Point::zero(), SMALL)]).unwrap_err();
        assert_eq!(error.to_string(), "glass: write pixels: unplugged");
    }
}
