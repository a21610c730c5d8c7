//! One track: what kind it is, its codec and times, and where its samples lie. While it is read, the plan of the public copy
//! forgets every box in it that is not known to be needed.

use std::io::{Read, Seek};

use super::boxes::{Count, Found, within};
use super::error::{VideoError, damaged};
use super::samples::{self, Samples, Tables};
use super::strip::Plan;
use super::window::Window;

/// Longest description of a codec, in bytes; most of one track.
const MAX_ENTRY: u64 = 64 << 10;
const MAX_ENTRIES: u32 = 8;
/// Pieces of the first picture that are looked at.
const MAX_PIECES: u32 = 4096;

/// A head of a movie, track or medium: where its times stand, and its units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) created: u64,
    pub(super) scale: u64,
    pub(super) duration: u64,
}

impl Clock {
    /// Reads an `mvhd` or `mdhd`, whose heads are alike, and lets the copy forget when they were written.
    pub(super) fn read<R: Read + Seek>(
        window: &mut Window<R>,
        found: &Found,
        plan: &mut Plan,
    ) -> Result<Self, VideoError> {
        let long = window.array::<1>(found.field(0, 1)?)? == [1];
        let (times, scale) = if long { (16, 20) } else { (8, 12) };
        let start = found.field(4, times)?;
        plan.zero(start..start + times);
        let created = if long { window.u64(start)? } else { u64::from(window.u32(start)?) };
        let duration = found.field(scale + 4, if long { 8 } else { 4 })?;
        let duration = if long { window.u64(duration)? } else { u64::from(window.u32(duration)?) };
        // All ones say that nobody knew.
        let unknown = if long { u64::MAX } else { u64::from(u32::MAX) };
        let duration = if duration == unknown { 0 } else { duration };
        Ok(Self { created, scale: u64::from(window.u32(found.field(scale, 4)?)?), duration })
    }

    /// A duration in these units, milliseconds.
    pub(super) fn millis(&self, duration: u64) -> Result<u64, VideoError> {
        let millis = (u128::from(duration) * 1000).checked_div(u128::from(self.scale));
        match millis {
            Some(millis) => Ok(u64::try_from(millis).unwrap_or(u64::MAX)),
            None => damaged("it has no unit of time"),
        }
    }
}

/// A track.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) found: Found,
    /// `vide`, `soun`, or another kind of data.
    pub(super) handler: [u8; 4],
    pub(super) codec: [u8; 4],
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: u8,
    pub(super) clock: Clock,
    pub(super) tables: Tables,
    /// How many bytes give the length of a piece of a picture, and whether they are those of HEVC.
    pieces: Option<(usize, bool)>,
    plan: Plan,
}

impl Track {
    /// Lets the copy keep what this track needs; the plan of a track that is not kept is not taken over.
    pub(super) fn plan(&mut self) -> Plan {
        std::mem::take(&mut self.plan)
    }

    /// Reads where the samples of a track lie that must be playable.
    pub(super) fn samples<R: Read + Seek>(&self, window: &mut Window<R>) -> Result<Samples, VideoError> {
        samples::read(window, &self.tables)
    }

    /// How long it lasts, milliseconds: the longer of what its head says and what its samples come to.
    pub(super) fn millis(&self, samples: &Samples) -> Result<u64, VideoError> {
        Ok(self.clock.millis(self.clock.duration)?.max(self.clock.millis(samples.duration)?))
    }

    /// Looks whether the first picture is made of the pieces that its codec has. It is the cheapest sight of a file that has
    /// the right tables around arbitrary bytes.
    pub(super) fn check_first<R: Read + Seek>(
        &self,
        window: &mut Window<R>,
        samples: &Samples,
    ) -> Result<(), VideoError> {
        let Some((width, is_hevc)) = self.pieces else { return Ok(()) };
        let wrong = "its first picture cannot be read";
        let Some(start) = samples.chunks.first().map(|chunk| chunk.start) else { return damaged(wrong) };
        let (mut at, end) = (start, start.saturating_add(samples.first));
        for _ in 0..MAX_PIECES {
            if at == end {
                return if at > start { Ok(()) } else { damaged(wrong) };
            }
            if end - at <= width as u64 {
                return damaged(wrong);
            }
            let length = window.bytes(at, width)?.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
            let [head] = window.array(at + width as u64)?;
            at += width as u64 + length;
            // The first bit is never set; H.264 has no piece of the kind 0.
            let is_piece = head & 0x80 == 0 && (is_hevc || head & 0x1f != 0);
            if length == 0 || at > end || !is_piece {
                return damaged(wrong);
            }
        }
        Ok(())
    }
}

