//! The tray beside each picture: what the app gives a panel, read over D-Bus.
//!
//! Deliberately absent: a drawing of a panel. The private desktop has none, so there is no picture
//! of one.

use std::fs::File;
use std::path::Path;

use harness::desktop::Tray;

use crate::report::TrayScene;

/// Reads the icon and the menu, which has an entry with this text, and writes the icon to `name` in
/// the folder.
pub(crate) async fn read(tray: &Tray, entry: &str, folder: &Path, name: &str) -> TrayScene {
    let shown = tray.shown_with(entry).await;
    let largest = shown.pixels.iter().max_by_key(|(width, ..)| *width).expect("an icon");
    write_icon(largest, &folder.join(name));
    TrayScene { icon: name.to_owned(), tooltip: shown.tooltip, entries: shown.entries }
}

/// The bus has ARGB in network byte order, PNG has RGBA.
fn write_icon((width, height, argb): &(i32, i32, Vec<u8>), file: &Path) {
    let [width, height] = [*width, *height].map(|side| u32::try_from(side).expect("a size"));
    let rgba: Vec<u8> = argb.chunks_exact(4).flat_map(|pixel| [pixel[1], pixel[2], pixel[3], pixel[0]]).collect();
    let mut encoder = png::Encoder::new(File::create(file).expect("the icon's file"), width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&rgba)).expect("an icon written");
}
