//! A display of the kernel's mode setting (DRM), such as the official 7-inch screen: one buffer that the processor draws into.
//!
//! The kernel itself takes the picture away when the process ends, however it ends: its buffer goes with its last open file, and a
//! display without a buffer is switched off.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::DumbBuffer;
use drm::control::{ClipRect, Device as ControlDevice, Mode, connector, crtc, framebuffer};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use fixture_link::settings::Drm;

use super::fit::Fit;
use super::raster::{self, Depth};
use super::{Panel, PanelError};
use crate::screen::frame::Frame;

/// The device of a graphics card.
#[derive(Debug)]
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl ControlDevice for Card {}

/// What a display needs of its card once it is lit.
pub trait Scanout: Send {
    /// Bytes from one row of the buffer to the next.
    fn pitch(&self) -> usize;

    /// Lets somebody write into the buffer, as it is scanned out.
    ///
    /// # Errors
    /// The buffer cannot be reached.
    fn memory(&mut self, write: &mut dyn FnMut(&mut [u8])) -> io::Result<()>;

    /// Says which parts of the buffer have changed.
    ///
    /// # Errors
    /// The kernel did not take it; [`io::ErrorKind::Unsupported`] and `ENOSYS` where the display reads the buffer by itself.
    fn changed(&mut self, clips: &[ClipRect]) -> io::Result<()>;

    /// Scans the buffer out to the display.
    ///
    /// # Errors
    /// Another process holds the display.
    fn switch_on(&mut self) -> io::Result<()>;

    /// Whether the display is plugged in.
    ///
    /// # Errors
    /// The card cannot be asked.
    fn is_connected(&mut self) -> io::Result<bool>;
}

/// A display as the kernel gives it.
#[derive(Debug)]
pub struct Lit {
    card: Card,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    buffer: DumbBuffer,
    framebuffer: framebuffer::Handle,
}

impl Scanout for Lit {
    fn pitch(&self) -> usize {
        self.buffer.pitch() as usize
    }

    fn memory(&mut self, write: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        write(&mut self.card.map_dumb_buffer(&mut self.buffer)?);
        Ok(())
    }

    fn changed(&mut self, clips: &[ClipRect]) -> io::Result<()> {
        self.card.dirty_framebuffer(self.framebuffer, clips)
    }

    fn switch_on(&mut self) -> io::Result<()> {
        self.card.set_crtc(
            self.crtc,
            Some(self.framebuffer),
            (0, 0),
            &[self.connector],
            Some(self.mode),
        )
    }

    fn is_connected(&mut self) -> io::Result<bool> {
        let info = self.card.get_connector(self.connector, true)?;
        Ok(info.state() == connector::State::Connected)
    }
}

/// A display that is lit.
#[derive(Debug)]
pub struct DrmPanel<S = Lit> {
    device: String,
    scanout: S,
    fit: Fit,
}

impl DrmPanel {
    /// Takes the display and switches it on, black.
    ///
    /// # Errors
    /// The device is not there, no display is connected to it, another process holds it, or the display is too small.
    pub fn open(panel: &Drm) -> Result<Self, PanelError> {
        let device = panel.device.display().to_string();
        let failed = |operation| {
            let device = device.clone();
            move |error: io::Error| PanelError::new(device, operation, error)
        };
        let file = OpenOptions::new().read(true).write(true).open(&panel.device);
        let card = Card(file.map_err(failed("open"))?);
        let connector = connected(&card, panel.connector.as_deref()).map_err(failed("find a display"))?;
        let mode = *connector
            .modes()
            .first()
            .ok_or_else(|| failed("find a mode")(io::ErrorKind::NotFound.into()))?;
        let crtc = free_crtc(&card, &connector).map_err(failed("find a way to the display"))?;
        let (width, height) = mode.size();
        let size = Size::new(width.into(), height.into());
        let buffer = card
            .create_dumb_buffer((size.width, size.height), DrmFourcc::Xrgb8888, 32)
            .map_err(failed("make a buffer"))?;
        let framebuffer = card
            .add_framebuffer(&buffer, 24, 32)
            .map_err(failed("show the buffer"))?;
        let lit = Lit {
            card,
            connector: connector.handle(),
            crtc,
            mode,
            buffer,
            framebuffer,
        };
        Self::lit(device, lit, size)
    }
}

