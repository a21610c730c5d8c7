//! Masked renditions: nothing of what is inside is left but its mean, and what is outside is as it was.

use jpeg_encoder::ColorType;
use proptest::prelude::*;
use suishoupai_core::flow::masking::Area;

use super::super::mask::blot;
use super::super::{Limits, inspect, render, render_masked};
use super::make::*;
use super::rendering::decoded;

/// The middle ninth of a picture.
const MIDDLE: Area = Area { left: 333_333, top: 333_333, width: 333_334, height: 333_334 };

/// A lossless picture whose middle is given pixel by pixel; around it the scene.
fn around(side: u32, middle: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut pixels = scene(side, side);
    let (left, right, top, bottom) = MIDDLE.pixels(side, side);
    for y in top..bottom {
        for x in left..right {
            let at = ((y * side + x) * 3) as usize;
            pixels[at..at + 3].copy_from_slice(&middle(x, y));
        }
    }
    png_with(side, side, &pixels, |_| ())
}

fn masked(bytes: &[u8], areas: &[Area]) -> super::Renditions {
    let limits = Limits::default();
    render_masked(bytes, &inspect(bytes, &limits).unwrap(), &limits, areas).unwrap()
}

#[test]
fn pictures_that_differ_only_inside_have_the_same_renditions() {
    // Stripes, a chequer of the same mean, and a flat field: a plate, a face, a wall.
    let plate = around(240, |x, _| if x % 2 == 0 { [255; 3] } else { [1; 3] });
    let face = around(240, |x, y| if (x + y) % 2 == 0 { [1; 3] } else { [255; 3] });
    let wall = around(240, |_, _| [128; 3]);
    let [plate, face, wall] = [plate, face, wall].map(|bytes| masked(&bytes, &[MIDDLE]));
    assert!(plate.display == face.display && plate.thumbnail == face.thumbnail);
    assert!(plate.display == wall.display && plate.thumbnail == wall.thumbnail, "nothing but the mean");
}

#[test]
fn what_is_inside_is_one_colour_and_what_is_outside_is_as_without_a_mask() {
    let bytes = around(480, |x, y| [(x * 7 % 256) as u8, (y * 5 % 256) as u8, ((x * y) % 256) as u8]);
    let limits = Limits::default();
    let plain = render(&bytes, &inspect(&bytes, &limits).unwrap(), &limits).unwrap();
    let made = masked(&bytes, &[MIDDLE]);
    assert_eq!((made.display_size, made.thumbnail_size), (plain.display_size, plain.thumbnail_size));
    let (before, after) = (decoded(&plain.display), decoded(&made.display));
    let (left, right, top, bottom) = MIDDLE.pixels(480, 480);
    let at = |x: u32, y: u32| ((y * 480 + x) * 3) as usize;
    // Blocks of the coding that lie wholly inside are flat, those wholly outside untouched; 16 pixels share colour.
    let colour = &after[at(240, 240)..at(240, 240) + 3];
    for y in 0..480 {
        for x in 0..480 {
            let seen = &after[at(x, y)..at(x, y) + 3];
            let inside = |near: u32| {
                (left + near..right - near).contains(&x) && (top + near..bottom - near).contains(&y)
            };
            let outside = x + 32 < left || x > right + 32 || y + 32 < top || y > bottom + 32;
            if inside(32) {
                assert_eq!(seen, colour, "{x} {y}");
            } else if outside {
                assert_eq!(seen, &before[at(x, y)..at(x, y) + 3], "{x} {y}");
            }
        }
    }
    assert_ne!(&before[at(240, 240)..at(240, 240) + 3], colour);
}

#[test]
fn a_mask_is_laid_on_the_picture_as_it_is_shown() {
    // The top left quarter of the upright scene is red, wherever the camera stored it.
    let quarter = Area::new(0, 0, 500_000, 500_000).unwrap();
    let hidden = [0; 3];
    for value in [1, 3, 6, 8] {
        let mut corners = stored_quadrants(value);
        for corner in &mut corners {
            if *corner == RED {
                *corner = hidden;
            }
        }
        let made = [stored_quadrants(value), corners].map(|colours| {
            let stored = jpeg_as(&quadrants(96, 64, colours), 96, 64, ColorType::Rgb);
            masked(&jpeg_with_exif(&stored, &orientation(value)), &[quarter])
        });
        let (width, height) = made[0].display_size;
        let pixels = made.map(|one| decoded(&one.display));
        // Flat in both, though of another mean; the other quarters are the same.
        let at = |x: u32, y: u32| ((y * width + x) * 3) as usize;
        let flat = |pixels: &[u8]| pixels[at(4, 4)..at(4, 4) + 3].to_vec();
        for pixels in &pixels {
            assert_eq!(&pixels[at(width / 4, height / 4)..at(width / 4, height / 4) + 3], flat(pixels));
        }
        assert_ne!(flat(&pixels[0]), flat(&pixels[1]), "orientation {value}");
    }
}

proptest! {
    #[test]
    fn only_pixels_of_the_areas_change_and_only_to_a_mean(
        data in proptest::collection::vec(any::<u8>(), 24 * 18 * 3),
        (left, top) in (0u32..999_999, 0u32..999_999),
        (width, height) in (1u32..=1_000_000, 1u32..=1_000_000),
        swap in (0usize..4096, 0usize..4096),
    ) {
        let area = Area::new(left, top, width.min(1_000_000 - left), height.min(1_000_000 - top)).unwrap();
        let (from, to, above, below) = area.pixels(24, 18);
        prop_assert!(from < to && to <= 24 && above < below && below <= 18);
        let is_in = |pixel: usize| {
            let (x, y) = ((pixel % 24) as u32, (pixel / 24) as u32);
            (from..to).contains(&x) && (above..below).contains(&y)
        };
        let mut made = data.clone();
        blot(&mut made, (24, 18), 3, &[area]);
        let inside: Vec<usize> = (0..24 * 18).filter(|pixel| is_in(*pixel)).collect();
        let colour = made[inside[0] * 3..inside[0] * 3 + 3].to_vec();
        for pixel in 0..24 * 18 {
            let now = &made[pixel * 3..pixel * 3 + 3];
            let expected = if is_in(pixel) { &colour[..] } else { &data[pixel * 3..pixel * 3 + 3] };
            prop_assert_eq!(now, expected);
        }
        // Two pixels inside exchanged: the outcome does not tell.
        let mut other = data.clone();
        let (a, b) = (inside[swap.0 % inside.len()], inside[swap.1 % inside.len()]);
        for channel in 0..3 {
            other.swap(a * 3 + channel, b * 3 + channel);
        }
        blot(&mut other, (24, 18), 3, &[area]);
        prop_assert_eq!(other, made);
    }
}
