//! Videos that are told, refused and made public; files that are cut, mutated or made to cost more than they should.

use std::io::Cursor;
use std::time::Duration;

use proptest::prelude::*;
use suishoupai_core::geo::LonLat;

#[expect(unreachable_pub, reason = "the file serves the tests over HTTP too")]
mod make;

use super::*;
use make::{Clip, boxed, keyed, numbers, xyz};

fn inspected(bytes: &[u8]) -> Result<Video, VideoError> {
    inspect(Cursor::new(bytes), &VideoLimits::default()).unwrap()
}

fn refused(bytes: &[u8]) -> VideoError {
    inspected(bytes).expect_err("it must be refused")
}

fn public(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::new();
    write_public(&inspected(bytes).unwrap(), bytes, &mut copy).unwrap();
    copy
}

/// The file with `from` put in the place of `to`, wherever that stands.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut changed = bytes.to_vec();
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            changed[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "{from:?} is not there");
    changed
}

/// A file whose first box of a kind has other bytes from `offset` of its body on.
fn patched(bytes: &[u8], kind: &[u8; 4], offset: usize, with: &[u8]) -> Vec<u8> {
    let at = bytes.windows(4).position(|four| four == kind).unwrap() + 4 + offset;
    let mut changed = bytes.to_vec();
    changed[at..at + with.len()].copy_from_slice(with);
    changed
}

#[test]
fn a_video_is_told_by_its_bytes() {
    let video = inspected(&Clip::default().bytes()).unwrap();
    assert_eq!((video.kind, video.width, video.height, video.orientation), (VideoKind::Mp4, 640, 360, 1));
    assert_eq!((video.millis, video.codec.as_str(), video.has_sound), (4000, "avc1", true));
    assert_eq!((video.taken_at, video.gps, video.camera), (None, None, None));
    let clip = Clip { brand: *b"qt  ", codec: *b"hvc1", index_first: true, ..Clip::default() };
    let video = inspected(&clip.bytes()).unwrap();
    assert_eq!((video.kind.media_type(), video.codec.as_str()), ("video/quicktime", "hvc1"));
    for (turned, orientation) in
        [([1, 0, 0, 1], 1), ([0, 1, -1, 0], 6), ([-1, 0, 0, -1], 3), ([0, -1, 1, 0], 8), ([2, 0, 0, 1], 1)]
    {
        let video = inspected(&Clip { turned, ..Clip::default() }.bytes()).unwrap();
        assert_eq!(video.orientation, orientation, "{turned:?}");
    }
    assert!(is_video(&Clip::default().bytes()));
    for other in
        [&b"\0\0\0\x18ftypheic"[..], b"\0\0\0\x18ftypavif", b"\xff\xd8\xff\xe0", b"", b"\0\0\0\x18ftyp"]
    {
        assert!(!is_video(other), "{other:?}");
    }
}

#[test]
fn what_a_device_claims_is_read_and_believed_within_reason() {
    let with = |in_movie: Vec<u8>| {
        inspected(&Clip { in_movie, created: 3_855_431_550, ..Clip::default() }.bytes()).unwrap()
    };
    let place = LonLat { lon: 118.0799, lat: 24.4479 };
    let plain = with(xyz("+24.4479+118.0799/"));
    assert_eq!((plain.gps, plain.taken_at), (Some(place), "2026-03-04T09:12:30+08:00".parse().ok()));
    let mut named = vec![0; 6];
    named.extend(b"Xiamen\0\0");
    named.extend(
        [118.0799_f64, 24.4479, 0.0].iter().flat_map(|degrees| ((degrees * 65_536.0) as i32).to_be_bytes()),
    );
    let found = with(boxed(b"udta", &[&boxed(b"loci", &[&named])])).gps.unwrap();
    assert!((found.lon - place.lon).abs() < 1e-4 && (found.lat - place.lat).abs() < 1e-4, "{found:?}");
    let apple = with(keyed(&[
        ("com.apple.quicktime.location.ISO6709", "+24.4479+118.0799+012.345/"),
        ("com.apple.quicktime.creationdate", "2026-03-04T08:00:00+0800"),
        ("com.apple.quicktime.make", "Apple"),
        ("com.apple.quicktime.model", "iPhone 15"),
        ("else", "x"),
    ]));
    assert_eq!((apple.gps, apple.camera.as_deref()), (Some(place), Some("Apple iPhone 15")));
    assert_eq!(apple.taken_at, "2026-03-04T08:00:00+08:00".parse().ok());
    for nowhere in ["+00.0000+000.0000/", "+91.0+118.0/", "north", "", "+", "+24.4479", "+2+3/"] {
        assert_eq!(with(xyz(nowhere)).gps, None, "{nowhere}");
    }
    assert_eq!(inspected(&Clip { created: 1, ..Clip::default() }.bytes()).unwrap().taken_at, None, "1904");
}

