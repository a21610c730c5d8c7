//! What `inspect` tells of good files, and how it names the others.

use suishoupai_core::time::Moment;

use super::super::{Limits, PictureError, PictureKind, inspect};
use super::make::*;

fn ok(bytes: &[u8]) -> super::Inspected {
    inspect(bytes, &Limits::default()).unwrap()
}

fn code(bytes: &[u8]) -> &'static str {
    inspect(bytes, &Limits::default()).unwrap_err().code()
}

#[test]
fn type_and_size_come_from_the_content() {
    for (bytes, kind) in [
        (jpeg(40, 24), PictureKind::Jpeg),
        (progressive_jpeg(40, 24), PictureKind::Jpeg),
        (png(40, 24), PictureKind::Png),
        (webp(40, 24), PictureKind::Webp),
        (extended_webp(40, 24, 0, &[webp_image_chunk(40, 24)]), PictureKind::Webp),
    ] {
        let seen = ok(&bytes);
        assert_eq!((seen.kind, seen.width, seen.height), (kind, 40, 24));
        assert_eq!((seen.orientation, seen.taken_at, seen.gps, seen.camera), (1, None, None, None));
    }
    let animated = ok(&animated_webp(40, 24));
    assert_eq!((animated.width, animated.height), (80, 24), "the canvas, not the frame");
}

