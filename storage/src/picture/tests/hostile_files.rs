//! Files that were made to do harm, each with the answer that it gets. No decoder may panic or take more work than
//! the limits allow; how much that is, the files here make obvious, for none has more than some KiB.

use super::super::{Limits, inspect, render};
use super::make::*;

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Refused before anything is decoded.
    Refused(&'static str),
    /// Accepted by its structure, refused when it is decoded.
    Undecodable,
    /// Shown, with holes.
    Damaged,
    /// Shown.
    Shown,
}
use Fate::{Damaged, Refused, Shown, Undecodable};

const UNSUPPORTED: Fate = Refused("photo_type_unsupported");
const CONVERT: Fate = Refused("photo_convert_to_jpeg");
const BROKEN: Fate = Refused("photo_damaged");
const CUT: Fate = Refused("photo_truncated");
const TOO_BIG: Fate = Refused("photo_too_many_pixels");

type Files = Vec<(&'static str, Vec<u8>, Fate)>;

/// Other types under the name of a photo.
fn disguised() -> Files {
    vec![
        ("nothing", vec![], Refused("photo_empty")),
        (
            "GIF bomb",
            b"GIF89a\xff\xff\xff\xff\xf7\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\0;".to_vec(),
            UNSUPPORTED,
        ),
        ("ICO bomb", b"\0\0\x01\0\x01\0\0\0\0\0\x01\0 \0\xff\xff\xff\x7f\x16\0\0\0".to_vec(), UNSUPPORTED),
        (
            "BMP bomb",
            b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0(\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f".to_vec(),
            UNSUPPORTED,
        ),
        ("TIFF", tiff(vec![short(0x0100, 9)], vec![], vec![]), UNSUPPORTED),
        (
            "SVG with a script",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec(),
            UNSUPPORTED,
        ),
        (
            "SVG with entities",
            b"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>".to_vec(),
            UNSUPPORTED,
        ),
        ("HTML", b"<!doctype html><html><script>alert(1)</script></html>".to_vec(), UNSUPPORTED),
        ("HTML behind blanks", [&[b' '; 600][..], b"<HTML><body onload=alert(1)>"].concat(), UNSUPPORTED),
        ("ZIP", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), UNSUPPORTED),
        ("PDF that is a JPEG too", [b"%PDF-1.7\n", &jpeg(40, 24)[..]].concat(), UNSUPPORTED),
        ("program", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0".to_vec(), UNSUPPORTED),
        ("ELF", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(), UNSUPPORTED),
        ("script", b"#!/bin/sh\nrm -rf /\n".to_vec(), UNSUPPORTED),
        ("MP4", b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec(), UNSUPPORTED),
        ("AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1".to_vec(), CONVERT),
        ("junk before a JPEG", [b"\n", &jpeg(40, 24)[..]].concat(), UNSUPPORTED),
    ]
}

fn jpegs() -> Files {
    let good = jpeg(96, 64);
    let colour = || jpeg(96, 64);
    let sized = |height: u16, width: u16| {
        with_frame(colour(), |frame| {
            frame[5..7].copy_from_slice(&height.to_be_bytes());
            frame[7..9].copy_from_slice(&width.to_be_bytes());
        })
    };
    let marker = |marker: u8| with_frame(colour(), |frame| frame[1] = marker);
    let scan = find(&good, 0xda);
    let tables = find(&good, 0xdb);
    let mut no_tables = good.clone();
    no_tables
        .drain(tables..tables + 2 + usize::from(u16::from_be_bytes([good[tables + 2], good[tables + 3]])));
    let mut full_codes = good.clone();
    let codes = find(&good, 0xc4);
    full_codes[codes + 5..codes + 21].fill(0xff);
    let mut short_segment = good.clone();
    short_segment[tables + 2..tables + 4].copy_from_slice(&[0, 1]);
    let mut early_scan = good[..2].to_vec();
    early_scan.extend_from_slice(&good[scan..]);
    let end = good.len() - 2;
    let mut noise = good.clone();
    noise[scan + 14..end].iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 37 % 251) as u8);
    let progressive = progressive_jpeg(96, 64);
    let first = find(&progressive, 0xda);
    let repeated = |times: usize| {
        let scans = progressive[first..progressive.len() - 2].repeat(times);
        [&progressive[..first], &scans, &[0xff, 0xd9]].concat()
    };
    vec![
        ("JPEG of 65,500 x 65,500", sized(65_500, 65_500), TOO_BIG),
        ("JPEG of 8,000 x 8,000 in 2 KiB", sized(8_000, 8_000), CUT),
        ("JPEG without a height", sized(0, 96), BROKEN),
        ("JPEG without a width", sized(64, 0), BROKEN),
        ("JPEG of nothing", b"\xff\xd8\xff\xd9".to_vec(), BROKEN),
        ("JPEG whose scan comes first", early_scan, BROKEN),
        ("JPEG with a segment of one byte", short_segment, BROKEN),
        ("JPEG with arithmetic coding", marker(0xc9), UNSUPPORTED),
        ("lossless JPEG", marker(0xc3), UNSUPPORTED),
        ("hierarchical JPEG", marker(0xc5), UNSUPPORTED),
        ("JPEG of 12 bits", with_frame(colour(), |frame| frame[4] = 12), UNSUPPORTED),
        ("JPEG of two components", with_frame(colour(), |frame| frame[9] = 2), UNSUPPORTED),
        ("JPEG of 255 components", with_frame(colour(), |frame| frame[9] = 255), UNSUPPORTED),
        ("JPEG with a sampling factor of 0", with_frame(colour(), |frame| frame[11] = 0x10), BROKEN),
        ("JPEG with a sampling factor of 15", with_frame(colour(), |frame| frame[11] = 0xff), BROKEN),
        ("JPEG with one component twice", with_frame(colour(), |frame| frame[13] = frame[10]), Undecodable),
        ("JPEG without quantisation", no_tables, Undecodable),
        ("JPEG with impossible codes", full_codes, Undecodable),
        ("JPEG of 900 scans", repeated(100), Refused("photo_too_many_scans")),
        ("JPEG whose scans stand twice", repeated(2), Shown),
        ("JPEG of noise", noise, Damaged),
        ("JPEG with a ZIP behind it", [&good[..], b"PK\x03\x04secret"].concat(), Shown),
        ("JPEG with HTML in a comment", with_segment(&good, 0xfe, b"<html><script>alert(1)</script>"), Shown),
        ("JPEG with PHP in a segment", with_segment(&good, 0xe4, b"<?php system($_GET['c']); ?>"), Shown),
        ("MPO", [&good[..], &jpeg(40, 24)[..]].concat(), Shown),
    ]
}

