//! Measures what near pictures are found by: how many copies are still near, and whether unrelated pictures are.
//!
//! `cargo run --release -p suishoupai-storage --example near_pictures`, with a folder of photos in SSP_PHOTO_CORPUS or
//! with generated scenes alone. Nothing is timed but one hash.

use std::time::Instant;

use suishoupai_core::likeness::NEAR;
use suishoupai_storage::picture::{Limits, Luma, inspect, perceptual_hash, render};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// With these, and no photo of a corpus, there are 404,550 pairs.
const SCENES: u64 = 900;

/// Rows of RGB.
struct Picture {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

type Change = (&'static str, fn(&Picture) -> Vec<u8>);

const CHANGES: [Change; 12] = [
    ("encoded again, quality 90", |picture| picture.jpeg(90)),
    ("encoded again, quality 70", |picture| picture.jpeg(70)),
    ("encoded again, quality 40", |picture| picture.jpeg(40)),
    ("three quarters as wide", |picture| picture.resized(0.75).jpeg(80)),
    ("half as wide", |picture| picture.resized(0.5).jpeg(80)),
    ("a quarter as wide", |picture| picture.resized(0.25).jpeg(80)),
    ("brighter by a fifth", |picture| picture.lit(|value| value * 1.2).jpeg(80)),
    ("darker by a third", |picture| picture.lit(|value| value * 0.67).jpeg(80)),
    ("brighter by 25", |picture| picture.lit(|value| value + 25.0).jpeg(80)),
    ("gamma 0.8", |picture| picture.lit(|value| 255.0 * (value / 255.0).powf(0.8)).jpeg(80)),
    ("gamma 1.25", |picture| picture.lit(|value| 255.0 * (value / 255.0).powf(1.25)).jpeg(80)),
    ("half as wide, darker, quality 60", |picture| picture.resized(0.5).lit(|value| value * 0.85).jpeg(60)),
];

impl Picture {
    fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let (width, height) = (self.width as u16, self.height as u16);
        let encoder = jpeg_encoder::Encoder::new(&mut out, quality);
        // Nothing is written but memory, and no picture here is without a size.
        let _ = encoder.encode(&self.data, width, height, jpeg_encoder::ColorType::Rgb);
        out
    }

    fn read(jpeg: &[u8]) -> Option<Self> {
        let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
        let data = decoder.decode().ok()?;
        let (width, height) = decoder.dimensions()?;
        // A grey one has one byte for each pixel.
        (data.len() == 3 * width * height).then_some(Self { width, height, data })
    }

    fn lit(&self, light: fn(f64) -> f64) -> Self {
        let data = self.data.iter().map(|value| light(f64::from(*value)).round().clamp(0.0, 255.0) as u8);
        Self { data: data.collect(), ..*self }
    }

    /// By means of what lies under each new pixel.
    fn resized(&self, scale: f64) -> Self {
        let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
        let (width, height) = (side(self.width), side(self.height));
        let span = |index: usize, new: usize, old: usize| {
            let from = index * old / new;
            from..((index + 1) * old / new).max(from + 1)
        };
        let mut data = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for x in 0..width {
                for colour in 0..3 {
                    let (mut sum, mut count) = (0_usize, 0);
                    for row in span(y, height, self.height) {
                        for column in span(x, width, self.width) {
                            sum += usize::from(self.data[3 * (row * self.width + column) + colour]);
                            count += 1;
                        }
                    }
                    data.push((sum / count) as u8);
                }
            }
        }
        Self { width, height, data }
    }