impl<S: Scanout> DrmPanel<S> {
    /// Switches a display of `size` on, black.
    ///
    /// # Errors
    /// Another process holds it, or it is too small.
    pub fn lit(device: String, scanout: S, size: Size) -> Result<Self, PanelError> {
        let fit = Fit::of(size).map_err(|error| PanelError::new(&device, "fit the screen", error))?;
        let mut panel = Self { device, scanout, fit };
        // The kernel gives the buffer zeroed, which is black; stated here all the same.
        panel.memory(|memory| {
            memory.fill(0);
            Ok(())
        })?;
        panel.switch_on()?;
        Ok(panel)
    }

    fn failed(&self, operation: &'static str, error: io::Error) -> PanelError {
        PanelError::new(&self.device, operation, error)
    }

    fn switch_on(&mut self) -> Result<(), PanelError> {
        let on = self.scanout.switch_on();
        on.map_err(|error| self.failed("switch the display on", error))
    }

    fn memory(&mut self, mut draw: impl FnMut(&mut [u8]) -> Result<(), PanelError>) -> Result<(), PanelError> {
        let mut drawn = Ok(());
        let mapped = self.scanout.memory(&mut |memory| drawn = draw(memory));
        mapped.map_err(|error| self.failed("map the buffer", error))?;
        drawn
    }

