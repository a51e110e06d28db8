//! What every panel must do, once; and each of them held to it.

use blinkup::Tick;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use fixture_link::settings::{PngFile, Rotation};
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::VerdictCode;

use super::Panel;
use super::controller::Chip;
use super::controller::tests::{CHIPS, started, wired};
use super::drm::DrmPanel;
use super::drm::tests::Shared;
use super::file::PngPanel;
use super::framebuffer::{FramebufferPanel, Geometry};
use super::glass::Peek;
use super::raster::Depth;
use crate::screen::change::changed;
use crate::screen::frame::Frame;
use crate::screen::{SMALL, frame};
use crate::view::View;
use crate::view::tests::{heard, snapshot, verdict};

/// A panel says how large its frames are; shows one whole, then what differs in the next, pixel for pixel; shows the same after it was set up
/// anew; and nothing when it is blanked. Shown nothing new, it shows the same.
fn panel_keeps_the_contract(panel: &mut dyn Panel, seen: impl Fn() -> Option<Vec<u8>>) {
    let size = panel.size();
    assert_eq!(size, SMALL);
    let drawn = |states: Vec<LaneState>| frame(&View::of(&heard(snapshot(states)), Tick::from_micros(1_000_000)), size);
    let first = drawn(vec![verdict(VerdictCode::Ok), LaneState::Empty]);
    panel.show(&first, &changed(None, &first)).unwrap();
    assert_eq!(seen(), Some(first.rgb()));
    let second = drawn(vec![LaneState::Empty, verdict(VerdictCode::StuckJoining)]);
    let areas = changed(Some(&first), &second);
    assert!(!areas.is_empty());
    panel.show(&second, &areas).unwrap();
    assert_eq!(seen(), Some(second.rgb()));
    panel.show(&second, &[]).unwrap();
    panel.renew().unwrap();
    panel.show(&second, &[Rectangle::new(Point::zero(), size)]).unwrap();
    assert_eq!(seen(), Some(second.rgb()));
    panel.blank().unwrap();
    assert!(seen().is_none_or(|pixels| pixels == Frame::new(size).rgb()), "blank");
}

#[test]
fn a_png_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("screen.png");
    let mut panel = PngPanel::new(&PngFile {
        file: file.clone(),
        size: (SMALL.width, SMALL.height),
    });
    panel_keeps_the_contract(&mut panel, || {
        let file = std::fs::File::open(&file).ok()?;
        let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(info.buffer_size());
        Some(pixels)
    });
}

#[test]
fn both_controllers_keep_the_contract() {
    assert!(
        CHIPS.iter().any(|(chip, ..)| *chip == Chip::Ili9341) && CHIPS.iter().any(|(chip, ..)| *chip == Chip::St7789)
    );
    for (chip, colours, inverted) in CHIPS {
        let peek = Peek::new(0xF81F);
        let mut panel = started(&peek, &wired(Rotation::Right, colours, inverted), chip).unwrap();
        panel_keeps_the_contract(&mut panel, || Some(peek.seen(Rotation::Right).rgb()));
    }
}

#[test]
fn a_framebuffer_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fb0");
    let geometry = Geometry {
        size: SMALL,
        stride: 4 * SMALL.width as usize + 24,
        depth: Depth::ThirtyTwo,
    };
    let stride = geometry.stride;
    std::fs::write(&path, vec![0xAA; stride * SMALL.height as usize]).unwrap();
    let mut panel = FramebufferPanel::with(&path, geometry).unwrap();
    panel_keeps_the_contract(&mut panel, || {
        let bytes = std::fs::read(&path).unwrap();
        let rows = bytes
            .chunks(stride)
            .flat_map(|row| row[..4 * SMALL.width as usize].chunks(4));
        Some(rows.flat_map(|at| [at[2], at[1], at[0]]).collect())
    });
}

#[test]
fn a_display_of_the_kernels_mode_setting_keeps_the_contract() {
    let card = Shared::new(Size::new(SMALL.width, SMALL.height));
    let mut panel = DrmPanel::lit("card".to_owned(), card.clone(), SMALL).unwrap();
    panel_keeps_the_contract(&mut panel, || Some(card.seen(SMALL).concat()));
}
