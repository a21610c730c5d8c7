//! Masked renditions: nothing of what is inside is left but its mean, and what is outside is as it was.

use jpeg_encoder::ColorType;
use proptest::prelude::*;
use suishoupai_core::flow::masking::Area;

use super::super::decode::{Raster, Stop, decode};
use super::super::mask::blot;
use super::super::raster::{Plane, Planes};
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

/// A photo of a road sign, or of whatever `sign` draws, inside of the middle ninth and not at its edges, which a filter
/// takes into what is beside.
fn photo((width, height): (u32, u32), sampling: jpeg_encoder::SamplingFactor, sign: Sign) -> Vec<u8> {
    let mut pixels = scene(width, height);
    let (left, right, top, bottom) = MIDDLE.pixels(width, height);
    for y in top + 16..bottom - 16 {
        for x in left + 16..right - 16 {
            let at = ((y * width + x) * 3) as usize;
            pixels[at..at + 3].copy_from_slice(&sign(x, y));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(sampling);
    encoder.encode(&pixels, width as u16, height as u16, ColorType::Rgb).unwrap();
    bytes
}

type Sign = fn(u32, u32) -> [u8; 3];

#[test]
fn nothing_of_a_masked_photo_can_be_read_though_it_never_becomes_rgb() {
    use jpeg_encoder::SamplingFactor::{F_1_1, F_2_1, F_2_2};
    // Of the same mean brightness and colour, up to what the coding of the photo itself loses.
    let signs: [Sign; 3] = [
        |x, _| if x / 16 % 2 == 0 { [235; 3] } else { [33; 3] },
        |x, y| if (x / 16 + y / 16) % 2 == 0 { [33; 3] } else { [235; 3] },
        |x, _| if x / 16 % 2 == 1 { [255, 100, 20] } else { [13, 168, 248] },
    ];
    // Whole; with colours that have to be made fewer; as the transform halves it; halved and made smaller.
    for (size, sampling, turns) in [
        ((480, 240), F_2_2, &[1, 3, 6][..]),
        ((481, 241), F_2_2, &[1, 3, 6]),
        ((480, 240), F_1_1, &[1]),
        ((480, 240), F_2_1, &[8]),
        ((3900, 240), F_2_2, &[6]),
        ((6200, 288), F_2_2, &[3]),
        ((2300, 240), F_1_1, &[1]),
    ] {
        for &turned in turns {
            let shown = signs.map(|sign| {
                let bytes = jpeg_with_exif(&photo(size, sampling, sign), &orientation(turned));
                let inspected = inspect(&bytes, &Limits::default()).unwrap();
                let raster = decode(&bytes, &inspected, &Limits::default(), &Stop::default()).unwrap().raster;
                assert!(matches!(raster, Raster::Planes(_)), "{size:?}");
                let plain = render(&bytes, &inspected, &Limits::default()).unwrap();
                (masked(&bytes, &[MIDDLE]), plain)
            });
            let what = format!("{size:?} {sampling:?} {turned}");
            for (made, plain) in &shown {
                let [before, after] = [&plain.display, &made.display].map(|display| decoded(display));
                let (mean, spread) = middle(&after, made.display_size);
                assert!(spread <= 3, "{what}: {spread} around {mean:?}");
                assert!(middle(&before, plain.display_size).1 > 60, "{what}: the sign was there before");
                // Where it is not so small that blocks of its coding reach across the area's sides.
                let (small, (width, height)) = (decoded(&made.thumbnail), made.thumbnail_size);
                if width.min(height) >= 150 {
                    assert!(middle(&small, (width, height)).1 <= 6, "{what}: the thumbnail");
                }
                assert_eq!(made.display_size, plain.display_size);
                assert_eq!(
                    made.thumbnail_luma, plain.thumbnail_luma,
                    "near pictures are found by what was sent"
                );
            }
            // Whoever knows which signs there may be does not find out either.
            let [(first, _), rest @ ..] = &shown;
            for (other, _) in rest {
                assert!(first.display == other.display, "{what}");
                assert!(first.thumbnail == other.thumbnail, "{what}");
            }
        }
    }
}

/// The first pixel of the inner part of the masked area, and how far another one in it is from that, in any channel.
fn middle(pixels: &[u8], (width, height): (u32, u32)) -> ([u8; 3], u8) {
    let (left, right, top, bottom) = MIDDLE.pixels(width, height);
    let (across, down) = ((right - left) / 4, (bottom - top) / 4);
    let at = |x: u32, y: u32| &pixels[((y * width + x) * 3) as usize..][..3];
    let first: [u8; 3] = at(left + across, top + down).try_into().unwrap();
    let mut spread = 0;
    for y in top + down..bottom - down {
        for x in left + across..right - across {
            let differences = at(x, y).iter().zip(first).map(|(a, b)| a.abs_diff(b));
            spread = spread.max(differences.max().unwrap_or(0));
        }
    }
    (first, spread)
}

/// Planes of any samples, each with its rows apart.
fn planes(data: &[Vec<u8>; 3], (width, height): (usize, usize), padding: usize) -> Planes {
    let plane = |data: &Vec<u8>, width: usize, height: usize| Plane {
        width,
        height,
        stride: width + padding,
        data: data[..(width + padding) * height].to_vec(),
    };
    let [luma, blue, red] = data;
    let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
    let chroma = [plane(blue, columns, rows), plane(red, columns, rows)];
    Planes::new(plane(luma, width, height), Some(chroma), (2, 2)).unwrap()
}

proptest! {
    #[test]
    fn only_samples_of_the_areas_change_and_only_to_a_mean(
        data in proptest::array::uniform3(proptest::collection::vec(any::<u8>(), 28 * 19)),
        (columns, rows, padding) in (1usize..=24, 1usize..=19, 0usize..=4),
        (left, top) in (0u32..999_999, 0u32..999_999),
        (width, height) in (1u32..=1_000_000, 1u32..=1_000_000),
        swap in (0usize..4096, 0usize..4096),
    ) {
        let area = Area::new(left, top, width.min(1_000_000 - left), height.min(1_000_000 - top)).unwrap();
        let size = (columns, rows);
        let (from, to, above, below) = area.pixels(columns as u32, rows as u32);
        prop_assert!(from < to && to as usize <= columns && above < below && below as usize <= rows);
        let (from, to, above, below) = (from as usize, to as usize, above as usize, below as usize);
        let before = planes(&data, size, padding);
        let mut made = planes(&data, size, padding);
        blot(&mut made, &[area]);
        let all = |planes: &Planes| -> Vec<(usize, usize, usize, Vec<u8>)> {
            let chroma = planes.chroma.iter().flatten();
            let each = std::iter::once(&planes.luma).chain(chroma);
            each.map(|plane| (plane.width, plane.height, plane.stride, plane.data.clone())).collect()
        };
        let mut swapped = Vec::new();
        for (n, (now, was)) in all(&made).into_iter().zip(all(&before)).enumerate() {
            let (width, height, stride, now) = now;
            let is_in = |x: usize, y: usize| match n {
                0 => (from..to).contains(&x) && (above..below).contains(&y),
                // Every sample of colour that a hidden pixel has a part in, wherever mirroring put the odd one.
                _ => (from / 2..=to / 2).contains(&x) && (above / 2..=below / 2).contains(&y),
            };
            let places = (0..height).flat_map(|y| (0..stride).map(move |x| (x, y)));
            let inside: Vec<usize> =
                places.clone().filter(|&(x, y)| x < width && is_in(x, y)).map(|(x, y)| y * stride + x).collect();
            for (x, y) in places.filter(|(x, y)| y * stride + x < now.len()) {
                let at = y * stride + x;
                let expected = if inside.contains(&at) { now[inside[0]] } else { was.3[at] };
                prop_assert_eq!(now[at], expected, "plane {} {} {}", n, x, y);
            }
            // Two samples inside exchanged: the outcome does not tell.
            let mut other = was.3;
            other.swap(inside[swap.0 % inside.len()], inside[swap.1 % inside.len()]);
            swapped.push(other);
        }
        let swapped: [Vec<u8>; 3] = swapped.try_into().unwrap();
        let mut other = planes(&swapped, size, padding);
        blot(&mut other, &[area]);
        prop_assert_eq!(all(&other), all(&made));
    }
}