    /// Writes into the buffer, then says which parts of it changed: displays behind a slow bus are only sent those.
    fn write(
        &mut self,
        areas: &[Rectangle],
        mut draw: impl FnMut(&mut [u8], usize) -> Result<(), PanelError>,
    ) -> Result<(), PanelError> {
        let pitch = self.scanout.pitch();
        self.memory(|memory| draw(memory, pitch))?;
        let edge = |pixel: i32| u16::try_from(pixel).unwrap_or(u16::MAX);
        let clips: Vec<ClipRect> = areas
            .iter()
            .filter_map(|area| {
                let (first, last) = (self.fit.place(area.top_left), self.fit.place(area.bottom_right()?));
                let times = i32::try_from(self.fit.times).unwrap_or(1);
                Some(ClipRect::new(
                    edge(first.x),
                    edge(first.y),
                    edge(last.x + times),
                    edge(last.y + times),
                ))
            })
            .collect();
        match self.scanout.changed(&clips) {
            // Displays that read the buffer by themselves need not be told.
            Err(error) if error.kind() != io::ErrorKind::Unsupported && error.raw_os_error() != Some(ENOSYS) => {
                Err(self.failed("send what changed", error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// "Function not implemented" (errno(3); the same number on every Linux that a fixture runs on).
const ENOSYS: i32 = 38;

/// The connector of that name, or the first with a display.
fn connected(card: &Card, wanted: Option<&str>) -> io::Result<connector::Info> {
    let mut seen = Vec::new();
    for handle in card.resource_handles()?.connectors() {
        let info = card.get_connector(*handle, true)?;
        let name = format!("{}-{}", info.interface().as_str(), info.interface_id());
        let fits = wanted.is_none_or(|wanted| wanted == name);
        if fits && info.state() == connector::State::Connected {
            return Ok(info);
        }
        seen.push(format!("{name} {:?}", info.state()).to_lowercase());
    }
    let wanted = wanted.unwrap_or("any connector");
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("no display at {wanted}; found: {}", seen.join(", ")),
    ))
}

/// A part of the card that can scan out to the connector: the one that does, or the first that can.
fn free_crtc(card: &Card, connector: &connector::Info) -> io::Result<crtc::Handle> {
    let resources = card.resource_handles()?;
    let current = connector
        .current_encoder()
        .and_then(|encoder| card.get_encoder(encoder).ok()?.crtc());
    if let Some(crtc) = current {
        return Ok(crtc);
    }
    for encoder in connector.encoders() {
        let possible = resources.filter_crtcs(card.get_encoder(*encoder)?.possible_crtcs());
        if let Some(crtc) = possible.first() {
            return Ok(*crtc);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

impl<S: Scanout> Panel for DrmPanel<S> {
    fn size(&self) -> Size {
        self.fit.frame
    }

    fn show(&mut self, frame: &Frame, areas: &[Rectangle]) -> Result<(), PanelError> {
        let (fit, device) = (self.fit, self.device.clone());
        self.write(areas, |memory, pitch| {
            for area in areas {
                raster::rows(frame, *area, fit, Depth::ThirtyTwo, |at, row| {
                    place(memory, pitch, at, row)
                        .ok_or_else(|| PanelError::new(&device, "draw", "outside the display's buffer"))
                })?;
            }
            Ok(())
        })
    }

    /// A display that was unplugged is an error, so that it is looked for again; one that another process switched off comes back.
    fn renew(&mut self) -> Result<(), PanelError> {
        let connected = self.scanout.is_connected();
        if !connected.map_err(|error| self.failed("ask the connector", error))? {
            return Err(PanelError::new(
                &self.device,
                "ask the connector",
                "the display is unplugged",
            ));
        }
        self.switch_on()
    }

    fn blank(&mut self) -> Result<(), PanelError> {
        let all = Rectangle::new(Point::zero(), self.fit.frame);
        self.write(&[all], |memory, _| {
            memory.fill(0);
            Ok(())
        })
    }
}

/// Puts a row of bytes into the buffer.
fn place(memory: &mut [u8], pitch: usize, at: Point, row: &[u8]) -> Option<()> {
    let (x, y) = (usize::try_from(at.x).ok()?, usize::try_from(at.y).ok()?);
    let start = y * pitch + x * Depth::ThirtyTwo.bytes();
    memory.get_mut(start..start + row.len())?.copy_from_slice(row);
    Some(())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget as _;
    use embedded_graphics::pixelcolor::Rgb565;

    use super::*;
    use crate::screen::frame::rgb888;

    /// A card without glass: what it scans out, and what it was told.
    #[derive(Debug)]
    pub(crate) struct Fake {
        pub(crate) memory: Vec<u8>,
        pub(crate) pitch: usize,
        pub(crate) clips: Vec<[u16; 4]>,
        pub(crate) switched_on: u32,
        pub(crate) connected: bool,
        /// What the next change is answered with.
        pub(crate) refuses: Option<i32>,
        /// The buffer cannot be reached.
        pub(crate) gone: bool,
    }

    /// Who holds a clone looks at the same card.
    #[derive(Debug, Clone)]
    pub(crate) struct Shared(pub(crate) Arc<Mutex<Fake>>);

    impl Shared {
        /// A display of so many pixels whose rows are longer than they need be, full of what an earlier owner left.
        pub(crate) fn new(size: Size) -> Self {
            let pitch = 4 * size.width as usize + 64;
            Self(Arc::new(Mutex::new(Fake {
                memory: vec![0xAA; pitch * size.height as usize],
                pitch,
                clips: Vec::new(),
                switched_on: 0,
                connected: true,
                refuses: None,
                gone: false,
            })))
        }

        /// What is seen, pixel for pixel.
        pub(crate) fn seen(&self, size: Size) -> Vec<[u8; 3]> {
            let fake = self.0.lock().unwrap();
            let rows = fake.memory.chunks(fake.pitch).take(size.height as usize);
            rows.flat_map(|row| row[..4 * size.width as usize].chunks(4).map(|at| [at[2], at[1], at[0]]))
                .collect()
        }
    }

    impl Scanout for Shared {
        fn pitch(&self) -> usize {
            self.0.lock().unwrap().pitch
        }

        fn memory(&mut self, write: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
            let mut fake = self.0.lock().unwrap();
            if fake.gone {
                return Err(io::ErrorKind::NotConnected.into());
            }
            write(&mut fake.memory);
            Ok(())
        }

        fn changed(&mut self, clips: &[ClipRect]) -> io::Result<()> {
            let mut fake = self.0.lock().unwrap();
            let told = clips.iter().map(|clip| [clip.x1(), clip.y1(), clip.x2(), clip.y2()]);
            fake.clips.extend(told);
            match fake.refuses {
                Some(number) => Err(io::Error::from_raw_os_error(number)),
                None => Ok(()),
            }
        }

        fn switch_on(&mut self) -> io::Result<()> {
            self.0.lock().unwrap().switched_on += 1;
            Ok(())
        }

        fn is_connected(&mut self) -> io::Result<bool> {
            Ok(self.0.lock().unwrap().connected)
        }
    }

    fn frame(size: Size) -> Frame {
        let mut frame = Frame::new(size);
        let (wide, tall) = (i32::try_from(size.width).unwrap(), i32::try_from(size.height).unwrap());
        let pixels = (0..tall).flat_map(|y| (0..wide).map(move |x| (x, y)));
        let coloured = pixels.map(|(x, y)| {
            let part = |of: i32| u8::try_from(of).unwrap();
            let colour = Rgb565::new(part(x % 32), part(y % 64), part((x + y) % 32));
            Pixel(Point::new(x, y), colour)
        });
        match frame.draw_iter(coloured) {
            Ok(()) => frame,
            Err(never) => match never {},
        }
    }

    #[test]
    fn a_frame_is_drawn_pixel_for_pixel_and_only_what_changed_is_told() {
        // As it is, and doubled.
        for (size, times) in [(Size::new(800, 480), 1), (Size::new(1280, 960), 2)] {
            let card = Shared::new(size);
            let mut panel = DrmPanel::lit("card".to_owned(), card.clone(), size).unwrap();
            assert!(
                card.seen(size).iter().all(|pixel| *pixel == [0; 3]),
                "black before it is on"
            );
            assert_eq!(card.0.lock().unwrap().switched_on, 1);
            let frame = frame(panel.size());
            let whole = Rectangle::new(Point::zero(), panel.size());
            panel.show(&frame, &[whole]).unwrap();
            let all = frame
                .rows(whole)
                .flatten()
                .map(|pixel| rgb888(*pixel))
                .collect::<Vec<_>>();
            let wide = panel.size().width as usize;
            for (place, pixel) in card.seen(size).into_iter().enumerate() {
                let (x, y) = (place % size.width as usize / times, place / size.width as usize / times);
                assert_eq!(pixel, all[y * wide + x], "{x}, {y}");
            }
            card.0.lock().unwrap().clips.clear();
            let area = Rectangle::new(Point::new(10, 20), Size::new(30, 5));
            panel.show(&Frame::new(panel.size()), &[area]).unwrap();
            let scaled = |pixels: u16| pixels * u16::try_from(times).unwrap();
            assert_eq!(card.0.lock().unwrap().clips, [[10, 20, 40, 25].map(scaled)]);
            let black = card.seen(size).iter().filter(|pixel| **pixel == [0; 3]).count();
            assert!(black >= 150 * times * times && black < 2_000 * times * times, "{black}");
            panel.blank().unwrap();
            assert!(card.seen(size).iter().all(|pixel| *pixel == [0; 3]));
        }
    }

    #[test]
    fn what_the_card_says_is_told_where_it_matters() {
        let size = Size::new(800, 480);
        let card = Shared::new(size);
        let mut panel = DrmPanel::lit("card".to_owned(), card.clone(), size).unwrap();
        let all = [Rectangle::new(Point::zero(), size)];
        let tell = |refuses, gone, connected| {
            let mut fake = card.0.lock().unwrap();
            (fake.refuses, fake.gone, fake.connected) = (refuses, gone, connected);
        };
        tell(Some(ENOSYS), false, true);
        panel.show(&Frame::new(size), &all).unwrap();
        tell(Some(13), false, true);
        let said = panel.show(&Frame::new(size), &all).unwrap_err().to_string();
        assert!(said.starts_with("card: send what changed: "), "{said}");
        tell(None, true, true);
        let said = panel.show(&Frame::new(size), &all).unwrap_err().to_string();
        assert!(said.starts_with("card: map the buffer: "), "{said}");
        tell(None, false, false);
        assert!(
            panel
                .renew()
                .unwrap_err()
                .to_string()
                .ends_with("the display is unplugged")
        );
        tell(None, false, true);
        panel.renew().unwrap();
        assert_eq!(card.0.lock().unwrap().switched_on, 2, "switched on again");
        let small = Size::new(300, 200);
        assert!(DrmPanel::lit("card".to_owned(), Shared::new(small), small).is_err());
    }

    #[test]
    fn a_row_lies_where_the_pitch_says_and_never_outside() {
        let mut memory = vec![0; 3 * 16];
        assert_eq!(
            place(&mut memory, 16, Point::new(1, 2), &[1, 2, 3, 4, 5, 6, 7, 8]),
            Some(())
        );
        assert_eq!(memory[36..44], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.iter().filter(|byte| **byte != 0).count(), 8);
        assert_eq!(place(&mut memory, 16, Point::new(3, 2), &[1; 8]), None);
        assert_eq!(place(&mut memory, 16, Point::new(-1, 0), &[1; 4]), None);
    }

    #[test]
    fn a_file_that_is_no_display_is_named() {
        let panel = Drm {
            device: PathBuf::from("/dev/null"),
            connector: None,
        };
        let error = DrmPanel::open(&panel).unwrap_err().to_string();
        assert!(error.starts_with("/dev/null: find a display: "), "{error}");
    }
}
