//! Decoding at a reduced size, planes, turning, and colours of other spaces.

use proptest::prelude::*;

use super::super::decode::Reduction;
use super::super::raster::{Plane, fit, turned};
use super::super::{Limits, inspect, render, walk};
use super::make::*;
use super::process;
use super::rendering::{assert_near, corners};

#[test]
fn how_far_a_picture_is_reduced_follows_from_its_size() {
    for ((width, height), divisor, snaps) in [
        ((4032, 3024), 2, true),
        ((4000, 3000), 2, true),
        ((3800, 2000), 2, true),
        ((4096, 3072), 2, true),
        ((4097, 3072), 1, false),
        ((3798, 2000), 1, false),
        ((4608, 3456), 1, false),
        ((6143, 4000), 1, false),
        ((6144, 4000), 2, false),
        ((8064, 6048), 4, true),
        ((7596, 5000), 2, false),
        ((7597, 5000), 4, true),
        ((8192, 6144), 4, true),
        ((8193, 6144), 2, false),
        ((12_288, 5_000), 4, false),
        ((2048, 1536), 1, false),
        ((16_384, 1), 1, false),
    ] {
        assert_eq!(Reduction::of((width, height)), Reduction { divisor, snaps }, "{width} x {height}");
        assert_eq!(Reduction::of((height, width)), Reduction { divisor, snaps }, "{height} x {width}");
    }
}

#[test]
fn sides_that_change_become_even() {
    assert_eq!(fit(4032, 3024, 2048), (2048, 1536));
    assert_eq!(fit(4033, 3023, 2048), (2048, 1536));
    assert_eq!(fit(2100, 300, 2048), (2048, 292));
    assert_eq!(fit(301, 7, 320), (301, 7), "what is small enough stays");
    assert_eq!(fit(16_384, 1, 2048), (2048, 1), "a hair keeps its width of one");
}

#[test]
fn big_photos_come_out_upright_in_their_colours() {
    for ((width, height), turned, wanted) in [
        ((3900, 2600), 6, (1300, 1950)),
        ((3901, 2603), 3, (1950, 1302)),
        ((6200, 1600), 8, (528, 2048)),
        ((2300, 700), 1, (2048, 624)),
    ] {
        let stored = jpeg_as(
            &quadrants(width, height, stored_quadrants(turned)),
            width,
            height,
            jpeg_encoder::ColorType::Rgb,
        );
        let (_, made) = process(&jpeg_with_exif(&stored, &orientation(turned))).unwrap();
        assert_eq!(made.display_size, wanted);
        assert!(!made.damaged);
        let what = format!("{width} x {height}");
        assert_near(corners(&made.display, wanted), [RED, GREEN, BLUE, YELLOW], 12, &what);
        assert_near(corners(&made.thumbnail, made.thumbnail_size), [RED, GREEN, BLUE, YELLOW], 12, &what);
    }
}

#[test]
fn every_sampling_of_colours_gives_the_same_picture() {
    use jpeg_encoder::SamplingFactor::*;
    for sampling in [F_1_1, F_2_1, F_1_2, F_2_2, F_4_1, F_4_2, F_1_4, F_2_4] {
        for size in [(96, 64), (2100, 900)] {
            let mut bytes = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
            encoder.set_sampling_factor(sampling);
            let pixels = scene(size.0, size.1);
            encoder.encode(&pixels, size.0 as u16, size.1 as u16, jpeg_encoder::ColorType::Rgb).unwrap();
            let (_, made) = process(&bytes).unwrap();
            let seen = corners(&made.display, made.display_size);
            assert_near(seen, [RED, GREEN, BLUE, YELLOW], 12, &format!("{sampling:?} {size:?}"));
        }
    }
}

#[test]
fn a_lossy_webp_has_its_full_range_of_brightness() {
    let (inspected, made) = process(&lossy_webp()).unwrap();
    assert_eq!((inspected.width, inspected.height), (96, 64));
    assert_near(corners(&made.display, (96, 64)), [RED, GREEN, BLUE, YELLOW], 14, "lossy webp");
}

#[test]
fn a_lossy_webp_is_made_smaller_while_it_is_decoded_whatever_stands_around_it() {
    let plain = wide_lossy_webp();
    let extended = extended_webp(2560, 32, 0, &[plain[12..].to_vec()]);
    let followed = [&plain[..], &riff_chunk(b"XMP ", b"<x/>")].concat();
    let with_rest = [&b"RIFF"[..], &(followed.len() as u32 - 8).to_le_bytes(), &followed[8..]].concat();
    for bytes in [plain, extended, with_rest] {
        let (inspected, made) = process(&bytes).unwrap();
        assert_eq!((inspected.width, inspected.height), (2560, 32));
        assert_eq!((made.display_size, made.thumbnail_size), ((2048, 26), (320, 4)));
        assert!(!made.damaged);
        assert_near(corners(&made.display, (2048, 26)), [RED, GREEN, BLUE, YELLOW], 14, "wide lossy webp");
    }
}