    /// A wall or a sky, a street, things on it, and grain: large shapes first, smaller ones over them.
    fn generated(number: u64) -> Self {
        let (width, height) = (400, 300);
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let horizon = 0.25 + 0.5 * next();
        let (above, below) = ([next(), next(), next()], [next(), next(), next()]);
        let things: Vec<([f64; 4], [f64; 3], bool)> = (0..6 + (next() * 30.0) as usize)
            .map(|index| {
                let size = 0.5 / (1.0 + index as f64 / 4.0);
                let middle = [next(), next(), size * (0.2 + next()), size * (0.2 + next())];
                (middle, [next(), next(), next()], next() < 0.5)
            })
            .collect();
        let mut data = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for x in 0..width {
                let (u, v) = (x as f64 / width as f64, y as f64 / height as f64);
                let on = things.iter().rev().find(|([cx, cy, rx, ry], _, is_round)| {
                    let (dx, dy) = ((u - cx) / rx, (v - cy) / ry);
                    if *is_round { dx.hypot(dy) < 1.0 } else { dx.abs().max(dy.abs()) < 1.0 }
                });
                let colour = on.map_or(if v < horizon { above } else { below }, |(_, colour, _)| *colour);
                let shade = 0.75 + 0.25 * (u * 3.0 + v * 2.0).sin();
                for part in colour {
                    let grain = 14.0 * (next() - 0.5);
                    data.push((30.0 + 200.0 * part * shade + grain).clamp(0.0, 255.0) as u8);
                }
            }
        }
        Self { width, height, data }
    }
}

fn luma_of(bytes: &[u8]) -> Option<Luma> {
    let limits = Limits::default();
    let inspected = inspect(bytes, &limits).ok()?;
    render(bytes, &inspected, &limits).ok().map(|made| made.thumbnail_luma)
}

fn hash_of(bytes: &[u8]) -> Option<u64> {
    perceptual_hash(&luma_of(bytes)?)
}

/// The photos of the corpus in their display size, each once.
fn corpus() -> Vec<Picture> {
    let Some(folder) = std::env::var_os("SSP_PHOTO_CORPUS") else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let limits = Limits::default();
    let read = |path| {
        let bytes = std::fs::read(path).ok()?;
        let inspected = inspect(&bytes, &limits).ok()?;
        let picture = Picture::read(&render(&bytes, &inspected, &limits).ok()?.display)?;
        Some(if picture.width.max(picture.height) > 1024 { picture.resized(0.5) } else { picture })
    };
    paths.into_iter().filter_map(read).collect()
}

fn main() {
    let photos = corpus();
    println!("{} photos of the corpus, {SCENES} generated scenes", photos.len());
    let mut hashes = Vec::new();
    let mut near = [(0, 0, 0); CHANGES.len()];
    let mut without = Vec::new();
    let pictures = photos.into_iter().map(Some).chain((0..SCENES).map(|_| None));
    for (number, photo) in (0..).zip(pictures) {
        let picture = photo.unwrap_or_else(|| Picture::generated(number));
        let Some(hash) = hash_of(&picture.jpeg(92)) else {
            without.push(number);
            continue;
        };
        hashes.push((number, hash));
        for ((_, change), (kept, all, most)) in CHANGES.iter().zip(&mut near) {
            let bits = hash_of(&change(&picture)).map_or(64, |copy| (copy ^ hash).count_ones());
            *all += 1;
            *kept += usize::from(bits <= NEAR);
            *most = bits.max(*most);
        }
    }
    println!("{} have a hash; without: {without:?}", hashes.len());
    for ((name, _), (kept, all, most)) in CHANGES.iter().zip(near) {
        println!(
            "{:6.2} %  near after: {name} (of {all}, at most {most} bits)",
            100.0 * kept as f64 / all as f64
        );
    }
    let mut counts = [0_usize; 65];
    for (index, (one, hash)) in hashes.iter().enumerate() {
        for (other, wanted) in &hashes[..index] {
            let bits = (hash ^ wanted).count_ones();
            counts[bits as usize] += 1;
            if bits <= NEAR {
                println!("near: {other} and {one}, {bits} bits");
            }
        }
    }
    let pairs: usize = counts.iter().sum();
    let false_ones: usize = counts[..=NEAR as usize].iter().sum();
    let nearest = counts.iter().position(|count| *count > 0).unwrap_or_default();
    println!(
        "{false_ones} of {pairs} pairs of different pictures are near; the nearest differ in {nearest} bits"
    );
    let luma = luma_of(&Picture::generated(1).jpeg(92));
    let started = Instant::now();
    let hashed =
        (0..1000).filter(|_| luma.as_ref().is_some_and(|luma| perceptual_hash(luma).is_some())).count();
    println!("one hash takes {:?} ({hashed} made)", started.elapsed() / 1000);
}
