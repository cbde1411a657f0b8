//! Where the window was and how large, kept in the data folder.
//!
//! Pure but for reading and writing the file. Sizes are in the desktop's points, positions in
//! pixels, as the window library has them. Invariant: a window is never put where no screen shows
//! enough of it to take hold of.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Name of the file in the data folder.
const FILE: &str = "window.json";
/// So much of the window's top has to be on a screen, in pixels: enough to drag it by.
const GRIP: (i64, i64) = (120, 40);
/// Smallest and largest size taken, in points.
const SIZES: (f64, f64) = (200.0, 16_000.0);

/// How the window was left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placement {
    /// Left edge, in pixels.
    pub(crate) x: i32,
    /// Top edge, in pixels.
    pub(crate) y: i32,
    /// Width within the frame, in points.
    pub(crate) width: f64,
    /// Height within the frame, in points.
    pub(crate) height: f64,
    /// Whether it filled its screen.
    pub(crate) is_maximized: bool,
}

/// A screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Placement {
    /// What was kept; `None` when nothing was, or nothing that makes sense.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        let placement: Self = serde_json::from_slice(&fs::read(data_dir.join(FILE)).ok()?).ok()?;
        let is_size = |size: f64| (SIZES.0..=SIZES.1).contains(&size);
        (is_size(placement.width) && is_size(placement.height)).then_some(placement)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<()> {
        let beside = data_dir.join("window.json.new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::rename(beside, data_dir.join(FILE))
    }

    /// Whether enough of the window's top would be on one of these screens.
    pub(crate) fn is_in_reach(&self, screens: &[Screen]) -> bool {
        let overlap = |from: i64, to: i64, start: i32, length: u32| {
            to.min(i64::from(start) + i64::from(length)) - from.max(i64::from(start))
        };
        screens.iter().any(|screen| {
            let (x, y) = (i64::from(self.x), i64::from(self.y));
            // The width in points is a lower bound of that in pixels.
            overlap(x, x + self.width as i64, screen.x, screen.width) >= GRIP.0
                && overlap(y, y + GRIP.1, screen.y, screen.height) >= GRIP.1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Screen = Screen { x: 0, y: 0, width: 1920, height: 1080 };
    const RIGHT: Screen = Screen { x: 1920, y: 0, width: 1280, height: 1024 };

    fn at(x: i32, y: i32) -> Placement {
        Placement { x, y, width: 1000.0, height: 680.0, is_maximized: false }
    }

    #[test]
    fn a_window_on_a_screen_that_is_gone_is_out_of_reach() {
        assert!(at(2000, 100).is_in_reach(&[LEFT, RIGHT]));
        assert!(!at(2000, 100).is_in_reach(&[LEFT]));
        assert!(!at(0, 0).is_in_reach(&[]));
    }

    #[test]
    fn enough_of_the_top_has_to_show() {
        assert!(at(-800, 0).is_in_reach(&[LEFT]), "200 pixels at the left edge");
        assert!(!at(-900, 0).is_in_reach(&[LEFT]));
        assert!(!at(1850, 0).is_in_reach(&[LEFT]));
        assert!(!at(100, -30).is_in_reach(&[LEFT]), "its title is above the screen");
        assert!(!at(100, 1060).is_in_reach(&[LEFT]));
        assert!(!at(i32::MAX, i32::MIN).is_in_reach(&[LEFT, RIGHT]));
    }

    #[test]
    fn what_was_kept_comes_back_and_nonsense_does_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Placement::read(folder.path()), None);
        at(10, 20).write(folder.path()).unwrap();
        assert_eq!(Placement::read(folder.path()), Some(at(10, 20)));
        for nonsense in ["", "{}", r#"{"x":1,"y":2,"width":1e300,"height":5,"is_maximized":false}"#] {
            fs::write(folder.path().join(FILE), nonsense).unwrap();
            assert_eq!(Placement::read(folder.path()), None, "{nonsense}");
        }
    }
}
