//! The kernel's framebuffer: `/dev/fb0`, also where it is emulated over the kernel's mode setting, as for the official 7-inch screen.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use fixture_link::settings::Framebuffer;

use super::fit::Fit;
use super::raster::{self, Depth};
use super::{Panel, PanelError};
use crate::screen::frame::Frame;

/// Where the kernel tells what a framebuffer is like (Linux, drivers/video/fbdev/core/fbsysfs.c).
const SYSFS: &str = "/sys/class/graphics";

/// How the framebuffer's memory is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// What is visible, in pixels.
    pub size: Size,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Of a pixel.
    pub depth: Depth,
}

/// A framebuffer that is open.
#[derive(Debug)]
pub struct FramebufferPanel {
    device: String,
    file: File,
    geometry: Geometry,
    fit: Fit,
    /// What the file holds, so that whole rows can be written.
    memory: Vec<u8>,
}

impl Geometry {
    /// What the kernel tells in `folder`, that of one framebuffer.
    ///
    /// # Errors
    /// It does not tell, or the framebuffer is of a kind that is not drawn on.
    pub fn told(folder: &Path) -> Result<Self, PanelError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|error| PanelError::new(path.display().to_string(), "read", error))
        };
        let wrong = |name: &str, what: String| PanelError::new(folder.join(name).display().to_string(), "read", what);
        let number = |name: &str| {
            let text = read(name)?;
            let parsed = text.trim().parse::<u64>();
            parsed.map_err(|_| wrong(name, format!("expected a number, found {text:?}")))
        };
        let depth = match number("bits_per_pixel")? {
            16 => Depth::Sixteen,
            32 => Depth::ThirtyTwo,
            bits => return Err(wrong("bits_per_pixel", format!("expected 16 or 32, found {bits}"))),
        };
        // The mode is what is visible; the virtual size can be larger, and is all there is where no mode is told.
        let mode = read("modes").ok().and_then(|modes| visible(&modes));
        let size = mode.map_or_else(
            || {
                let text = read("virtual_size")?;
                let parsed = text.trim().split_once(',');
                let parsed =
                    parsed.and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?)));
                parsed.ok_or_else(|| wrong("virtual_size", format!("expected width,height, found {text:?}")))
            },
            Ok,
        )?;
        Ok(Self {
            size,
            stride: usize::try_from(number("stride")?).unwrap_or(usize::MAX),
            depth,
        })
    }
}

/// The size in the first line of a framebuffer's modes, such as `U:800x480p-60`.
fn visible(modes: &str) -> Option<Size> {
    let (_, size) = modes.lines().next()?.split_once(':')?;
    let (width, rest) = size.split_once('x')?;
    let height: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(Size::new(width.parse().ok()?, height.parse().ok()?))
}

impl FramebufferPanel {
    /// Opens the framebuffer.
    ///
    /// # Errors
    /// It is not there, is too small, or its pixels are of another kind.
    pub fn open(panel: &Framebuffer) -> Result<Self, PanelError> {
        let name = panel.device.file_name().map(PathBuf::from).unwrap_or_default();
        Self::with(&panel.device, Geometry::told(&Path::new(SYSFS).join(name))?)
    }

    /// The file `device`, laid out like this.
    ///
    /// # Errors
    /// It cannot be opened, or is too small.
    pub fn with(device: &Path, geometry: Geometry) -> Result<Self, PanelError> {
        let name = device.display().to_string();
        let fit = Fit::of(geometry.size).map_err(|error| PanelError::new(&name, "fit the screen", error))?;
        let file = OpenOptions::new().write(true).open(device);
        let file = file.map_err(|error| PanelError::new(&name, "open", error))?;
        let mut panel = Self {
            device: name,
            file,
            geometry,
            fit,
            memory: Vec::new(),
        };
        // The edges around the frame as well, on which a console may have written.
        panel.blank()?;
        Ok(panel)
    }