/// Reads a `trak`.
pub(super) fn read<R: Read + Seek>(
    window: &mut Window<R>,
    found: &Found,
    count: &mut Count,
) -> Result<Track, VideoError> {
    let mut track = Track {
        found: found.clone(),
        handler: [0; 4],
        codec: [0; 4],
        width: 0,
        height: 0,
        orientation: 1,
        clock: Clock { created: 0, scale: 0, duration: 0 },
        tables: Tables::default(),
        pieces: None,
        plan: Plan::default(),
    };
    let mut medium = None;
    for one in within(window, found.body.clone(), count)? {
        match &one.kind {
            b"tkhd" => track.head(window, &one)?,
            b"edts" => track.keep(window, &one, &[b"elst"], count)?,
            b"mdia" => medium = Some(one),
            _ => track.plan.forget(&one),
        }
    }
    let Some(medium) = medium else { return damaged("a track has no medium") };
    let mut information = None;
    for one in within(window, medium.body, count)? {
        match &one.kind {
            b"mdhd" => track.clock = Clock::read(window, &one, &mut track.plan)?,
            b"hdlr" => track.handler = handler(window, &one, &mut track.plan)?,
            b"minf" => information = Some(one),
            _ => track.plan.forget(&one),
        }
    }
    let Some(information) = information else { return damaged("a track has no samples") };
    track.information(window, information, count)?;
    Ok(track)
}

/// The kind of a handler; its name is free text.
fn handler<R: Read + Seek>(
    window: &mut Window<R>,
    found: &Found,
    plan: &mut Plan,
) -> Result<[u8; 4], VideoError> {
    let kind = window.array(found.field(8, 4)?)?;
    let name = found.field(24, 0).unwrap_or(found.body.end);
    plan.zero(name..found.body.end);
    Ok(kind)
}

