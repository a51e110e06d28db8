//! A file that takes the frames of a display that is not there.

use std::io;
use std::path::{Path, PathBuf};

use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;
use fixture_link::settings::PngFile;

use super::{Panel, PanelError};
use crate::screen::frame::Frame;

/// A PNG file, replaced whole with every frame.
#[derive(Debug)]
pub struct PngPanel {
    path: PathBuf,
    size: Size,
}

impl PngPanel {
    /// The file, which need not be there.
    pub fn new(png: &PngFile) -> Self {
        let (width, height) = png.size;
        Self {
            path: png.file.clone(),
            size: Size::new(width, height),
        }
    }

    fn failed(path: &Path, operation: &'static str, source: io::Error) -> PanelError {
        PanelError::new(path.display().to_string(), operation, source)
    }
}

impl Panel for PngPanel {
    fn size(&self) -> Size {
        self.size
    }

    /// Whoever reads the file sees the old frame or the new one.
    fn show(&mut self, frame: &Frame, areas: &[Rectangle]) -> Result<(), PanelError> {
        if areas.is_empty() {
            return Ok(());
        }
        let png = frame
            .png()
            .map_err(|error| PanelError::new(self.path.display().to_string(), "encode", error))?;
        let new = self.path.with_extension("png.new");
        std::fs::write(&new, png).map_err(|error| Self::failed(&new, "write", error))?;
        std::fs::rename(&new, &self.path).map_err(|error| Self::failed(&self.path, "replace", error))
    }

    fn renew(&mut self) -> Result<(), PanelError> {
        Ok(())
    }

    fn blank(&mut self) -> Result<(), PanelError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Self::failed(&self.path, "remove", error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