    /// Writes the rows from `top` down to `bottom`.
    fn write(&self, top: i32, bottom: i32) -> Result<(), PanelError> {
        let height = i32::try_from(self.geometry.size.height).unwrap_or(i32::MAX);
        let (top, bottom) = span(top, bottom, height);
        let from = self.place(Point::new(0, top));
        let (Some(rows), Ok(at)) = (
            self.memory.get(from..self.place(Point::new(0, bottom))),
            u64::try_from(from),
        ) else {
            return Err(PanelError::new(&self.device, "write", "outside the framebuffer"));
        };
        let written = self.file.write_all_at(rows, at);
        written.map_err(|error| PanelError::new(&self.device, "write", error))
    }

    /// Where a pixel of the framebuffer lies in its file.
    fn place(&self, at: Point) -> usize {
        let (x, y) = (usize::try_from(at.x).unwrap_or(0), usize::try_from(at.y).unwrap_or(0));
        y * self.geometry.stride + x * self.geometry.depth.bytes()
    }
}

/// The rows to write for those from `top` down to `bottom` of `height`: at least two. The kernel's emulation over mode setting takes the end
/// of a single whole row for its beginning and shows nothing of it (`drm_fb_helper_memory_range_to_clip` of Linux 6.1).
fn span(top: i32, bottom: i32, height: i32) -> (i32, i32) {
    let bottom = bottom.max(top + 2).min(height);
    (top.min(bottom - 2).max(0), bottom)
}

impl Panel for FramebufferPanel {
    fn size(&self) -> Size {
        self.fit.frame
    }