#[test]
fn places_are_written_in_three_ways() {
    for (text, lon, lat) in [
        ("+24.5+118.25/", 118.25, 24.5),
        ("-24.5-118.25+10.0/", -118.25, -24.5),
        ("+2430+11815/", 118.25, 24.5),
        ("+2430.0+11815.0/", 118.25, 24.5),
        ("+243000+1181500.0/", 118.25, 24.5),
        ("+48+002CRSWGS_84/", 2.0, 48.0),
    ] {
        let found = claims::iso6709(text).unwrap();
        assert!((found.lon - lon).abs() < 1e-9 && (found.lat - lat).abs() < 1e-9, "{text}: {found:?}");
    }
    for text in ["24.5+118.25/", "+24.5118.25/", "+24.5+18.25/", "+245+11825/", "+24.5.0+118.25/", "+北+京/"]
    {
        assert_eq!(claims::iso6709(text), None, "{text}");
    }
}

#[test]
fn a_video_that_is_not_taken_says_why() {
    let clip = Clip::default();
    let whole = clip.bytes();
    let long = Clip { seconds: 62, ..clip.clone() }.bytes();
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "video_truncated"),
        ("an old codec", Clip { codec: *b"mp4v", ..clip.clone() }.bytes(), "video_codec_unsupported"),
        ("protected pictures", replaced(&whole, b"avc1", b"encv"), "video_encrypted"),
        (
            "a protected movie",
            Clip { in_movie: boxed(b"pssh", &[b"keys"]), ..clip.clone() }.bytes(),
            "video_encrypted",
        ),
        (
            "fragments",
            Clip { at_top: boxed(b"moof", &[b"more"]), ..clip.clone() }.bytes(),
            "video_fragmented",
        ),
        (
            "fragments to come",
            Clip { in_movie: boxed(b"mvex", &[b"more"]), ..clip.clone() }.bytes(),
            "video_fragmented",
        ),
        ("62 seconds", long.clone(), "video_too_long"),
        ("62 seconds whose head says 4", patched(&long, b"mvhd", 16, &numbers(&[4000])), "video_too_long"),
        ("no picture", replaced(&whole, b"vide", b"text"), "video_damaged"),
        ("sound alone", replaced(&whole, b"vide", b"soun"), "video_damaged"),
        ("no width", Clip { width: 0, ..clip.clone() }.bytes(), "video_damaged"),
        ("a giant", Clip { width: 8193, ..clip.clone() }.bytes(), "video_too_many_pixels"),
        ("no time", Clip { seconds: 0, ..clip.clone() }.bytes(), "video_damaged"),
        ("no unit of time", patched(&whole, b"mvhd", 12, &numbers(&[0])), "video_damaged"),
        (
            "other bytes than pictures",
            replaced(&whole, &[0, 0, 0, 21, 0x65], &[9, 9, 9, 9, 0x65]),
            "video_damaged",
        ),
        ("more samples than sizes", patched(&whole, b"stts", 8, &numbers(&[9])), "video_damaged"),
        ("more sizes than samples", patched(&whole, b"stsz", 8, &numbers(&[7])), "video_damaged"),
        ("a chunk in the index", patched(&whole, b"stco", 8, &numbers(&[10])), "video_damaged"),
        ("a chunk behind the end", patched(&whole, b"stco", 8, &numbers(&[1 << 30])), "video_truncated"),
        ("data elsewhere", patched(&whole, b"url ", 0, &[0; 4]), "video_damaged"),
        ("no index", replaced(&whole, b"moov", b"free"), "video_truncated"),
        ("no head", replaced(&whole, b"mvhd", b"free"), "video_damaged"),
        ("no table", replaced(&whole, b"stsc", b"free"), "video_damaged"),
        ("no kind", replaced(&whole, b"ftyp", b"free"), "video_damaged"),
    ];
    for (what, bytes, code) in rows {
        let refused = refused(&bytes);
        assert_eq!(refused.code(), code, "{what}: {refused}");
    }
    let limits = VideoLimits { bytes: whole.len() as u64 - 1, ..VideoLimits::default() };
    assert_eq!(inspect(Cursor::new(&whole), &limits).unwrap().unwrap_err().code(), "video_too_large");
    let minute = Clip { seconds: 60, ..clip }.bytes();
    assert_eq!(inspected(&minute).unwrap().millis, 60_000, "a minute is taken");
}