/// EXIF blocks and colour profiles that lead in circles, or to nowhere.
fn metadata() -> Files {
    let good = jpeg(96, 64);
    let exif = |block: &[u8]| jpeg_with_exif(&good, block);
    let pointer =
        |tag: u16, at: u32| [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &at.to_le_bytes()].concat();
    let ifd = |entries: &[Vec<u8>], next: u32| {
        let count = (entries.len() as u16).to_le_bytes();
        [b"II*\0\x08\0\0\0", &count[..], &entries.concat(), &next.to_le_bytes()].concat()
    };
    let many: Vec<Vec<u8>> = (0..5_000).map(|n| pointer(0x8769, 8 + n)).collect();
    let endless =
        [&0x010f_u16.to_le_bytes()[..], &[2, 0], &u32::MAX.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
    let mut counted = ifd(&[], 0);
    counted[8..10].fill(0xff);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut lost = profile.clone();
    lost[128..].iter_mut().skip(4).step_by(3).for_each(|byte| *byte = 0xff);
    let mut tags = profile.clone();
    tags[128..132].fill(0xff);
    vec![
        ("EXIF whose directory follows itself", exif(&ifd(&[], 8)), Shown),
        (
            "EXIF whose sub-directory is itself",
            exif(&ifd(&[pointer(0x8769, 8), pointer(0x8825, 8)], 8)),
            Shown,
        ),
        ("EXIF of 5,000 directories", exif(&ifd(&many, 8)), Shown),
        ("EXIF with a text of 4 GiB", exif(&ifd(&[endless], 0)), Shown),
        ("EXIF of 65,535 fields", exif(&counted), Shown),
        ("EXIF of noise", exif(&[0xa5; 4_000]), Shown),
        ("profile of 64 parts", with_profile(&good, &vec![7; 64 * 60_000], 60_000), Shown),
        ("profile of noise", with_profile(&good, &[0x5a; 4_000], 4_000), Shown),
        ("profile that points to nowhere", with_profile(&good, &lost, 60_000), Shown),
        ("profile of 4 billion tags", with_profile(&good, &tags, 60_000), Shown),
        ("profile that is cut", with_profile(&good, &profile[..200], 60_000), Shown),
    ]
}

fn pngs() -> Files {
    let good = png(96, 64);
    let chunk = |name: &[u8; 4], body: &[u8]| png_with_chunk(96, 64, *name, body);
    let zeros = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 16 << 20], 9);
    let header = |at: usize, value: u8| {
        let mut out = good.clone();
        out[at] = value;
        let sum = super::super::walk::png::crc32(&out[12..29]).to_be_bytes();
        out[29..33].copy_from_slice(&sum);
        out
    };
    let mut wrong_sum = good.clone();
    wrong_sum[30] ^= 1;
    let mut endless = good.clone();
    endless[33..37].fill(0xff);
    let mut noise = good.clone();
    let data = good.windows(4).position(|w| w == b"IDAT").unwrap() + 4;
    noise[data..data + 20].fill(0xa5);
    let mut apple = good.clone();
    apple[12..16].copy_from_slice(b"CgBI");
    vec![
        ("PNG of 50,000 x 50,000", png_header(50_000, 50_000), TOO_BIG),
        ("PNG of 16,000 x 16,000", png_header(16_000, 16_000), TOO_BIG),
        ("PNG of 8,192 x 256 in 1 KiB", header(18, 0x20), CUT),
        ("PNG without a width", header(19, 0), BROKEN),
        ("PNG of 3 bits", header(24, 3), BROKEN),
        ("PNG of an unknown colour type", header(25, 5), BROKEN),
        ("PNG with a wrong sum", wrong_sum, BROKEN),
        ("PNG with a chunk of 4 GiB", endless, CUT),
        ("PNG with two headers", chunk(b"IHDR", &good[16..29]), BROKEN),
        ("PNG without an end", good[..good.len() - 12].to_vec(), CUT),
        ("PNG of noise", noise, Undecodable),
        ("PNG of Apple's own kind", apple, UNSUPPORTED),
        ("PNG with a profile bomb", chunk(b"iCCP", &[b"p\0\0", &zeros[..]].concat()), Shown),
        ("PNG with a text bomb", chunk(b"zTXt", &[b"t\0\0", &zeros[..]].concat()), Shown),
        (
            "PNG with an international text bomb",
            chunk(b"iTXt", &[b"t\0\x01\0\0\0", &zeros[..]].concat()),
            Shown,
        ),
        ("PNG with EXIF in circles", chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"), Shown),
    ]
}