    fn show(&mut self, frame: &Frame, areas: &[Rectangle]) -> Result<(), PanelError> {
        for area in areas {
            let (mut top, mut bottom) = (i32::MAX, 0);
            raster::rows(frame, *area, self.fit, self.geometry.depth, |at, row| {
                (top, bottom) = (top.min(at.y), bottom.max(at.y + 1));
                let start = self.place(at);
                let place = self.memory.get_mut(start..start + row.len());
                place
                    .map(|place| place.copy_from_slice(row))
                    .ok_or_else(|| PanelError::new(&self.device, "draw", "outside the framebuffer"))
            })?;
            if top < bottom {
                self.write(top, bottom)?;
            }
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<(), PanelError> {
        Ok(())
    }

    fn blank(&mut self) -> Result<(), PanelError> {
        let height = i32::try_from(self.geometry.size.height).unwrap_or(i32::MAX);
        self.memory = vec![0; self.place(Point::new(0, height))];
        self.write(0, height)
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::geometry::Dimensions as _;
    use embedded_graphics::pixelcolor::Rgb565;
    use fixture_link::verdict::VerdictCode;

    use super::*;
    use crate::screen::change::changed;
    use crate::screen::frame;
    use crate::screen::frame::rgb888;
    use crate::view::View;
    use crate::view::tests::{heard, snapshot, verdict};

    fn told(files: &[(&str, &str)]) -> Result<Geometry, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Geometry::told(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_kernel_tells_is_understood() {
        let seven_inch = told(&[
            ("bits_per_pixel", "32\n"),
            ("modes", "U:800x480p-0\n"),
            ("stride", "3200\n"),
            ("virtual_size", "800,960\n"),
        ]);
        let expected = Geometry {
            size: Size::new(800, 480),
            stride: 3200,
            depth: Depth::ThirtyTwo,
        };
        assert_eq!(seven_inch, Ok(expected), "half of the virtual size is hidden");
        let without_mode = told(&[
            ("bits_per_pixel", "16\n"),
            ("modes", ""),
            ("stride", "648\n"),
            ("virtual_size", "320,240\n"),
        ]);
        let expected = Geometry {
            size: Size::new(320, 240),
            stride: 648,
            depth: Depth::Sixteen,
        };
        assert_eq!(without_mode, Ok(expected));
        let grey = told(&[("bits_per_pixel", "8\n")]).unwrap_err();
        assert!(
            grey.ends_with("bits_per_pixel: read: expected 16 or 32, found 8"),
            "{grey}"
        );
        assert!(told(&[]).unwrap_err().contains("bits_per_pixel: read: No such file"));
    }

    #[test]
    fn never_a_single_row_is_written() {
        assert_eq!(span(5, 9, 480), (5, 9));
        assert_eq!(span(5, 6, 480), (5, 7));
        assert_eq!(span(479, 480, 480), (478, 480));
        assert_eq!(span(0, 480, 480), (0, 480));
    }

    /// The picture that a display shows whose scan-out reads the file.
    fn shown(path: &Path, geometry: Geometry) -> Vec<[u8; 3]> {
        let bytes = std::fs::read(path).unwrap();
        let pixel = |x: usize, y: usize| {
            let at = y * geometry.stride + x * geometry.depth.bytes();
            match geometry.depth {
                Depth::Sixteen => {
                    let value = u16::from_ne_bytes(bytes[at..at + 2].try_into().unwrap());
                    let channel = |shift: u16, bits: u16| {
                        let most = (1 << bits) - 1;
                        u8::try_from((value >> shift & most) * 255 / most).unwrap()
                    };
                    [channel(11, 5), channel(5, 6), channel(0, 5)]
                }
                Depth::ThirtyTwo => {
                    let value = u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
                    let [_, red, green, blue] = value.to_be_bytes();
                    [red, green, blue]
                }
            }
        };
        let Size { width, height } = geometry.size;
        (0..height as usize)
            .flat_map(|y| (0..width as usize).map(move |x| (x, y)))
            .map(|(x, y)| pixel(x, y))
            .collect()
    }

    #[test]
    fn frames_arrive_in_every_size_and_depth_and_are_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        for (width, height) in [(320, 240), (800, 480), (1921, 1083)] {
            for depth in [Depth::Sixteen, Depth::ThirtyTwo] {
                let geometry = Geometry {
                    size: Size::new(width, height),
                    // Rows of real framebuffers are padded.
                    stride: width as usize * depth.bytes() + 24,
                    depth,
                };
                let path = folder.path().join("fb0");
                std::fs::write(&path, vec![0xAA; geometry.stride * height as usize]).unwrap();
                let mut panel = FramebufferPanel::with(&path, geometry).unwrap();
                let view = |code| {
                    View::of(
                        &heard(snapshot(vec![verdict(code)])),
                        blinkup::Tick::from_micros(1_000_000),
                    )
                };
                let first = frame(&view(VerdictCode::Ok), panel.size());
                panel.show(&first, &changed(None, &first)).unwrap();
                let second = frame(&view(VerdictCode::StuckJoining), panel.size());
                panel.show(&second, &changed(Some(&first), &second)).unwrap();
                let (fit, seen) = (panel.fit, shown(&path, geometry));
                let rows: Vec<&[Rgb565]> = second.rows(second.bounding_box()).collect();
                for (place, pixel) in (0..).zip(&seen) {
                    let (x, y) = (place % width, place / width);
                    let (left, top) = (fit.margin.x.unsigned_abs(), fit.margin.y.unsigned_abs());
                    let on_frame = (x.wrapping_sub(left) / fit.times, y.wrapping_sub(top) / fit.times);
                    let expected =
                        if x >= left && y >= top && on_frame.0 < fit.frame.width && on_frame.1 < fit.frame.height {
                            rgb888(rows[on_frame.1 as usize][on_frame.0 as usize])
                        } else {
                            [0; 3]
                        };
                    assert_eq!(*pixel, expected, "{width}x{height} {depth:?} at {x}, {y}");
                }
                panel.blank().unwrap();
                assert!(shown(&path, geometry).iter().all(|pixel| *pixel == [0; 3]));
            }
        }
    }
}
