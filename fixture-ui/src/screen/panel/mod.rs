//! The panels that show the frames. The configuration chooses one when the process starts.

pub mod bus;
#[cfg(test)]
mod contract;
pub mod controller;
pub mod drm;
pub mod file;
pub mod fit;
pub mod framebuffer;
#[cfg(test)]
pub(crate) mod glass;
pub mod line;
pub mod raster;

use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;
use fixture_link::settings::Screen;

use super::frame::Frame;

/// A local display.
pub trait Panel: Send {
    /// The size of the frames that it shows, in pixels.
    fn size(&self) -> Size;

    /// Shows the frame; only `areas` of it differ from what the panel was last given.
    ///
    /// # Errors
    /// The panel cannot be reached; what it shows is then unknown.
    fn show(&mut self, frame: &Frame, areas: &[Rectangle]) -> Result<(), PanelError>;

    /// Tells the panel again how it is set up, so that one that lost its power or was disturbed comes back without a restart.
    ///
    /// # Errors
    /// The panel cannot be reached.
    fn renew(&mut self) -> Result<(), PanelError>;

    /// Shows nothing any more.
    ///
    /// # Errors
    /// The panel cannot be reached.
    fn blank(&mut self) -> Result<(), PanelError>;
}

/// A panel cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("{device}: {operation}: {source}")]
pub struct PanelError {
    /// The device or file.
    pub device: String,
    /// What was wanted of it.
    pub operation: &'static str,
    /// What the system says.
    pub source: Box<dyn core::error::Error + Send + Sync>,
}

impl PanelError {
    pub(crate) fn new(
        device: impl Into<String>,
        operation: &'static str,
        source: impl Into<Box<dyn core::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            device: device.into(),
            operation,
            source: source.into(),
        }
    }
}

/// Opens the configured panel.
///
/// # Errors
/// The panel cannot be reached.
pub fn open(screen: &Screen) -> Result<Box<dyn Panel>, PanelError> {
    Ok(match screen {
        Screen::Png(png) => Box::new(file::PngPanel::new(png)),
        Screen::Ili9341(panel) => controller::open(panel, controller::Chip::Ili9341)?,
        Screen::St7789(panel) => controller::open(panel, controller::Chip::St7789)?,
        Screen::Drm(panel) => Box::new(drm::DrmPanel::open(panel)?),
        Screen::Framebuffer(panel) => Box::new(framebuffer::FramebufferPanel::open(panel)?),
    })
}