fn webps() -> Files {
    let lossy = lossy_webp();
    let mut long = lossy.clone();
    long[4..8].fill(0xff);
    let mut wide = lossy.clone();
    wide[26..30].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    let mut interframe = lossy.clone();
    interframe[20] |= 1;
    let mut noise = lossy.clone();
    noise[30..].iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 73 % 251) as u8);
    let mut signature = webp(96, 64);
    signature[20] = 0;
    let mut lossless_noise = webp(96, 64);
    lossless_noise[25..].fill(0xff);
    let chunk = || webp_image_chunk(96, 64);
    let mut contrary = animated_webp(48, 64);
    let frame = contrary.windows(4).position(|w| w == b"ANMF").unwrap();
    contrary[frame + 14] ^= 1;
    let profile = riff_chunk(b"ICCP", &[0x5a; 3_000]);
    vec![
        ("WebP of 16,384 x 16,384", extended_webp(16_384, 16_384, 0, &[chunk()]), TOO_BIG),
        ("lossy WebP of 16,383 x 16,383", wide, TOO_BIG),
        ("WebP that says it is 4 GiB long", long, CUT),
        ("WebP bigger than its canvas", extended_webp(40, 24, 0, &[chunk()]), BROKEN),
        ("WebP of no picture", extended_webp(96, 64, 0, &[]), BROKEN),
        ("WebP that begins in the middle", interframe, BROKEN),
        ("WebP of another signature", signature, BROKEN),
        ("WebP of noise", noise, Undecodable),
        ("lossless WebP of noise", lossless_noise, Undecodable),
        ("animated WebP that contradicts itself", contrary, BROKEN),
        ("WebP with a profile of noise", extended_webp(96, 64, 0x20, &[profile, chunk()]), Shown),
    ]
}

#[test]
fn every_hostile_file_gets_its_answer() {
    let files: Files = [disguised(), jpegs(), metadata(), pngs(), webps()].concat();
    assert!(files.len() >= 60, "{}", files.len());
    let limits = Limits::default();
    let mut wrong = Vec::new();
    for (name, bytes, wanted) in files {
        let fate = match inspect(&bytes, &limits) {
            Err(refused) => Refused(refused.code()),
            Ok(inspected) => match render(&bytes, &inspected, &limits) {
                Err(_) => Undecodable,
                Ok(made) if made.damaged => Damaged,
                Ok(made) => {
                    assert!(!holds(&made.display, b"secret") && !holds(&made.display, b"script"), "{name}");
                    Shown
                }
            },
        };
        if fate != wanted {
            wrong.push(format!("{name}: {fate:?} instead of {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Valid files of each kind, cut at every sixteenth: never accepted, and told that they are cut.
#[test]
fn what_is_cut_is_told_so() {
    for bytes in [jpeg(96, 64), progressive_jpeg(96, 64), png(96, 64), webp(96, 64), lossy_webp()] {
        for sixteenth in 1..16 {
            let cut = &bytes[..bytes.len() * sixteenth / 16];
            let refused = inspect(cut, &Limits::default()).unwrap_err();
            let wanted = if cut.len() < 12 { "photo_type_unsupported" } else { "photo_truncated" };
            assert_eq!(refused.code(), wanted, "{sixteenth}/16 of {} bytes", bytes.len());
        }
    }
}