#[test]
fn a_cut_video_is_refused_wherever_it_is_cut() {
    for index_first in [false, true] {
        let whole = Clip { index_first, in_movie: xyz("+24.4479+118.0799/"), ..Clip::default() }.bytes();
        for sixteenth in 0..16 {
            let cut = &whole[..whole.len() * sixteenth / 16];
            assert_eq!(refused(cut), VideoError::Truncated, "{sixteenth}/16 of {}", whole.len());
        }
        for end in 0..whole.len() {
            assert_eq!(refused(&whole[..end]).code(), "video_truncated", "{end} of {}", whole.len());
        }
        assert!(inspected(&whole).is_ok());
    }
    // A last box that goes on to the end hides the cut from whoever only adds up boxes.
    let whole = Clip { index_first: true, ..Clip::default() }.bytes();
    let at = whole.windows(4).position(|four| four == b"mdat").unwrap() - 4;
    let mut open = whole.clone();
    open[at..at + 4].fill(0);
    assert!(inspected(&open).is_ok());
    assert_eq!(refused(&open[..open.len() - 20]), VideoError::Truncated);
}

/// A clip with everything in it that the public is not to see.
fn telling(brand: [u8; 4]) -> Vec<u8> {
    let mut in_movie = xyz("+24.4479+118.0799/");
    in_movie.extend(keyed(&[
        ("com.apple.quicktime.location.ISO6709", "+24.4479+118.0799/"),
        ("key", "SECRET-VALUE"),
    ]));
    in_movie.extend(boxed(b"XtrA", &[b"SECRET-OTHER"]));
    let mut at_top = boxed(b"uuid", &[b"0123456789abcdefSECRET-XMP"]);
    at_top.extend(boxed(b"meta", &[b"SECRET-META"]));
    at_top.extend(boxed(b"pnot", &[b"SECRET-PNOT"]));
    Clip { brand, in_movie, at_top, places: true, created: 3_855_431_550, ..Clip::default() }.bytes()
}

#[test]
fn the_public_copy_says_nothing_and_plays_the_same() {
    for brand in [*b"isom", *b"qt  "] {
        let original = telling(brand);
        let (before, copy) = (inspected(&original).unwrap(), public(&original));
        assert!(before.gps.is_some() && before.taken_at.is_some());
        assert_eq!(copy.len(), original.len());
        for secret in [&b"SECRET"[..], b"24.4479", b"quicktime", b"mebx", b"XtrA", b"uuid", b"udta", b"tref"]
        {
            assert!(
                !copy.windows(secret.len()).any(|found| found == secret),
                "{}",
                String::from_utf8_lossy(secret)
            );
        }
        let after = inspected(&copy).unwrap();
        assert_eq!((after.gps, after.taken_at, &after.camera), (None, None, &None));
        let shape = |video: &Video| (video.kind, video.width, video.height, video.millis, video.has_sound);
        assert_eq!(shape(&after), shape(&before));
        assert_eq!(public(&copy), copy, "done again, nothing changes");
        // The pictures and the sound stand where they stood.
        let piece = [0, 0, 0, 21, 0x65];
        let at = original.windows(5).position(|five| five == piece).unwrap();
        assert_eq!(copy[at..at + 25], original[at..at + 25]);
        assert_eq!(
            copy.windows(16).filter(|sample| *sample == [3; 16]).count(),
            1,
            "the last second of sound"
        );
    }
}

#[test]
fn a_copy_does_not_depend_on_the_portions_in_which_it_is_made() {
    struct Slow<'a>(&'a [u8], usize);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let some = self.0.len().min(self.1).min(buffer.len());
            buffer[..some].copy_from_slice(&self.0[..some]);
            self.0 = &self.0[some..];
            Ok(some)
        }
    }
    let original = telling(*b"isom");
    let video = inspected(&original).unwrap();
    for portion in [1, 2, 3, 7, 64] {
        let mut copy = Vec::new();
        write_public(&video, Slow(&original, portion), &mut copy).unwrap();
        assert!(copy == public(&original), "{portion}");
    }
}

