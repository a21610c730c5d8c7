//! The perceptual hash: what is near stays near, what is not is far.

use proptest::prelude::*;
use suishoupai_core::likeness::NEAR;

use super::make::jpeg_as;
use super::process;
use crate::picture::{Luma, perceptual_hash};

/// A scene of overlapping discs over a slope of light, the same for the same seed at every size.
fn scene(seed: u64, width: u32, height: u32, light: f64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let slope = (next() * 120.0 - 60.0, next() * 120.0 - 60.0);
    let discs: Vec<[f64; 4]> =
        (0..24).map(|_| [next(), next(), 0.04 + 0.22 * next(), 40.0 + 180.0 * next()]).collect();
    let at = |x: u32, y: u32| {
        let (x, y) = ((f64::from(x) + 0.5) / f64::from(width), (f64::from(y) + 0.5) / f64::from(height));
        let on = discs.iter().rev().find(|[cx, cy, r, _]| (x - cx).hypot((y - cy) * 0.75) < *r);
        on.map_or(110.0 + slope.0 * (x - 0.5) + slope.1 * (y - 0.5), |[.., grey]| *grey)
    };
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    points
        .flat_map(|(x, y)| {
            let grey = (at(x, y) * light).clamp(0.0, 255.0);
            [grey as u8, (grey * 0.92) as u8, (grey * 0.8) as u8]
        })
        .collect()
}

fn hash_of(jpeg: &[u8]) -> Option<u64> {
    perceptual_hash(&process(jpeg).unwrap().1.thumbnail_luma)
}

fn jpeg_of(seed: u64, (width, height): (u32, u32), light: f64, quality: u8) -> Vec<u8> {
    let pixels = scene(seed, width, height, light);
    let mut out = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut out, quality);
    encoder.encode(&pixels, width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    out
}

#[test]
fn a_copy_stays_near() {
    for seed in 0..6 {
        let original = hash_of(&jpeg_of(seed, (400, 300), 1.0, 92)).unwrap();
        for (what, copy) in [
            ("encoded again", jpeg_of(seed, (400, 300), 1.0, 45)),
            ("made smaller", jpeg_of(seed, (240, 180), 1.0, 85)),
            ("darker", jpeg_of(seed, (400, 300), 0.75, 85)),
            ("brighter", jpeg_of(seed, (400, 300), 1.15, 85)),
            ("all of it", jpeg_of(seed, (320, 240), 0.85, 60)),
        ] {
            let bits = (hash_of(&copy).unwrap() ^ original).count_ones();
            assert!(bits <= NEAR, "{seed} {what}: {bits} bits");
        }
    }
}

#[test]
fn another_scene_is_far() {
    let hashes: Vec<u64> = (0..30).map(|seed| hash_of(&jpeg_of(seed, (96, 72), 1.0, 85)).unwrap()).collect();
    for (index, one) in hashes.iter().enumerate() {
        for other in &hashes[..index] {
            assert!((one ^ other).count_ones() > NEAR, "{one:x} {other:x}");
        }
    }
}

proptest! {
    /// Whatever the size and whatever is in it, there is an answer, and the same one again.
    #[test]
    fn every_picture_is_answered(width in 0_u32..70, height in 0_u32..70, seed in any::<u8>()) {
        let data = (0..width * height).map(|at| (at as u8).wrapping_mul(seed)).collect();
        let luma = Luma { width, height, data };
        prop_assert_eq!(perceptual_hash(&luma), perceptual_hash(&luma));
    }
}

#[test]
fn what_shows_nothing_has_no_hash() {
    let plain = |grey: u8| Luma { width: 320, height: 240, data: vec![grey; 320 * 240] };
    assert_eq!([0, 128, 255].map(|grey| perceptual_hash(&plain(grey))), [None; 3]);
    let pixels: Vec<u8> = (0..240).flat_map(|y| [y as u8 / 4 + 90; 320 * 3]).collect();
    let evening_sky = jpeg_as(&pixels, 320, 240, jpeg_encoder::ColorType::Rgb);
    assert_eq!(hash_of(&evening_sky), None);
    assert_eq!(perceptual_hash(&Luma { width: 0, height: 0, data: Vec::new() }), None);
    assert_eq!(perceptual_hash(&Luma { width: 9, height: 9, data: vec![1; 80] }), None, "bytes are missing");
}

#[test]
fn a_picture_smaller_than_its_squares_has_one_too() {
    let luma = |side: u32| {
        let pixels = scene(3, side, side, 1.0);
        Luma { width: side, height: side, data: pixels.chunks(3).map(|pixel| pixel[0]).collect() }
    };
    let [small, large] = [24, 240].map(|side| perceptual_hash(&luma(side)).unwrap());
    assert!((small ^ large).count_ones() <= NEAR);
}