/// The middle of the picture, in wide-gamut colours, as sRGB shows it; computed from the primaries of Display P3.
#[test]
fn wide_gamut_colours_become_those_of_srgb() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let stored = [[200, 100, 50], [60, 180, 90], [128, 128, 128], [90, 90, 200]];
    let wanted = [[215, 93, 31], [0, 183, 78], [128, 128, 128], [90, 90, 207]];
    let pixels = quadrants(96, 64, stored);
    let plain = jpeg_as(&pixels, 96, 64, jpeg_encoder::ColorType::Rgb);
    let mut info = png::Info::with_size(96, 64);
    info.color_type = png::ColorType::Rgb;
    info.icc_profile = Some(profile.clone().into());
    let mut in_png = Vec::new();
    png::Encoder::with_info(&mut in_png, info)
        .unwrap()
        .write_header()
        .unwrap()
        .write_image_data(&pixels)
        .unwrap();
    let mut image = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut image);
    encoder.encode(&pixels, 96, 64, image::ExtendedColorType::Rgb8).unwrap();
    let in_webp = extended_webp(96, 64, 0x20, &[riff_chunk(b"ICCP", &profile), image[12..].to_vec()]);
    for (what, bytes) in [
        ("jpeg", with_profile(&plain, &profile, 60_000)),
        ("jpeg in parts", with_profile(&plain, &profile, 100)),
        ("png", in_png),
        ("webp", in_webp),
    ] {
        let (_, made) = process(&bytes).unwrap();
        assert_near(corners(&made.display, (96, 64)), wanted, 10, what);
    }
    let srgb = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let (_, made) = process(&with_profile(&plain, &srgb, 60_000)).unwrap();
    assert_near(corners(&made.display, (96, 64)), stored, 10, "sRGB says nothing new");
}

#[test]
fn a_hole_in_a_progressive_picture_is_marked() {
    let bytes = progressive_jpeg(256, 256);
    let scans: Vec<usize> =
        bytes.windows(2).enumerate().filter(|(_, w)| w == &[0xff, 0xda]).map(|(at, _)| at).collect();
    // Most of the data of the first scan, the brightness of every block, is taken out.
    let from = scans[0] + 2 + usize::from(bytes[scans[0] + 3]) + 8;
    let to = from + bytes[from..].windows(2).position(|w| w[0] == 0xff && w[1] != 0).unwrap();
    let holed = [&bytes[..from], &bytes[to..]].concat();
    let (_, made) = process(&holed).unwrap();
    assert!(made.damaged);
    assert!(!process(&bytes).unwrap().1.damaged);
}

#[test]
fn the_memory_that_is_asked_for_grows_with_the_picture() {
    let memory = |bytes: &[u8]| inspect(bytes, &Limits::default()).unwrap().memory;
    let (small, big) = (memory(&jpeg(40, 24)), memory(&jpeg(2000, 1500)));
    assert!(small < 2 << 20 && big > 9 << 20, "{small} {big}");
    assert!(memory(&progressive_jpeg(400, 300)) > memory(&jpeg(400, 300)));
    // Pixels of the rendition and a copy of them, which is more than planes where the picture is little larger; and no
    // more where it is much larger.
    let of_webp = |side: u16| {
        let mut bytes = lossy_webp();
        bytes[26..30].copy_from_slice(&[side.to_le_bytes(), side.to_le_bytes()].concat());
        walk::webp::walk(&mut &bytes[..], &Limits::default()).unwrap().outline.memory
    };
    assert!((2 * 3 * 2048 * 2048..40 << 20).contains(&of_webp(2050)), "{}", of_webp(2050));
    assert_eq!(of_webp(2050), of_webp(7000));
}

#[test]
fn nothing_but_the_picture_is_in_the_renditions() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut bytes =
        jpeg_with_exif(&jpeg(400, 300), &tiff(vec![text(0x010f, "secret maker")], vec![], vec![]));
    bytes = with_segment(&bytes, 0xe1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>secret place</x:xmpmeta>");
    bytes = with_segment(&bytes, 0xfe, b"secret comment");
    bytes = with_segment(&bytes, 0xed, b"Photoshop 3.0\08BIM secret caption");
    bytes = with_profile(&bytes, &profile, 60_000);
    bytes.extend_from_slice(b"PK\x03\x04 secret archive");
    let inspected = inspect(&bytes, &Limits::default()).unwrap();
    let made = render(&bytes, &inspected, &Limits::default()).unwrap();
    for rendition in [&made.display, &made.thumbnail] {
        for word in [&b"secret"[..], b"Exif", b"http", b"ICC_PROFILE", b"Photoshop", b"PK\x03\x04", b"xmp"] {
            assert!(!rendition.windows(word.len()).any(|window| window == word), "{word:?}");
        }
        super::rendering::assert_no_metadata(rendition);
    }
}

proptest! {
    #[test]
    fn a_plane_is_turned_as_the_standard_says(
        width in 1usize..90,
        height in 1usize..90,
        padding in 0usize..5,
        orientation in 2u8..=8,
    ) {
        let stride = width + padding;
        let data: Vec<u8> = (0..stride * height).map(|n| (n * 7 % 251) as u8).collect();
        let at = |x: usize, y: usize| data[y * stride + x];
        let upright = turned(Plane { width, height, stride, data: data.clone() }, orientation).unwrap();
        let wanted = if orientation >= 5 { (height, width) } else { (width, height) };
        prop_assert_eq!((upright.width, upright.height), wanted);
        for y in 0..upright.height {
            for x in 0..upright.width {
                // Where row 0 and column 0 of what is stored lie in the scene: EXIF 2.32, 4.6.4.
                let (right, bottom) = (width - 1, height - 1);
                let stored = match orientation {
                    2 => at(right - x, y),
                    3 => at(right - x, bottom - y),
                    4 => at(x, bottom - y),
                    5 => at(y, x),
                    6 => at(y, bottom - x),
                    7 => at(right - y, bottom - x),
                    _ => at(right - y, x),
                };
                prop_assert_eq!(upright.data[y * upright.stride + x], stored, "{} {}", x, y);
            }
        }
    }
}
