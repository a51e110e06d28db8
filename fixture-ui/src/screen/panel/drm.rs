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

/// A display that is lit.
#[derive(Debug)]
pub struct DrmPanel {
    device: String,
    card: Card,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    buffer: DumbBuffer,
    framebuffer: framebuffer::Handle,
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
        let fit = Fit::of(size).map_err(|error| PanelError::new(&device, "fit the screen", error))?;
        let buffer = card.create_dumb_buffer((size.width, size.height), DrmFourcc::Xrgb8888, 32);
        let mut buffer = buffer.map_err(failed("make a buffer"))?;
        // The kernel gives the buffer zeroed, which is black; stated here all the same.
        card.map_dumb_buffer(&mut buffer)
            .map_err(failed("map the buffer"))?
            .fill(0);
        let framebuffer = card
            .add_framebuffer(&buffer, 24, 32)
            .map_err(failed("show the buffer"))?;
        let panel = Self {
            device: device.clone(),
            card,
            connector: connector.handle(),
            crtc,
            mode,
            buffer,
            framebuffer,
            fit,
        };
        panel.switch_on()?;
        Ok(panel)
    }

    fn failed(&self, operation: &'static str, error: io::Error) -> PanelError {
        PanelError::new(&self.device, operation, error)
    }

    fn switch_on(&self) -> Result<(), PanelError> {
        let on = self.card.set_crtc(
            self.crtc,
            Some(self.framebuffer),
            (0, 0),
            &[self.connector],
            Some(self.mode),
        );
        on.map_err(|error| self.failed("switch the display on", error))
    }

    /// Writes into the buffer, then says which parts of it changed: displays behind a slow bus are only sent those.
    fn write(
        &mut self,
        areas: &[Rectangle],
        draw: impl FnOnce(&mut [u8], usize) -> Result<(), PanelError>,
    ) -> Result<(), PanelError> {
        let pitch = self.buffer.pitch() as usize;
        let device = self.device.clone();
        let mut memory = self
            .card
            .map_dumb_buffer(&mut self.buffer)
            .map_err(|error| PanelError::new(device, "map the buffer", error))?;
        draw(&mut memory, pitch)?;
        drop(memory);
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
        match self.card.dirty_framebuffer(self.framebuffer, &clips) {
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

impl Panel for DrmPanel {
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
        let info = self.card.get_connector(self.connector, true);
        let info = info.map_err(|error| self.failed("ask the connector", error))?;
        if info.state() != connector::State::Connected {
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
mod tests {
    use std::path::PathBuf;

    use super::*;

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
