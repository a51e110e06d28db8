//! The local display's part of `fixture.toml`: which panel shows the frames, and how it is wired.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::mistake::Mistake;

/// Where the frames of the local display go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Into a file.
    Png(PngFile),
    /// A panel with an ILI9341 controller, on SPI.
    Ili9341(SpiPanel),
    /// A panel with an ST7789 controller, on SPI.
    St7789(SpiPanel),
    /// The kernel's framebuffer.
    Framebuffer(Framebuffer),
    /// A display of the kernel's mode setting.
    Drm(Drm),
}

/// In which language the screen speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tongue {
    /// The language, by its tag such as `en` or `zh-Hans`, where the line has not chosen another.
    pub language: String,
    /// A folder of language files that add to the built-in ones and take their place; `None`: there is none.
    pub languages: Option<PathBuf>,
}

impl Default for Tongue {
    fn default() -> Self {
        Self {
            language: "en".to_owned(),
            languages: None,
        }
    }
}

/// The file that takes the frames of a display that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PngFile {
    /// The file, replaced whole with every frame.
    pub file: PathBuf,
    /// Width and height of the frames in pixels.
    pub size: (u32, u32),
}

/// A panel of 240 × 320 pixels on SPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiPanel {
    /// The SPI device, such as `/dev/spidev0.0`.
    pub spi: PathBuf,
    /// The bus's clock in hertz.
    pub bus_hz: u32,
    /// The GPIO chip of the lines.
    pub gpio: PathBuf,
    /// The line that tells data from commands.
    pub dc: u32,
    /// The line at the controller's reset, low to reset; `None`: it is reset by a command.
    pub reset: Option<u32>,
    /// The line that switches the backlight, high for on; `None`: it is always on.
    pub backlight: Option<u32>,
    /// How the panel is mounted.
    pub rotation: Rotation,
    /// The order of a pixel's colours.
    pub colours: Colours,
    /// Whether the glass wants its colours inverted, as most panels with in-plane switching do.
    pub inverted: bool,
}

/// How far the picture is turned on the controller's upright 240 × 320 pixels, clockwise. The screen is wider than tall: only these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// By 90 degrees.
    Right,
    /// By 270 degrees.
    Left,
}

/// The order of a pixel's colours on the glass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// The kernel's framebuffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framebuffer {
    /// Its device, such as `/dev/fb0`.
    pub device: PathBuf,
}

/// A display of the kernel's mode setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drm {
    /// Its device, such as `/dev/dri/card1`.
    pub device: PathBuf,
    /// The connector, such as `DSI-1`; `None`: the first at which a display is connected.
    pub connector: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScreen {
    language: Option<Spanned<String>>,
    languages: Option<Spanned<PathBuf>>,
    png: Option<Spanned<RawPng>>,
    ili9341: Option<Spanned<RawSpiPanel>>,
    st7789: Option<Spanned<RawSpiPanel>>,
    framebuffer: Option<Spanned<RawFramebuffer>>,
    drm: Option<Spanned<RawDrm>>,
}