#[test]
fn files_that_want_to_cost_much_cost_little() {
    let whole = Clip::default().bytes();
    // Sizes that are impossible, of every box that is looked at.
    for kind in
        [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stts", b"mvhd", b"avcC", b"elst", b"mdat"]
    {
        let Some(at) = whole.windows(4).position(|four| four == kind) else { continue };
        for size in [1, 2, 7, 0x7fff_ffff, u32::MAX] {
            let mut bad = whole.clone();
            bad[at - 4..at].copy_from_slice(&numbers(&[size]));
            refused(&bad);
        }
        // The long form, with 2^63 and with less than its own head.
        for size in [1_u64 << 63, u64::MAX, 15, 0] {
            let mut bad = whole.clone();
            bad[at - 4..at].copy_from_slice(&numbers(&[1]));
            bad[at + 4..at + 12].copy_from_slice(&size.to_be_bytes());
            refused(&bad);
        }
    }
    for table in [b"stts", b"stsc", b"stco"] {
        for count in [200_001, 1 << 29, u32::MAX] {
            refused(&patched(&whole, table, 4, &numbers(&[count])));
        }
    }
    for count in [200_001, u32::MAX] {
        refused(&patched(&whole, b"stsz", 8, &numbers(&[count])));
        // Samples of one size need no table.
        refused(&patched(&whole, b"stsz", 4, &numbers(&[u32::MAX, count])));
    }
    refused(&patched(&whole, b"stsc", 12, &numbers(&[u32::MAX])));
    refused(&patched(&whole, b"stts", 8, &numbers(&[u32::MAX, u32::MAX])));

    let ftyp = boxed(b"ftyp", &[b"isom", &[0; 4]]);
    // As deep as the file is long.
    let mut deep = Vec::new();
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta"].iter().cycle().take(5000) {
        let inner = deep;
        deep = [&numbers(&[inner.len() as u32 + 8]), kind.as_slice(), &inner].concat();
    }
    refused(&[ftyp.clone(), deep].concat());
    let many = boxed(b"free", &[]).repeat(20_000);
    refused(&[ftyp.clone(), many.clone()].concat());
    refused(&[ftyp.clone(), boxed(b"moov", &[&many])].concat());
    let tracks = boxed(b"trak", &[&boxed(b"mdia", &[&boxed(b"minf", &[])])]).repeat(1000);
    refused(&[ftyp.clone(), boxed(b"moov", &[&tracks])].concat());
    refused(&[ftyp, boxed(b"moov", &[&vec![0; 100_000]])].concat());
    // Tables of sample sizes in half bytes.
    let packed = replaced(&whole, b"stsz", b"stz2");
    for bits in [0, 3, 4, 8, 16, 255] {
        let told = inspected(&patched(&packed, b"stz2", 4, &numbers(&[bits])));
        assert!(told.is_err(), "{bits}");
    }
}

#[test]
fn a_placeholder_has_the_shape_of_the_video() {
    let limits = crate::picture::Limits::default();
    for (turned, width, height) in [([1, 0, 0, 1], 960, 540), ([0, 1, -1, 0], 540, 960)] {
        let video = inspected(&Clip { turned, ..Clip::default() }.bytes()).unwrap();
        let made = placeholder(&video).unwrap();
        let seen = crate::picture::inspect(&made.display, &limits).unwrap();
        assert_eq!((seen.width, seen.height), (width, height));
        assert_eq!(made.display_size, (width, height));
        let small = crate::picture::inspect(&made.thumbnail, &limits).unwrap();
        assert_eq!(small.width.max(small.height), 320);
    }
    for (width, height) in [(1, 1), (8192, 1), (1, 8192)] {
        let video = inspected(&Clip { width, height, ..Clip::default() }.bytes()).unwrap();
        assert!(placeholder(&video).is_ok(), "{width} x {height}");
    }
}

#[cfg(unix)]
#[test]
fn a_first_frame_comes_from_the_named_program_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    };
    let (video, patience) = (folder.path().join("a.mp4"), Duration::from_secs(20));
    let good = script("good", "for word; do case $word in file:*/a.mp4) printf picture;; esac; done");
    assert_eq!(first_frame(&good, &video, patience).unwrap(), b"picture");
    let empty = script("empty", "exit 0");
    assert!(matches!(first_frame(&empty, &video, patience), Err(PosterError::NoPicture)));
    let failing = script("failing", "printf half; exit 1");
    assert!(matches!(first_frame(&failing, &video, patience), Err(PosterError::NoPicture)));
    let slow = script("slow", "exec sleep 1000");
    assert!(matches!(first_frame(&slow, &video, Duration::ZERO), Err(PosterError::Slow(_))));
    assert!(matches!(first_frame(&folder.path().join("none"), &video, patience), Err(PosterError::Io(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn mutated_videos_never_panic(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = match which {
            0 => Clip::default().bytes(),
            1 => telling(*b"qt  "),
            _ => Clip { index_first: true, ..Clip::default() }.bytes(),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(video) = inspected(&bytes) {
            let mut copy = Vec::new();
            write_public(&video, bytes.as_slice(), &mut copy).unwrap();
            prop_assert_eq!(copy.len(), bytes.len());
            let again = inspected(&copy);
            prop_assert!(again.as_ref().is_ok_and(|again| again.gps.is_none() && again.taken_at.is_none()), "{:?}", again);
        }
    }

    #[test]
    fn bytes_at_random_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = inspected(&bytes);
        let _ = inspected(&[boxed(b"ftyp", &[b"isom", &[0; 4]]), boxed(b"moov", &[&bytes])].concat());
    }
}
