//! A picture that stands for a video of which no frame could be decoded: it says that it is one, and how long.

use jpeg_encoder::{ColorType, Encoder};

use super::Video;
use crate::picture::{Luma, PictureError, Renditions, THUMBNAIL_SIDE};

/// Longest side of the larger picture, in pixels.
const SIDE: u32 = 960;
const QUALITY: u8 = 80;
const GROUND: u8 = 48;
const DISC: u8 = 96;
const INK: u8 = 235;

/// The two pictures for a video, in its shape as it stands upright.
///
/// # Errors
/// Where they cannot be encoded.
pub fn placeholder(video: &Video) -> Result<Renditions, PictureError> {
    let turned = matches!(video.orientation, 6 | 8);
    let (width, height) = if turned { (video.height, video.width) } else { (video.width, video.height) };
    let sized = |side: u32| {
        let longer = u64::from(width.max(height).max(1));
        let scaled =
            |length: u32| (u64::from(length) * u64::from(side) / longer).clamp(32, u64::from(side)) as u32;
        (scaled(width), scaled(height))
    };
    let (display_size, thumbnail_size) = (sized(SIDE), sized(THUMBNAIL_SIDE));
    let seconds = video.millis / 1000;
    let words = format!("VIDEO {}:{:02}", seconds / 60, seconds % 60);
    let small = draw(thumbnail_size.0, thumbnail_size.1, &words);
    Ok(Renditions {
        display: encode(display_size, &draw(display_size.0, display_size.1, &words))?,
        display_size,
        thumbnail: encode(thumbnail_size, &small)?,
        thumbnail_size,
        // It says nothing of the video, so there is nothing to be found by.
        thumbnail_luma: Luma { width: 0, height: 0, data: Vec::new() },
        damaged: false,
    })
}

fn encode((width, height): (u32, u32), pixels: &[u8]) -> Result<Vec<u8>, PictureError> {
    let failed = PictureError::Damaged { what: "the picture could not be encoded" };
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else { return Err(failed) };
    let mut out = Vec::new();
    let encoder = Encoder::new(&mut out, QUALITY);
    encoder.encode(pixels, width, height, ColorType::Luma).map_err(|_| failed)?;
    Ok(out)
}

/// A disc with a triangle that points to the right, and words below it.
fn draw(width: u32, height: u32, words: &str) -> Vec<u8> {
    let [width, height] = [width, height].map(i64::from);
    let (middle, centre) = (width / 2, height * 2 / 5);
    let radius = width.min(height) / 5;
    // Letters are 5 × 7 dots with one between them.
    let letters = words.chars().count() as i64;
    let dot = (width * 2 / 3 / (letters * 6)).clamp(1, (height / 40).max(1));
    let (left, above) = (middle - letters * 6 * dot / 2, centre + radius + 2 * dot);
    let mut pixels = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x - middle, y - centre);
            let in_triangle = dx > -radius / 3 && dx < radius / 2 && dy.abs() * 10 < (radius / 2 - dx) * 7;
            let (column, row) = ((x - left).div_euclid(dot), (y - above).div_euclid(dot));
            pixels.push(if in_triangle || is_inked(words, column, row) {
                INK
            } else if dx * dx + dy * dy < radius * radius {
                DISC
            } else {
                GROUND
            });
        }
    }
    pixels
}

/// Whether a dot of the words is set.
fn is_inked(words: &str, column: i64, row: i64) -> bool {
    let (Ok(column), Ok(row)) = (usize::try_from(column), usize::try_from(row)) else { return false };
    let letter = words.as_bytes().get(column / 6).copied().unwrap_or(b' ');
    let line = glyph(letter).get(row).copied().unwrap_or_default();
    column % 6 < 5 && line >> (4 - column % 6) & 1 == 1
}

const fn glyph(letter: u8) -> [u8; 7] {
    match letter {
        b'V' => [17, 17, 17, 17, 17, 10, 4],
        b'I' => [14, 4, 4, 4, 4, 4, 14],
        b'D' => [30, 17, 17, 17, 17, 17, 30],
        b'E' => [31, 16, 16, 30, 16, 16, 31],
        b'O' | b'0' => [14, 17, 17, 17, 17, 17, 14],
        b'1' => [4, 12, 4, 4, 4, 4, 14],
        b'2' => [14, 17, 1, 2, 4, 8, 31],
        b'3' => [30, 1, 1, 14, 1, 1, 30],
        b'4' => [2, 6, 10, 18, 31, 2, 2],
        b'5' => [31, 16, 30, 1, 1, 17, 14],
        b'6' => [14, 16, 16, 30, 17, 17, 14],
        b'7' => [31, 1, 2, 4, 8, 8, 8],
        b'8' => [14, 17, 17, 14, 17, 17, 14],
        b'9' => [14, 17, 17, 15, 1, 1, 14],
        b':' => [0, 4, 4, 0, 4, 4, 0],
        _ => [0; 7],
    }
}
