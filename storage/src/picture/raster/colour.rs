//! RGB to planes and back (ITU-R BT.601 in full levels, as ITU-T T.871 has it), and wide-gamut colours to sRGB.

use std::panic::catch_unwind;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::super::error::PictureError;
use super::pixels::{Pixels, buffer};
use super::planes::{Plane, Planes};

/// Most colorants of sRGB in profiles differ by less than this from each other, and by more from any wide gamut's.
const SAME_COLORANT: f64 = 0.004;

/// The picture with its colours in sRGB, as the profile says that they are something else. A profile that is broken,
/// of another kind of colours, or of sRGB itself, changes nothing.
pub(in super::super) fn to_srgb(planes: Planes, profile: &[u8]) -> Result<Planes, PictureError> {
    if planes.chroma.is_none() {
        return Ok(planes);
    }
    // The reader of profiles is other people's code as well.
    let Ok(Some(convert)) = catch_unwind(|| conversion(profile)) else { return Ok(planes) };
    let pixels = to_rgb(&planes)?;
    let mut data = buffer(pixels.data.len())?;
    match convert.transform(&pixels.data, &mut data) {
        Ok(()) => from_rgb(&Pixels { data, ..pixels }),
        Err(_) => Ok(planes),
    }
}

type Conversion = std::sync::Arc<moxcms::Transform8BitExecutor>;

fn conversion(profile: &[u8]) -> Option<Conversion> {
    let from = ColorProfile::new_from_slice(profile).ok()?;
    let to = ColorProfile::new_srgb();
    if from.color_space != DataColorSpace::Rgb || is_srgb(&from, &to) {
        return None;
    }
    from.create_transform_8bit(Layout::Rgb, &to, Layout::Rgb, TransformOptions::default()).ok()
}

/// Whether the profile is one of primaries that are those of sRGB. Its curve is then nearly that of sRGB too.
fn is_srgb(profile: &ColorProfile, srgb: &ColorProfile) -> bool {
    let pairs = [
        (profile.red_colorant, srgb.red_colorant),
        (profile.green_colorant, srgb.green_colorant),
        (profile.blue_colorant, srgb.blue_colorant),
    ];
    let near = |a: f64, b: f64| (a - b).abs() < SAME_COLORANT;
    profile.lut_a_to_b_perceptual.is_none()
        && pairs.iter().all(|(a, b)| near(a.x, b.x) && near(a.y, b.y) && near(a.z, b.z))
}

/// RGB of every pixel; each colour sample serves the pixels that it covers.
fn to_rgb(planes: &Planes) -> Result<Pixels, PictureError> {
    let (width, height) = planes.size();
    let mut data = buffer(width * height * 3)?;
    let Some([blue, red]) = &planes.chroma else {
        return Err(PictureError::Damaged { what: "it has no colours" });
    };
    for (y, line) in data.as_chunks_mut::<3>().0.chunks_exact_mut(width).enumerate() {
        let (blue, red) = (blue.row(y / 2), red.row(y / 2));
        let halves = blue.iter().zip(red).flat_map(|colours| [colours, colours]);
        for ((pixel, &luma), (&blue, &red)) in line.iter_mut().zip(planes.luma.row(y)).zip(halves) {
            *pixel = rgb(luma, blue, red);
        }
    }
    Ok(Pixels { width: width as u32, height: height as u32, channels: 3, data })
}

/// T.871, clause 7, in 16 bits of fraction.
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) =
        ((i32::from(luma) << 16) + (1 << 15), i32::from(blue) - 128, i32::from(red) - 128);
    let clamp = |value: i32| (value >> 16).clamp(0, 255) as u8;
    [clamp(luma + 91_881 * red), clamp(luma - 22_554 * blue - 46_802 * red), clamp(luma + 116_130 * blue)]
}

/// Planes of grey or RGB pixels, with one sample of each colour for four pixels.
pub(in super::super) fn from_rgb(pixels: &Pixels) -> Result<Planes, PictureError> {
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let failed = PictureError::Damaged { what: "its pixels are not complete" };
    if pixels.channels == 1 {
        let luma = Plane { width, height, stride: width, data: pixels.data.clone() };
        return Planes::new(luma, None, (1, 1)).ok_or(failed);
    }
    let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
    let (lines, _) = pixels.data.as_chunks::<3>();
    let mut luma = buffer(width * height)?;
    let (mut blue, mut red) = (buffer(columns * rows)?, buffer(columns * rows)?);
    let targets = blue.chunks_exact_mut(columns).zip(red.chunks_exact_mut(columns));
    // Two rows at a time, for both of brightness and colours, while they are at hand.
    for ((pair, bright), (blue, red)) in lines.chunks(2 * width).zip(luma.chunks_mut(2 * width)).zip(targets)
    {
        for (to, pixel) in bright.iter_mut().zip(pair) {
            *to = brightness(pixel);
        }
        // An odd last row, or column, stands for its missing partner too.
        let (upper, lower) = pair.split_at(width.min(pair.len()));
        let lower = if lower.is_empty() { upper } else { lower };
        let (whole_upper, rest_upper) = upper.as_chunks::<2>();
        let (whole_lower, rest_lower) = lower.as_chunks::<2>();
        let mut colours_to = blue.iter_mut().zip(red);
        for (([a, b], [c, d]), (blue, red)) in whole_upper.iter().zip(whole_lower).zip(&mut colours_to) {
            (*blue, *red) = colours([a, b, c, d]);
        }
        if let ([a], [c], Some((blue, red))) = (rest_upper, rest_lower, colours_to.next()) {
            (*blue, *red) = colours([a, a, c, c]);
        }
    }
    let plane = |data| Plane { width: columns, height: rows, stride: columns, data };
    let luma = Plane { width, height, stride: width, data: luma };
    Planes::new(luma, Some([plane(blue), plane(red)]), (2, 2)).ok_or(failed)
}

fn brightness(&[r, g, b]: &[u8; 3]) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 32_768) >> 16) as u8
}

/// The colour differences of a square of pixels.
fn colours(square: [&[u8; 3]; 4]) -> (u8, u8) {
    let sum = |channel: usize| square.iter().map(|pixel| i32::from(pixel[channel])).sum::<i32>();
    let (r, g, b) = (sum(0), sum(1), sum(2));
    // Four pixels were summed, hence two more bits of fraction.
    let half = (128 << 18) + (1 << 17) - 1;
    let scale = |value: i32| ((value + half) >> 18).clamp(0, 255) as u8;
    (scale(-11_059 * r - 21_709 * g + 32_768 * b), scale(32_768 * r - 27_439 * g - 5_329 * b))
}
