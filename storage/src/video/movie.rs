//! A whole file: its boxes, its tracks, and what of it is kept for the public.

use std::io::{Read, Seek};
use std::ops::Range;

use super::boxes::{Count, Found, top, within};
use super::claims::Claims;
use super::error::{VideoError, damaged};
use super::strip::{Plan, merged};
use super::track::{self, Clock, Track};
use super::window::Window;
use super::{Video, VideoKind, VideoLimits};

/// Tracks of one file.
const MAX_TRACKS: usize = 32;
/// Codecs of pictures that browsers show, and of sound that they play.
const PICTURES: [&[u8; 4]; 5] = [b"avc1", b"avc3", b"hvc1", b"hev1", b"av01"];
const SOUNDS: [&[u8; 4]; 2] = [b"mp4a", b"Opus"];

/// Reads a file.
pub(super) fn read<R: Read + Seek>(
    window: &mut Window<R>,
    limits: &VideoLimits,
) -> Result<Video, VideoError> {
    if window.length() > limits.bytes {
        return Err(VideoError::TooManyBytes { bytes: window.length(), limit: limits.bytes });
    }
    let mut count = Count::default();
    let mut plan = Plan::default();
    let boxes = top(window, &mut count)?;
    let mut movie = None;
    let mut media = Vec::new();
    for one in &boxes {
        match &one.kind {
            b"ftyp" => {}
            b"moov" if movie.is_none() => movie = Some(one),
            b"moov" => return damaged("it has two indexes"),
            b"moof" => return Err(VideoError::Fragmented),
            b"mdat" => media.push(one.body.clone()),
            // A box of nothing is as it shall be once its bytes are zeros.
            b"free" | b"skip" | b"wide" => plan.zero(one.body.clone()),
            _ => plan.forget(one),
        }
    }
    // Recorders write the index last, so a recording that was broken off has none.
    let movie = movie.ok_or(VideoError::Truncated)?;
    let (clock, claims, tracks) = index(window, movie, &mut plan, &mut count)?;
    let kind = kind(window, boxes.first())?;
    finish(window, limits, kind, (clock, claims, tracks), (plan, media))
}

fn kind<R: Read + Seek>(window: &mut Window<R>, first: Option<&Found>) -> Result<VideoKind, VideoError> {
    let Some(first) = first.filter(|first| first.kind == *b"ftyp") else {
        return damaged("it does not say what it is");
    };
    let brand: [u8; 4] = window.array(first.field(0, 4)?)?;
    Ok(if brand == *b"qt  " { VideoKind::Mov } else { VideoKind::Mp4 })
}

type Index = (Clock, Claims, Vec<Track>);

/// Reads the `moov`.
fn index<R: Read + Seek>(
    window: &mut Window<R>,
    movie: &Found,
    plan: &mut Plan,
    count: &mut Count,
) -> Result<Index, VideoError> {
    let mut clock = None;
    let mut claims = Claims::default();
    let mut tracks = Vec::new();
    for one in within(window, movie.body.clone(), count)? {
        match &one.kind {
            b"mvhd" => clock = Some(Clock::read(window, &one, plan)?),
            b"trak" if tracks.len() < MAX_TRACKS => tracks.push(track::read(window, &one, count)?),
            b"trak" => return damaged("it has too many tracks"),
            b"mvex" => return Err(VideoError::Fragmented),
            b"pssh" => return Err(VideoError::Encrypted),
            _ => {
                if matches!(&one.kind, b"udta" | b"meta") {
                    claims.read(window, &one, count);
                }
                plan.forget(&one);
            }
        }
    }
    let Some(clock) = clock else { return damaged("its index has no head") };
    claims.created(clock.created);
    Ok((clock, claims, tracks))
}

/// Puts together what is known, checks it against the limits, and completes the plan.
fn finish<R: Read + Seek>(
    window: &mut Window<R>,
    limits: &VideoLimits,
    kind: VideoKind,
    (clock, claims, mut tracks): Index,
    (mut plan, media): (Plan, Vec<Range<u64>>),
) -> Result<Video, VideoError> {
    let position = |handler: &[u8; 4], codecs: &[&[u8; 4]]| {
        let fits = |track: &Track| track.handler == *handler && codecs.contains(&&track.codec);
        tracks.iter().position(fits)
    };
    let (seen, heard) = (position(b"vide", &PICTURES), position(b"soun", &SOUNDS));
    let Some(seen) = seen else { return Err(no_picture(&tracks)) };
    let mut millis = clock.millis(clock.duration)?;
    let mut kept = Vec::new();
    for (place, track) in tracks.iter_mut().enumerate() {
        if Some(place) != heard && place != seen {
            plan.forget(&track.found);
            continue;
        }
        let samples = track.samples(window)?;
        millis = millis.max(track.millis(&samples)?);
        if place == seen {
            check(track, limits)?;
            track.check_first(window, &samples)?;
        }
        kept.extend(samples.chunks);
        plan.absorb(track.plan());
    }
    if millis == 0 {
        return damaged("it lasts no time");
    }
    if millis > limits.millis {
        return Err(VideoError::TooLong { millis, limit: limits.millis });
    }
    let is_in = |chunk: &Range<u64>| {
        chunk.is_empty() || media.iter().any(|data| data.start <= chunk.start && chunk.end <= data.end)
    };
    if media.len() > 64 || !kept.iter().all(is_in) {
        return damaged("its index points outside of its data");
    }
    plan.keep_only(&media, &merged(kept));
    let Some(picture) = tracks.get(seen) else { return Err(VideoError::NoPicture) };
    Ok(Video {
        kind,
        width: picture.width,
        height: picture.height,
        orientation: picture.orientation,
        millis,
        codec: String::from_utf8_lossy(&picture.codec).into_owned(),
        has_sound: heard.is_some(),
        taken_at: claims.taken_at,
        gps: claims.gps,
        camera: claims.camera(),
        plan: plan.in_order(),
    })
}

/// Why there is no picture track that is accepted.
fn no_picture(tracks: &[Track]) -> VideoError {
    match tracks.iter().find(|track| track.handler == *b"vide") {
        Some(track) => {
            let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' };
            VideoError::UnsupportedCodec { found: track.codec.iter().map(shown).collect() }
        }
        None => VideoError::NoPicture,
    }
}

fn check(picture: &Track, limits: &VideoLimits) -> Result<(), VideoError> {
    let (width, height) = (picture.width, picture.height);
    if width == 0 || height == 0 {
        return damaged("its pictures have no width or no height");
    }
    if width.max(height) > limits.side {
        return Err(VideoError::TooManyPixels { width, height, limit: limits.side });
    }
    Ok(())
}
