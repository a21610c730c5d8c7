//! Files that are cut, mutated, or made to cost more than they should.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::decode::{Stop, png_reader};
use super::super::{Inspected, Limits, Markers, PictureError, inspect, inspect_file, render};
use super::make::*;
use super::process;

/// A small picture of each kind, with metadata; made once, for the encoders are slow without optimisation.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let block = tiff(
        vec![text(0x010f, "maker"), short(0x0112, 6)],
        vec![text(0x9003, "2026:11:22 09:30:15")],
        vec![],
    );
    let flagged = [webp_image_chunk(40, 24), riff_chunk(b"EXIF", &block)];
    vec![
        jpeg_with_exif(&jpeg(40, 24), &block),
        jpeg_with_exif(&progressive_jpeg(40, 24), &block),
        png(40, 24),
        webp(40, 24),
        extended_webp(40, 24, 0x08, &flagged),
        animated_webp(20, 12),
    ]
});

/// What is said of a file of these bytes, with its markers searched for and with those that were noted in portions.
fn in_files(bytes: &[u8], limits: &Limits) -> [Result<Inspected, PictureError>; 2] {
    let mut noted = Markers::default();
    bytes.chunks(37).for_each(|portion| noted.pass(portion));
    [Markers::default(), noted].map(|markers| {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        inspect_file(file, markers, limits).unwrap()
    })
}

#[test]
fn a_file_is_inspected_as_its_bytes_are() {
    for bytes in SAMPLES.iter() {
        for end in [bytes.len(), bytes.len() - 1, bytes.len() / 2, 13, 0] {
            let part = &bytes[..end];
            let limits = Limits::default();
            assert_eq!(in_files(part, &limits), [inspect(part, &limits), inspect(part, &limits)], "{end}");
        }
    }
}

#[test]
fn a_cut_file_is_refused_wherever_it_is_cut() {
    for bytes in SAMPLES.iter() {
        for sixteenth in 0..16 {
            let cut = &bytes[..bytes.len() * sixteenth / 16];
            let refused = inspect(cut, &Limits::default()).unwrap_err();
            let wanted = match cut.len() {
                0 => "photo_empty",
                1..12 => "photo_type_unsupported",
                _ => "photo_truncated",
            };
            assert_eq!(refused.code(), wanted, "{sixteenth}/16 of {} bytes", bytes.len());
        }
        assert!(process(bytes).is_ok());
    }
}

#[test]
fn a_declared_giant_is_refused_by_its_header() {
    let limits = Limits::default();
    let giant = inspect(&png_header(50_000, 50_000), &limits).unwrap_err();
    assert_eq!(giant, PictureError::SideTooLong { side: 50_000, limit: 16_384 });
    let square = inspect(&png_header(16_000, 16_000), &limits).unwrap_err();
    assert_eq!(square, PictureError::TooManyPixels { width: 16_000, height: 16_000, limit: 64_000_000 });

    let mut tall = jpeg(40, 24);
    let frame = tall.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    tall[frame + 5..frame + 9].copy_from_slice(&[0x1f, 0x40, 0x1f, 0x40]);
    assert_eq!(inspect(&tall, &limits).unwrap_err(), PictureError::Truncated, "8000 x 8000 in a few bytes");
    tall[frame + 5..frame + 9].copy_from_slice(&[0, 0, 0, 40]);
    assert_eq!(inspect(&tall, &limits).unwrap_err().code(), "photo_damaged", "no height");

    let mut small = png(40, 24);
    small[18] = 0x1f;
    assert_eq!(inspect(&small, &limits).unwrap_err().code(), "photo_damaged", "the checksum of the header");
    let canvas = extended_webp(16_384, 16_384, 0, &[webp_image_chunk(40, 24)]);
    assert_eq!(inspect(&canvas, &limits).unwrap_err().code(), "photo_too_many_pixels");
}

#[test]
fn chunks_that_would_unpack_to_megabytes_are_not_unpacked() {
    let mut info = png::Info::with_size(40, 24);
    info.color_type = png::ColorType::Rgb;
    info.icc_profile = Some(vec![0; 4 << 20].into());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
    encoder.add_ztxt_chunk("Comment".into(), "a".repeat(4 << 20)).unwrap();
    encoder.write_header().unwrap().write_image_data(&scene(40, 24)).unwrap();
    assert!(
        bytes.len() < 100_000
            && bytes.windows(4).any(|w| w == b"iCCP")
            && bytes.windows(4).any(|w| w == b"zTXt")
    );

    let stop = Stop::default();
    let reader = png_reader(&bytes, &stop).unwrap();
    assert!(reader.info().icc_profile.is_none());
    assert!(reader.info().compressed_latin1_text.is_empty());
    assert!(process(&bytes).is_ok());
}

#[test]
fn more_scans_than_a_camera_writes_are_refused() {
    let bytes = progressive_jpeg(40, 24);
    let scan = bytes.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
    let end = bytes.len() - 2;
    let mut bomb = bytes[..end].to_vec();
    for _ in 0..100 {
        bomb.extend_from_slice(&bytes[scan..end]);
    }
    bomb.extend_from_slice(&[0xff, 0xd9]);
    assert_eq!(inspect(&bomb, &Limits::default()).unwrap_err(), PictureError::TooManyScans { limit: 100 });
}

#[test]
fn two_frame_headers_are_refused() {
    let bytes = jpeg(40, 24);
    let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    let header = bytes[frame..frame + 19].to_vec();
    let mut twice = bytes[..frame].to_vec();
    twice.extend_from_slice(&header);
    twice.extend_from_slice(&bytes[frame..]);
    assert_eq!(inspect(&twice, &Limits::default()).unwrap_err().code(), "photo_damaged");
}

#[test]
fn a_description_that_does_not_fit_the_bytes_is_an_error() {
    let limits = Limits::default();
    for bytes in SAMPLES.iter() {
        let mut wrong = inspect(bytes, &limits).unwrap();
        wrong.width += 8;
        assert_eq!(render(bytes, &wrong, &limits).unwrap_err().code(), "photo_damaged");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn mutated_files_never_panic(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
    ) {
        let mut bytes = SAMPLES[which].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        // Smaller limits than in service: a mutated header must not make the test slow.
        let limits = Limits { pixels: 1 << 20, ..Limits::default() };
        prop_assert_eq!(in_files(&bytes, &limits), [inspect(&bytes, &limits), inspect(&bytes, &limits)]);
        if let Ok(inspected) = inspect(&bytes, &limits)
            && let Ok(made) = render(&bytes, &inspected, &limits)
        {
            prop_assert!(made.display_size.0.max(made.display_size.1) <= 2048);
            prop_assert!(inspect(&made.display, &limits).is_ok());
        }
    }
}