impl RawScreen {
    /// Where it says the frames' file, where it does.
    pub(super) fn png_file(&self) -> Option<&Spanned<PathBuf>> {
        self.png.as_ref().map(|png| &png.get_ref().file)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPng {
    file: Spanned<PathBuf>,
    size: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpiPanel {
    spi: Spanned<PathBuf>,
    bus_mhz: Option<Spanned<u32>>,
    gpio: Option<Spanned<PathBuf>>,
    dc: Spanned<u32>,
    reset: Option<Spanned<u32>>,
    backlight: Option<Spanned<u32>>,
    rotation: Option<Spanned<u32>>,
    colours: Option<Spanned<String>>,
    inverted: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFramebuffer {
    device: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDrm {
    device: Spanned<PathBuf>,
    connector: Option<Spanned<String>>,
}

impl Tongue {
    /// What `[ui.screen]` says of it.
    pub(super) fn checked(raw: &RawScreen, source: &Source<'_>) -> Result<Self, Mistake> {
        let language = match &raw.language {
            None => Self::default().language,
            Some(tag) => {
                let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
                let given = tag.get_ref();
                if !(2..=16).contains(&given.len()) || !given.chars().all(plain) {
                    let what = format!("expected a language such as \"en\" or \"zh-Hans\", found {given:?}");
                    return Err(source.mistake(tag, what));
                }
                given.clone()
            }
        };
        Ok(Self {
            language,
            languages: raw.languages.as_ref().map(|folder| source.path(folder)).transpose()?,
        })
    }
}

/// The smallest picture that the screens are laid out for.
const SMALLEST: (u32, u32) = (320, 240);

/// The largest picture that is drawn.
const LARGEST: (u32, u32) = (1920, 1200);

/// Lines of a Raspberry Pi's GPIO header chip (BCM2835 ARM Peripherals, section 6.1: 54 lines; the Pi 5's RP1 has as many).
const LINES: u32 = 54;

/// The lines of SPI0 on every Raspberry Pi, with what they carry (pinout of the 40-pin header).
const SPI0: [(u32, &str); 3] = [(9, "MISO"), (10, "MOSI"), (11, "SCLK")];

/// The clock where none is given, in MHz.
const BUS_MHZ: u32 = 32;

/// How a controller's panels are commonly built.
struct Usual {
    colours: Colours,
    inverted: bool,
}

/// Where mistakes are told from, and what paths are relative to.
pub(super) struct Source<'a> {
    pub file: &'a Path,
    pub text: &'a str,
}

impl Source<'_> {
    pub(super) fn mistake<T>(&self, at: &Spanned<T>, what: impl core::fmt::Display) -> Mistake {
        Mistake::at(self.file, self.text, at.span(), what)
    }

    pub(super) fn path(&self, raw: &Spanned<PathBuf>) -> Result<PathBuf, Mistake> {
        if raw.get_ref().as_os_str().is_empty() {
            return Err(self.mistake(raw, "expected a path, found nothing"));
        }
        Ok(self.file.parent().unwrap_or(Path::new("")).join(raw.get_ref()))
    }

    fn line(&self, raw: &Spanned<u32>) -> Result<u32, Mistake> {
        let line = *raw.get_ref();
        if line >= LINES {
            let last = LINES - 1;
            return Err(self.mistake(raw, format!("expected a GPIO line, 0 to {last}, found {line}")));
        }
        Ok(line)
    }
}

impl Screen {
    /// The size of the frames in pixels, where the configuration alone tells it.
    pub fn size(&self) -> Option<(u32, u32)> {
        match self {
            Self::Framebuffer(_) | Self::Drm(_) => None,
            Self::Png(png) => Some(png.size),
            Self::Ili9341(_) | Self::St7789(_) => Some(SMALLEST),
        }
    }

    /// The one panel that is configured, if any.
    pub(super) fn checked(raw: &RawScreen, source: &Source<'_>) -> Result<Option<Self>, Mistake> {
        let given = [
            raw.png.as_ref().map(Spanned::span),
            raw.ili9341.as_ref().map(Spanned::span),
            raw.st7789.as_ref().map(Spanned::span),
            raw.framebuffer.as_ref().map(Spanned::span),
            raw.drm.as_ref().map(Spanned::span),
        ];
        let mut given: Vec<_> = given.into_iter().flatten().collect();
        given.sort_by_key(|span| span.start);
        if let [_, second, ..] = given.as_slice() {
            let what = "expected one panel, found a second";
            return Err(Mistake::at(source.file, source.text, second.clone(), what));
        }
        if let Some(png) = &raw.png {
            return png_file(png.get_ref(), source).map(Self::Png).map(Some);
        }
        if let Some(panel) = &raw.ili9341 {
            let usual = Usual {
                colours: Colours::Bgr,
                inverted: false,
            };
            return spi_panel(panel.get_ref(), &usual, source).map(Self::Ili9341).map(Some);
        }
        if let Some(panel) = &raw.st7789 {
            let usual = Usual {
                colours: Colours::Rgb,
                inverted: true,
            };
            return spi_panel(panel.get_ref(), &usual, source).map(Self::St7789).map(Some);
        }
        if let Some(framebuffer) = &raw.framebuffer {
            let device = framebuffer.get_ref().device.as_ref();
            let device = device.map_or_else(|| Ok(PathBuf::from("/dev/fb0")), |raw| source.path(raw))?;
            return Ok(Some(Self::Framebuffer(Framebuffer { device })));
        }
        if let Some(drm) = &raw.drm {
            let RawDrm { device, connector } = drm.get_ref();
            let connector = connector
                .as_ref()
                .map(|name| connector_name(name, source))
                .transpose()?;
            return Ok(Some(Self::Drm(Drm {
                device: source.path(device)?,
                connector,
            })));
        }
        Ok(None)
    }
}

fn connector_name(name: &Spanned<String>, source: &Source<'_>) -> Result<String, Mistake> {
    let given = name.get_ref();
    let numbered = given
        .rsplit_once('-')
        .filter(|(kind, number)| !kind.is_empty() && number.parse::<u32>().is_ok_and(|number| number > 0));
    if numbered.is_none() {
        let what = format!("expected a connector such as \"DSI-1\" or \"HDMI-A-1\", found {given:?}");
        return Err(source.mistake(name, what));
    }
    Ok(given.clone())
}

fn png_file(raw: &RawPng, source: &Source<'_>) -> Result<PngFile, Mistake> {
    let size = match &raw.size {
        None => SMALLEST,
        Some(size) => {
            let within = |&(width, height): &(u32, u32)| {
                (SMALLEST.0..=LARGEST.0).contains(&width) && (SMALLEST.1..=LARGEST.1).contains(&height)
            };
            let parsed = size.get_ref().split_once('x');
            let parsed = parsed.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
            parsed.filter(within).ok_or_else(|| {
                let ((narrow, low), (wide, tall)) = (SMALLEST, LARGEST);
                source.mistake(
                    size,
                    format!(
                        "expected a size from \"{narrow}x{low}\" to \"{wide}x{tall}\", found {:?}",
                        size.get_ref()
                    ),
                )
            })?
        }
    };
    Ok(PngFile {
        file: source.path(&raw.file)?,
        size,
    })
}

fn spi_panel(raw: &RawSpiPanel, usual: &Usual, source: &Source<'_>) -> Result<SpiPanel, Mistake> {
    let bus_mhz = match &raw.bus_mhz {
        None => BUS_MHZ,
        Some(mhz) if (1..=80).contains(mhz.get_ref()) => *mhz.get_ref(),
        Some(mhz) => {
            let what = format!("expected 1 to 80 (MHz), found {}", mhz.get_ref());
            return Err(source.mistake(mhz, what));
        }
    };
    let rotation = match raw.rotation.as_ref().map(Spanned::get_ref) {
        None | Some(90) => Rotation::Right,
        Some(270) => Rotation::Left,
        Some(degrees) => {
            let what = format!("expected 90 or 270 (the screen is wider than tall), found {degrees}");
            return Err(raw.rotation.as_ref().map_or_else(
                || Mistake::of_file(source.file, &what),
                |rotation| source.mistake(rotation, &what),
            ));
        }
    };
    let colours = match &raw.colours {
        None => usual.colours,
        Some(order) => match order.get_ref().as_str() {
            "rgb" => Colours::Rgb,
            "bgr" => Colours::Bgr,
            other => return Err(source.mistake(order, format!("expected \"rgb\" or \"bgr\", found {other:?}"))),
        },
    };
    let spi = source.path(&raw.spi)?;
    let lines: Vec<&Spanned<u32>> = [Some(&raw.dc), raw.reset.as_ref(), raw.backlight.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    for (place, line) in lines.iter().enumerate() {
        let number = source.line(line)?;
        if lines.iter().take(place).any(|other| other.get_ref() == &number) {
            return Err(source.mistake(
                line,
                format!("expected a line of its own, found {number} a second time"),
            ));
        }
        let device = spi.file_name().unwrap_or_default().to_string_lossy();
        let select = match device.as_ref() {
            "spidev0.0" => Some((8, "CE0")),
            "spidev0.1" => Some((7, "CE1")),
            _ => None,
        };
        let of_the_bus = device.starts_with("spidev0.").then_some(SPI0).into_iter().flatten();
        if let Some((_, carries)) = of_the_bus.chain(select).find(|(used, _)| *used == number) {
            let what = format!("expected a free line, found {number}, which carries {carries} of {device}");
            return Err(source.mistake(line, what));
        }
    }
    Ok(SpiPanel {
        spi,
        bus_hz: bus_mhz * 1_000_000,
        gpio: match &raw.gpio {
            None => PathBuf::from("/dev/gpiochip0"),
            Some(gpio) => source.path(gpio)?,
        },
        dc: *raw.dc.get_ref(),
        reset: raw.reset.as_ref().map(|line| *line.get_ref()),
        backlight: raw.backlight.as_ref().map(|line| *line.get_ref()),
        rotation,
        colours,
        inverted: raw.inverted.unwrap_or(usual.inverted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = r#"[fixture]
id = "line-1"
name = "Line 1"
ledger = "data/ledger.db"
socket = "fixture.sock"

"#;

    const PANEL: &str = r#"[ui.screen.st7789]
spi = "/dev/spidev0.1"
bus_mhz = 40
dc = 25
reset = 24
backlight = 18
rotation = 270
"#;

    fn parse(screen: &str) -> Result<Option<Screen>, String> {
        Settings::parse(Path::new("etc/fixture.toml"), &format!("{HEAD}{screen}"))
            .map(|settings| settings.screen)
            .map_err(|mistake| mistake.to_string())
    }

    fn said(wrong: &str, instead_of: &str) -> String {
        assert!(PANEL.contains(instead_of));
        parse(&PANEL.replace(instead_of, wrong)).unwrap_err()
    }

    #[test]
    fn a_panel_is_as_it_is_commonly_built_unless_said_otherwise() {
        let usual = SpiPanel {
            spi: PathBuf::from("/dev/spidev0.0"),
            bus_hz: 32_000_000,
            gpio: PathBuf::from("/dev/gpiochip0"),
            dc: 25,
            reset: None,
            backlight: None,
            rotation: Rotation::Right,
            colours: Colours::Bgr,
            inverted: false,
        };
        let wired = "spi = \"/dev/spidev0.0\"\ndc = 25\n";
        assert_eq!(
            parse(&format!("[ui.screen.ili9341]\n{wired}")),
            Ok(Some(Screen::Ili9341(usual.clone())))
        );
        let other = SpiPanel {
            colours: Colours::Rgb,
            inverted: true,
            ..usual
        };
        assert_eq!(
            parse(&format!("[ui.screen.st7789]\n{wired}")),
            Ok(Some(Screen::St7789(other)))
        );
    }

    #[test]
    fn everything_about_a_panel_can_be_said() {
        let more = format!("{PANEL}colours = \"bgr\"\ninverted = false\ngpio = \"/dev/gpiochip4\"\n");
        let Ok(Some(Screen::St7789(panel))) = parse(&more) else {
            panic!("{:?}", parse(&more));
        };
        assert_eq!((panel.bus_hz, panel.dc), (40_000_000, 25));
        assert_eq!((panel.reset, panel.backlight), (Some(24), Some(18)));
        assert_eq!(panel.rotation, Rotation::Left);
        assert_eq!((panel.colours, panel.inverted), (Colours::Bgr, false));
        assert_eq!(panel.gpio, Path::new("/dev/gpiochip4"));
    }

    #[test]
    fn displays_without_pins_are_named_by_their_device() {
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("[ui.screen]\n"), Ok(None));
        let framebuffer = Framebuffer {
            device: PathBuf::from("/dev/fb0"),
        };
        assert_eq!(
            parse("[ui.screen.framebuffer]\n"),
            Ok(Some(Screen::Framebuffer(framebuffer)))
        );
        let drm = |connector: Option<&str>| {
            Ok(Some(Screen::Drm(Drm {
                device: PathBuf::from("/dev/dri/card1"),
                connector: connector.map(str::to_owned),
            })))
        };
        let wanted = "[ui.screen.drm]\ndevice = \"/dev/dri/card1\"\n";
        assert_eq!(parse(wanted), drm(None));
        assert_eq!(
            parse(&format!("{wanted}connector = \"HDMI-A-1\"\n")),
            drm(Some("HDMI-A-1"))
        );
        let error = parse(&format!("{wanted}connector = \"DSI\"\n")).unwrap_err();
        assert!(error.contains("connector: expected a connector such as"), "{error}");
        let png = PngFile {
            file: PathBuf::from("etc/screen.png"),
            size: (800, 480),
        };
        assert_eq!(
            parse("[ui.screen.png]\nfile = \"screen.png\"\nsize = \"800x480\"\n"),
            Ok(Some(Screen::Png(png)))
        );
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let error = said("dc = 54", "dc = 25");
        assert_eq!(
            error,
            "etc/fixture.toml:10:6: ui.screen.st7789.dc: expected a GPIO line, 0 to 53, found 54\n   |\n10 | dc = 54\n   |      ^^"
        );
        assert!(said("rotation = 180", "rotation = 270").contains("rotation: expected 90 or 270"));
        assert!(said("bus_mhz = 0", "bus_mhz = 40").contains("bus_mhz: expected 1 to 80 (MHz), found 0"));
        assert!(said("reset = 25", "reset = 24").contains("reset: expected a line of its own, found 25 a second"));
        assert!(said("reset = 10", "reset = 24").contains("reset: expected a free line, found 10, which carries MOSI"));
        assert!(said("backlight = 7", "backlight = 18").contains("carries CE1 of spidev0.1"));
        assert!(said("colours = \"grb\"", "rotation = 270").contains("colours: expected \"rgb\" or \"bgr\""));
        assert!(said("spi = \"\"", "spi = \"/dev/spidev0.1\"").contains("spi: expected a path, found nothing"));
        let size = parse("[ui.screen.png]\nfile = \"a.png\"\nsize = \"100x100\"\n").unwrap_err();
        assert!(size.contains("size: expected a size from \"320x240\""), "{size}");
    }

    #[test]
    fn the_language_is_english_unless_said_otherwise() {
        let tongue = |screen: &str| {
            Settings::parse(Path::new("etc/fixture.toml"), &format!("{HEAD}{screen}"))
                .map(|settings| settings.tongue)
                .map_err(|mistake| mistake.to_string())
        };
        assert_eq!(tongue("").unwrap().language, "en");
        let chinese = tongue("[ui.screen]\nlanguage = \"zh-Hans\"\nlanguages = \"languages\"\n").unwrap();
        assert_eq!(chinese.language, "zh-Hans");
        assert_eq!(chinese.languages.as_deref(), Some(Path::new("etc/languages")));
        let error = tongue("[ui.screen]\nlanguage = \"../x\"\n").unwrap_err();
        assert!(
            error.starts_with("etc/fixture.toml:8:12: ui.screen.language: expected a language such as"),
            "{error}"
        );
    }

    #[test]
    fn a_second_panel_is_a_mistake_at_its_table() {
        let error = parse(&format!("[ui.screen.png]\nfile = \"a.png\"\n\n{PANEL}")).unwrap_err();
        assert!(
            error.starts_with("etc/fixture.toml:10:1: ui.screen.st7789: expected one panel, found a second"),
            "{error}"
        );
    }
}
