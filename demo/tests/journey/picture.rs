//! The local screen as a file, and what can be told from its pixels.

use core::time::Duration;
use std::path::Path;

use fixture_ledger::Reports;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The picture that the screen last wrote.
pub struct Picture {
    width: usize,
    rgb: Vec<[u8; 3]>,
}

impl Picture {
    /// Reads the file; it is replaced whole, never half written.
    pub fn read(file: &Path) -> Option<Self> {
        let file = std::io::BufReader::new(std::fs::File::open(file).ok()?);
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(
            (info.width, info.height, info.color_type),
            (320, 240, png::ColorType::Rgb)
        );
        Some(Self {
            width: info.width as usize,
            rgb: bytes[..info.buffer_size()]
                .chunks(3)
                .map(|pixel| [pixel[0], pixel[1], pixel[2]])
                .collect(),
        })
    }

    /// Waits until the picture is so.
    pub async fn until(file: &Path, is_so: impl Fn(&Self) -> bool) -> Self {
        loop {
            if let Some(picture) = Self::read(file).filter(|picture| is_so(picture)) {
                return picture;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn row(&self, y: usize) -> &[[u8; 3]] {
        &self.rgb[y * self.width..(y + 1) * self.width]
    }

    /// Whether it is between the two striped edges that only a silent daemon's screen has: stretches of 14 pixels, black and white in turns.
    pub fn says_stopped(&self) -> bool {
        let striped = |y: usize| {
            let stretches: Vec<_> = self.row(y).chunk_by(|one, other| one == other).collect();
            let inner = &stretches[1..stretches.len().saturating_sub(1).max(1)];
            inner.len() > 10 && inner.iter().all(|stretch| stretch.len() == 14)
        };
        striped(27) && striped(233)
    }

    /// Whether the green of a PASS is on it, which no other screen has.
    pub fn has_pass(&self) -> bool {
        self.rgb
            .iter()
            .filter(|[red, green, blue]| *green > 90 && *red < 20 && *blue < 80)
            .count()
            > 1000
    }
}

/// Whether the ledger has it that a run's unit was lifted.
pub async fn lifted(ledger: &Path, run: &str) -> bool {
    let reports = Reports::open(ledger).await.unwrap();
    reports
        .run(run.parse().unwrap())
        .await
        .unwrap()
        .unwrap()
        .lifted
        .is_some()
}
