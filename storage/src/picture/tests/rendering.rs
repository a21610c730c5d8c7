//! Renditions: upright, small, and without anything but pixels.

use jpeg_encoder::ColorType;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::raster::fit;
use super::super::{Limits, render};
use super::make::*;
use super::process;

/// RGB pixels of a rendition.
pub(super) fn decoded(rendition: &[u8]) -> Vec<u8> {
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    JpegDecoder::new_with_options(ZCursor::new(rendition), options).decode().unwrap()
}

/// The colours in the middle of the four quadrants of a rendition.
pub(super) fn corners(rendition: &[u8], (width, height): (u32, u32)) -> [[u8; 3]; 4] {
    let pixels = decoded(rendition);
    assert_eq!(pixels.len(), (width * height * 3) as usize);
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
        let at = ((height * y / 4) * width + width * x / 4) as usize * 3;
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    })
}

pub(super) fn assert_near(seen: [[u8; 3]; 4], wanted: [[u8; 3]; 4], tolerance: u8, what: &str) {
    let near = seen.iter().flatten().zip(wanted.iter().flatten()).all(|(a, b)| a.abs_diff(*b) <= tolerance);
    assert!(near, "{what}: {seen:?} instead of {wanted:?}");
}

/// The markers before the first scan: nothing but JFIF's own APP0 may carry data besides the coding.
pub(super) fn assert_no_metadata(rendition: &[u8]) {
    let mut at = 2;
    while rendition[at + 1] != 0xda {
        assert!(matches!(rendition[at + 1], 0xe0 | 0xc0 | 0xc4 | 0xdb), "marker {:x}", rendition[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([rendition[at + 2], rendition[at + 3]]));
    }
    assert!(rendition.ends_with(b"\xff\xd9"));
}

#[test]
fn every_orientation_ends_upright_and_without_exif() {
    for value in 1..=8 {
        let pixels = quadrants(96, 64, stored_quadrants(value));
        let stored = jpeg_as(&pixels, 96, 64, ColorType::Rgb);
        let (inspected, made) = process(&jpeg_with_exif(&stored, &orientation(value))).unwrap();
        assert_eq!(u16::from(inspected.orientation), value);
        assert_eq!((inspected.width, inspected.height), (96, 64), "as stored");
        let upright = if value >= 5 { (64, 96) } else { (96, 64) };
        assert_eq!((made.display_size, made.thumbnail_size, made.damaged), (upright, upright, false));
        for rendition in [&made.display, &made.thumbnail] {
            assert_near(corners(rendition, upright), [RED, GREEN, BLUE, YELLOW], 12, &format!("{value}"));
            assert_no_metadata(rendition);
        }
    }
}

#[test]
fn grey_pictures_are_turned_too() {
    let grey: Vec<u8> = scene(96, 64).chunks_exact(3).map(|pixel| pixel[0]).collect();
    let stored = jpeg_as(&grey, 96, 64, ColorType::Luma);
    let (_, made) = process(&jpeg_with_exif(&stored, &orientation(3))).unwrap();
    let wanted = [YELLOW, BLUE, GREEN, RED].map(|c| [c[0]; 3]);
    assert_near(corners(&made.display, made.display_size), wanted, 8, "half a turn");
}

#[test]
fn the_brightness_of_the_thumbnail_comes_with_it() {
    for bytes in [jpeg(960, 640), progressive_jpeg(96, 64), png(96, 64), webp(700, 300)] {
        let (_, made) = process(&bytes).unwrap();
        let (width, height) = made.thumbnail_size;
        let luma = &made.thumbnail_luma;
        assert_eq!((luma.width, luma.height, luma.data.len()), (width, height, (width * height) as usize));
        let at = |x: u32, y: u32| luma.data[(height * y / 4 * width + width * x / 4) as usize];
        let seen = [at(1, 1), at(3, 1), at(1, 3), at(3, 3)];
        for (seen, [r, g, b]) in seen.into_iter().zip([RED, GREEN, BLUE, YELLOW]) {
            let wanted = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
            assert!((f64::from(seen) - wanted).abs() < 6.0, "{seen} instead of {wanted}");
        }
    }
}

#[test]
fn big_pictures_shrink_in_proportion_and_small_ones_stay() {
    let (_, made) = process(&jpeg(2100, 300)).unwrap();
    assert_eq!((made.display_size, made.thumbnail_size), ((2048, 292), (320, 46)));
    assert_near(corners(&made.display, (2048, 292)), [RED, GREEN, BLUE, YELLOW], 12, "shrunk");
    let (_, tiny) = process(&png(1, 1)).unwrap();
    assert_eq!((tiny.display_size, tiny.thumbnail_size), ((1, 1), (1, 1)));
    assert_eq!(fit(16_384, 1, 2048), (2048, 1), "a hair keeps its width of one");
    assert_eq!(fit(4032, 3024, 2048), (2048, 1536));
}

#[test]
fn all_containers_show_the_same_scene() {
    let apng = png_with(96, 64, &scene(96, 64), |encoder| encoder.set_animated(1, 0).unwrap());
    for (what, bytes) in [
        ("progressive", progressive_jpeg(96, 64)),
        ("png", png(96, 64)),
        ("apng", apng),
        ("webp", webp(96, 64)),
        ("extended webp", extended_webp(96, 64, 0, &[webp_image_chunk(96, 64)])),
    ] {
        let (_, made) = process(&bytes).unwrap();
        assert_near(corners(&made.display, (96, 64)), [RED, GREEN, BLUE, YELLOW], 12, what);
        assert_no_metadata(&made.display);
    }
    let (_, made) = process(&animated_webp(48, 64)).unwrap();
    let pixels = decoded(&made.display);
    assert!(pixels[(32 * 96 + 80) * 3] > 245, "outside of the first frame the canvas is white");
}

#[test]
fn cmyk_comes_out_in_its_colours_whoever_wrote_it() {
    let ink: Vec<u8> =
        scene(96, 64).chunks_exact(3).flat_map(|p| [255 - p[0], 255 - p[1], 255 - p[2], 0]).collect();
    let adobe: Vec<u8> = ink.clone();
    // The encoder writes Adobe's inverted form with its segment; without the segment the values are plain ink.
    let with_segment = jpeg_as(&adobe, 96, 64, ColorType::Cmyk);
    let at = with_segment.windows(2).position(|w| w == [0xff, 0xee]).unwrap();
    let length = usize::from(u16::from_be_bytes([with_segment[at + 2], with_segment[at + 3]]));
    let inverted: Vec<u8> = ink.iter().map(|v| 255 - v).collect();
    let mut plain = jpeg_as(&inverted, 96, 64, ColorType::Cmyk);
    plain.drain(at..at + 2 + length);
    let ycck = jpeg_as(&ink, 96, 64, ColorType::CmykAsYcck);
    for (what, bytes) in [("adobe", with_segment), ("plain", plain), ("ycck", ycck)] {
        let (_, made) = process(&bytes).unwrap();
        assert_near(corners(&made.display, (96, 64)), [RED, GREEN, BLUE, YELLOW], 16, what);
    }
}

#[test]
fn transparency_is_laid_over_white_at_every_depth() {
    let rgba: Vec<u8> = scene(96, 64)
        .chunks_exact(3)
        .flat_map(|p| {
            [
                p[0],
                p[1],
                p[2],
                if p == RED {
                    0
                } else if p == GREEN {
                    128
                } else {
                    255
                },
            ]
        })
        .collect();
    let mixed = [[255; 3], GREEN.map(|v| ((u32::from(v) * 128 + 255 * 127) / 255) as u8), BLUE, YELLOW];
    let eight = png_with(96, 64, &rgba, |e| e.set_color(png::ColorType::Rgba));
    let wide: Vec<u8> = rgba.iter().flat_map(|v| [*v, *v]).collect();
    let sixteen = png_with(96, 64, &wide, |e| {
        e.set_color(png::ColorType::Rgba);
        e.set_depth(png::BitDepth::Sixteen);
    });
    let indices: Vec<u8> = scene(96, 64)
        .chunks_exact(3)
        .map(|p| [RED, GREEN, BLUE, YELLOW].iter().position(|c| c == p).unwrap() as u8)
        .collect();
    let palette = png_with(96, 64, &indices, |e| {
        e.set_color(png::ColorType::Indexed);
        e.set_palette([RED, GREEN, BLUE, YELLOW].concat());
        e.set_trns(&[0u8, 128][..]);
    });
    for (what, bytes) in [("8 bit", eight), ("16 bit", sixteen), ("palette", palette)] {
        let (_, made) = process(&bytes).unwrap();
        assert_near(corners(&made.display, (96, 64)), mixed, 12, what);
    }
    let grey_alpha: Vec<u8> = rgba.chunks_exact(4).flat_map(|p| [p[0], p[3]]).collect();
    let grey = png_with(96, 64, &grey_alpha, |e| e.set_color(png::ColorType::GrayscaleAlpha));
    let (_, made) = process(&grey).unwrap();
    assert_near(corners(&made.display, (96, 64)), mixed.map(|c| [c[0]; 3]), 12, "grey with alpha");
}

#[test]
fn what_is_appended_or_hidden_does_not_reach_the_renditions() {
    let secret = b"PK\x03\x04 the address of the sender";
    let mut polyglot =
        jpeg_with_exif(&jpeg(96, 64), &tiff(vec![text(0x010f, "secret maker")], vec![], vec![]));
    polyglot.extend_from_slice(secret);
    let (_, made) = process(&polyglot).unwrap();
    for rendition in [&made.display, &made.thumbnail] {
        assert_no_metadata(rendition);
        assert!(!rendition.windows(6).any(|w| w == b"secret" || w == b"the ad"));
    }
}

#[test]
fn a_hole_in_the_data_is_shown_and_marked() {
    let mut bytes = jpeg(256, 256);
    let scan = bytes.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
    let from = scan + (bytes.len() - scan) / 2;
    bytes.drain(from..bytes.len() - 2);
    let (inspected, made) = process(&bytes).unwrap();
    assert!(made.damaged);
    assert_eq!(made.display_size, (256, 256));
    assert!(render(&bytes, &inspected, &Limits { pixels: 1, ..Limits::default() }).is_err());
}