impl Track {
    /// Keeps of a box only children of the named kinds.
    fn keep<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &Found,
        kinds: &[&[u8; 4]],
        count: &mut Count,
    ) -> Result<(), VideoError> {
        for one in within(window, found.body.clone(), count)? {
            if !kinds.contains(&&one.kind) {
                self.plan.forget(&one);
            }
        }
        Ok(())
    }

    /// The head of a track: its times, and how its pictures are turned.
    fn head<R: Read + Seek>(&mut self, window: &mut Window<R>, found: &Found) -> Result<(), VideoError> {
        let long = window.array::<1>(found.field(0, 1)?)? == [1];
        let (times, matrix) = if long { (16, 52) } else { (8, 40) };
        let start = found.field(4, times)?;
        self.plan.zero(start..start + times);
        let at = found.field(matrix, 36)?;
        let mut number = |place: u64| window.u32(at + 4 * place);
        let one = 1 << 16;
        self.orientation = match (number(0)?, number(1)?, number(3)?, number(4)?) {
            (0, b, c, 0) if b == one && c == one.wrapping_neg() => 6,
            (a, 0, 0, d) if a == one.wrapping_neg() && d == a => 3,
            (0, b, c, 0) if b == one.wrapping_neg() && c == one => 8,
            _ => 1,
        };
        Ok(())
    }

    fn information<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        information: Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        for one in within(window, information.body, count)? {
            match &one.kind {
                b"vmhd" | b"smhd" => {}
                b"hdlr" => drop(handler(window, &one, &mut self.plan)?),
                b"dinf" => self.references(window, &one, count)?,
                b"stbl" => self.table(window, &one, count)?,
                _ => self.plan.forget(&one),
            }
        }
        Ok(())
    }

    /// Where the samples lie: in this file. What else such a reference says, such as a path, is forgotten.
    fn references<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        for list in within(window, found.body.clone(), count)? {
            if list.kind != *b"dref" {
                self.plan.forget(&list);
                continue;
            }
            for one in within(window, list.field(8, 0)?..list.body.end, count)? {
                if window.u32(one.field(0, 4)?)? & 1 == 0 {
                    return damaged("its samples lie in another file");
                }
                self.plan.zero(one.body.start + 4..one.body.end);
            }
        }
        Ok(())
    }

    fn table<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        for one in within(window, found.body.clone(), count)? {
            let place = match &one.kind {
                b"stsd" => {
                    self.descriptions(window, &one, count)?;
                    continue;
                }
                b"stts" => &mut self.tables.times,
                b"stsz" => &mut self.tables.sizes,
                b"stz2" => &mut self.tables.packed_sizes,
                b"stsc" => &mut self.tables.chunks,
                b"stco" => &mut self.tables.offsets,
                b"co64" => &mut self.tables.long_offsets,
                b"stss" | b"ctts" | b"cslg" | b"sdtp" | b"sgpd" | b"sbgp" => continue,
                _ => {
                    self.plan.forget(&one);
                    continue;
                }
            };
            if place.replace(one).is_some() {
                return damaged("a table of its samples is there twice");
            }
        }
        Ok(())
    }

    /// The descriptions of the codec: all of one kind, or the track is of none.
    fn descriptions<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        if window.u32(found.field(4, 4)?)? > MAX_ENTRIES {
            return damaged("a track has too many codecs");
        }
        for (place, one) in within(window, found.field(8, 0)?..found.body.end, count)?.iter().enumerate() {
            if one.length() > MAX_ENTRY {
                return damaged("the description of a codec is too long");
            }
            if matches!(&one.kind, b"encv" | b"enca" | b"drmi" | b"drms") {
                return Err(VideoError::Encrypted);
            }
            if place > 0 && one.kind != self.codec {
                return Err(VideoError::UnsupportedCodec { found: "mixed".to_owned() });
            }
            self.codec = one.kind;
            match &self.handler {
                b"vide" => self.picture(window, one, count)?,
                b"soun" => self.sound(window, one, count)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn picture<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        entry: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        self.width = u32::from(window.u16(entry.field(24, 2)?)?);
        self.height = u32::from(window.u16(entry.field(26, 2)?)?);
        // The name of the encoder is free text.
        let name = entry.field(42, 32)?;
        self.plan.zero(name..name + 32);
        for one in within(window, entry.field(78, 0)?..entry.body.end, count)? {
            match &one.kind {
                b"avcC" => self.pieces = Some((width(window, &one, 4)?, false)),
                b"hvcC" => self.pieces = Some((width(window, &one, 21)?, true)),
                b"sinf" => return Err(VideoError::Encrypted),
                b"av1C" | b"vpcC" | b"colr" | b"pasp" | b"clap" | b"btrt" | b"fiel" | b"mdcv" | b"clli"
                | b"dvcC" | b"dvvC" => {}
                _ => self.plan.forget(&one),
            }
        }
        Ok(())
    }

    fn sound<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        entry: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        // Later versions of QuickTime's description have more fields.
        let more = match window.u16(entry.field(8, 2)?)? {
            1 => 16,
            2 => 36,
            _ => 0,
        };
        for one in within(window, entry.field(28 + more, 0)?..entry.body.end, count)? {
            match &one.kind {
                b"esds" | b"wave" | b"chan" | b"btrt" | b"dOps" => {}
                b"sinf" => return Err(VideoError::Encrypted),
                _ => self.plan.forget(&one),
            }
        }
        Ok(())
    }
}

/// How many bytes give a length, by the low bits of a byte of the codec's configuration.
fn width<R: Read + Seek>(window: &mut Window<R>, found: &Found, at: u64) -> Result<usize, VideoError> {
    let [byte] = window.array(found.field(at, 1)?)?;
    Ok(usize::from(byte & 3) + 1)
}