#[test]
fn other_types_are_refused_by_name() {
    for (bytes, name) in [
        (&b"GIF89a\x01\0\x01\0"[..], "GIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "MP4 video"),
        (b"BM\x36\0\0\0", "BMP"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!DOCTYPE html><HTML>", "HTML"),
        (b"PK\x03\x04", "ZIP or office document"),
        ("这里有一个坑".as_bytes(), "text"),
        (b"\xff\xd8\0\0", "broken JPEG"),
        (b"\x13\x37\0\x80", "unknown"),
    ] {
        let refused = inspect(bytes, &Limits::default()).unwrap_err();
        assert_eq!(refused, PictureError::UnsupportedType { found: name });
        assert_eq!(refused.code(), "photo_type_unsupported");
        assert!(refused.to_string().contains("send JPEG"), "{refused}");
    }
}

#[test]
fn formats_of_telephones_are_to_be_converted() {
    #[cfg(not(feature = "heic"))]
    for brand in [b"heic", b"heix", b"mif1"] {
        let bytes = [b"\0\0\0\x18ftyp", &brand[..], b"\0\0\0\0"].concat();
        assert_eq!(inspect(&bytes, &Limits::default()), Err(PictureError::ConvertToJpeg { found: "HEIC" }));
    }
    let refused = inspect(b"\0\0\0\x18ftypavif\0\0\0\0", &Limits::default()).unwrap_err();
    assert_eq!(refused, PictureError::ConvertToJpeg { found: "AVIF" });
    assert_eq!(refused.code(), "photo_convert_to_jpeg");
    assert!(refused.to_string().contains("convert the photo to JPEG"), "{refused}");
}

#[test]
fn empty_and_cut_files_are_told_apart() {
    assert_eq!(code(b""), "photo_empty");
    assert_eq!(code(b"\n\xff\xd8\xff\xe0"), "photo_type_unsupported", "junk before the start");
    assert_eq!(code(b"\x89PNG\r\n\x1a\n"), "photo_truncated");
    assert_eq!(code(b"\xff\xd8\xff\xd9"), "photo_damaged", "a JPEG of nothing");
}

#[test]
fn all_limits_can_be_set() {
    let bytes = jpeg(40, 24);
    let base = Limits::default();
    let code = |limits: Limits| inspect(&bytes, &limits).map(|_| ()).map_err(|e| e.code());
    assert_eq!(code(Limits { bytes: bytes.len() - 1, ..base }), Err("photo_too_large"));
    assert_eq!(code(Limits { bytes: bytes.len(), ..base }), Ok(()));
    assert_eq!(code(Limits { pixels: 40 * 24 - 1, ..base }), Err("photo_too_many_pixels"));
    assert_eq!(code(Limits { pixels: 40 * 24, ..base }), Ok(()));
    assert_eq!(code(Limits { side: 39, ..base }), Err("photo_too_many_pixels"));
    assert_eq!(code(Limits { scans: 0, ..base }), Err("photo_too_many_scans"));
    let progressive = progressive_jpeg(40, 24);
    assert!(inspect(&progressive, &Limits { scans: 1, ..base }).is_err());
    assert!(inspect(&progressive, &base).is_ok());
    let turned = jpeg_with_exif(&bytes, &orientation(6));
    assert_eq!(inspect(&turned, &base).unwrap().orientation, 6);
    let unread = inspect(&turned, &Limits { exif_bytes: 8, ..base }).unwrap();
    assert_eq!(unread.orientation, 1, "an EXIF block above the limit is not read");
}

#[test]
fn the_claims_of_exif_are_read_from_all_three_containers() {
    let block = tiff(
        vec![text(0x010f, "HUAWEI"), text(0x0110, "ALN-AL80"), short(0x0112, 8)],
        vec![text(0x9003, "2026:11:22 09:30:15"), text(0x9011, "+09:00"), text(0x9291, "25")],
        vec![
            text(1, "N"),
            rationals(2, &[(24, 1), (26, 1), (3030, 100)]),
            text(3, "E"),
            rationals(4, &[(118, 1), (4, 1), (4575, 100)]),
        ],
    );
    let in_png = png_with_chunk(40, 24, *b"eXIf", &block);
    let in_webp = extended_webp(40, 24, 0x08, &[webp_image_chunk(40, 24), riff_chunk(b"EXIF", &block)]);
    for bytes in [jpeg_with_exif(&jpeg(40, 24), &block), in_png, in_webp] {
        let seen = ok(&bytes);
        assert_eq!(seen.orientation, 8);
        assert_eq!(seen.taken_at, "2026-11-22T09:30:15.250+09:00".parse::<Moment>().ok());
        assert!(seen.taken_at_has_offset);
        let gps = seen.gps.unwrap();
        assert!((gps.lat - 24.441_75).abs() < 1e-9 && (gps.lon - 118.079_375).abs() < 1e-9, "{gps:?}");
        assert_eq!(seen.camera.as_deref(), Some("HUAWEI ALN-AL80"));
    }
}

fn with(primary: Vec<Entry>, exif: Vec<Entry>, gps: Vec<Entry>) -> super::Inspected {
    ok(&jpeg_with_exif(&jpeg(16, 16), &tiff(primary, exif, gps)))
}

#[test]
fn a_time_without_offset_is_that_of_china() {
    let seen = with(vec![], vec![text(0x9003, "2026:11:22 09:30:15")], vec![]);
    assert_eq!(seen.taken_at, "2026-11-22T09:30:15+08:00".parse::<Moment>().ok());
    assert!(!seen.taken_at_has_offset);
    let bad_offset = with(vec![], vec![text(0x9003, "2026:11:22 09:30:15"), text(0x9011, "+99:00")], vec![]);
    assert_eq!((bad_offset.taken_at, bad_offset.taken_at_has_offset), (seen.taken_at, false));
    let digitized =
        with(vec![], vec![text(0x9003, "0000:00:00 00:00:00"), text(0x9004, "2026:11:22 09:30:15")], vec![]);
    assert_eq!(digitized.taken_at, seen.taken_at);
    for blank in ["    :  :     :  :  ", "2026:13:22 09:30:15", "yesterday", ""] {
        assert_eq!(with(vec![], vec![text(0x9003, blank)], vec![]).taken_at, None, "{blank:?}");
    }
}

#[test]
fn impossible_claims_are_left_out() {
    for value in [0, 9, 65_535] {
        assert_eq!(with(vec![short(0x0112, value)], vec![], vec![]).orientation, 1);
    }
    let place = |lat: [(u32, u32); 3], lon: [(u32, u32); 3]| {
        with(vec![], vec![], vec![text(1, "S"), rationals(2, &lat), text(3, "W"), rationals(4, &lon)]).gps
    };
    let one = [(1, 1), (0, 1), (0, 1)];
    let south_west = place(one, one).unwrap();
    assert_eq!((south_west.lat, south_west.lon), (-1.0, -1.0));
    assert_eq!(place([(0, 1); 3], [(0, 1); 3]), None, "0,0 is what cameras write while they know nothing");
    assert_eq!(place([(1, 0), (0, 1), (0, 1)], one), None, "a zero denominator");
    assert_eq!(place([(0, 0), (0, 0), (0, 0)], one), None, "not a number");
    assert_eq!(place([(91, 1), (0, 1), (0, 1)], one), None);
    assert_eq!(place(one, [(181, 1), (0, 1), (0, 1)]), None);
    let camera = |make, model| with(vec![text(0x010f, make), text(0x0110, model)], vec![], vec![]).camera;
    assert_eq!(camera("Canon", "Canon EOS 40D").as_deref(), Some("Canon EOS 40D"));
    assert_eq!(camera("a\x07b\n", " c ").as_deref(), Some("ab c"));
    assert_eq!(camera("", "  "), None);
    assert_eq!(camera("X", &"y".repeat(500)).map(|name| name.len()), Some(64));
}
