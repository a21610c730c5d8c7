//! Where the samples of a track lie: the tables of a `stbl`, each bounded, read one after the other.

use std::io::{Read, Seek};
use std::ops::Range;

use super::boxes::Found;
use super::error::{VideoError, damaged};
use super::window::Window;

/// Rows of one table. A minute at 240 pictures a second has 14,400 samples.
const MAX_ROWS: u64 = 200_000;

/// The tables of a track, as far as they have been found.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) times: Option<Found>,
    pub(super) sizes: Option<Found>,
    pub(super) packed_sizes: Option<Found>,
    pub(super) chunks: Option<Found>,
    pub(super) offsets: Option<Found>,
    pub(super) long_offsets: Option<Found>,
}

/// Where the samples are, and how long they last.
#[derive(Debug)]
pub(super) struct Samples {
    /// The bytes of each chunk, in the order of the file's table.
    pub(super) chunks: Vec<Range<u64>>,
    /// Bytes of the first sample, which begins the first chunk.
    pub(super) first: u64,
    /// How long they last together, in units of the track.
    pub(super) duration: u64,
}

enum Sizes {
    All(u64, u64),
    Each(Vec<u32>),
}

impl Sizes {
    fn count(&self) -> u64 {
        match self {
            Self::All(count, _) => *count,
            Self::Each(sizes) => sizes.len() as u64,
        }
    }

    /// Bytes of `many` samples from the one numbered `from` on; `None` where there are not so many.
    fn sum(&self, from: u64, many: u64) -> Option<u64> {
        let end = from.checked_add(many).filter(|end| *end <= self.count())?;
        match self {
            Self::All(_, size) => many.checked_mul(*size),
            Self::Each(sizes) => {
                let range = usize::try_from(from).ok()?..usize::try_from(end).ok()?;
                Some(sizes.get(range)?.iter().map(|size| u64::from(*size)).sum())
            }
        }
    }
}

/// Reads the tables of a track that must be playable.
pub(super) fn read<R: Read + Seek>(window: &mut Window<R>, tables: &Tables) -> Result<Samples, VideoError> {
    let sizes = sizes(window, tables)?;
    let (count, duration) = times(window, tables)?;
    if sizes.count() == 0 || count != sizes.count() {
        return damaged("the tables of its samples do not agree");
    }
    let offsets = offsets(window, tables)?;
    let runs = rows(window, tables.chunks.as_ref(), 8, 3)?;
    let mut chunks = Vec::with_capacity(offsets.len());
    let (mut run, mut sample) = (0, 0);
    for (place, start) in offsets.iter().enumerate() {
        let number = place as u64 + 1;
        // The run that holds from this chunk on; their first chunks ascend.
        let of_run = |run: usize| runs.chunks_exact(3).nth(run).filter(|row| u64::from(row[0]) <= number);
        while of_run(run + 1).is_some() {
            run += 1;
        }
        let many = of_run(run).map_or(0, |row| u64::from(row[1]));
        let bytes = sizes.sum(sample, many).filter(|_| many > 0);
        let end = bytes.and_then(|bytes| start.checked_add(bytes));
        let Some(end) = end else { return damaged("its index counts other samples than it has") };
        if end > window.length() {
            return Err(VideoError::Truncated);
        }
        chunks.push(*start..end);
        sample += many;
    }
    if sample != sizes.count() {
        return damaged("its index counts other samples than it has");
    }
    let first = sizes.sum(0, 1).unwrap_or_default();
    Ok(Samples { chunks, first, duration })
}

/// How many rows of `width` bytes a table has whose number stands at `at` of its body.
fn count<R: Read + Seek>(
    window: &mut Window<R>,
    table: &Found,
    at: u64,
    width: u64,
) -> Result<u64, VideoError> {
    let count = u64::from(window.u32(table.field(at, 4)?)?);
    if count > MAX_ROWS {
        return damaged("a table of its samples is too long");
    }
    table.field(at + 4, count * width)?;
    Ok(count)
}

/// The rows of a table as numbers of 32 bits, row after row, `columns` in each; how many rows stands at byte 4.
fn rows<R: Read + Seek>(
    window: &mut Window<R>,
    table: Option<&Found>,
    from: u64,
    columns: usize,
) -> Result<Vec<u32>, VideoError> {
    let Some(table) = table else { return damaged("a table of its samples is missing") };
    let count = count(window, table, 4, 4 * columns as u64)?;
    let bytes = window.bytes(table.field(from, 0)?, count as usize * 4 * columns)?;
    Ok(bytes.chunks_exact(4).map(number).collect())
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn times<R: Read + Seek>(window: &mut Window<R>, tables: &Tables) -> Result<(u64, u64), VideoError> {
    let mut sum = (0_u64, 0_u64);
    for row in rows(window, tables.times.as_ref(), 8, 2)?.chunks_exact(2) {
        let [many, each] = [row[0], row[1]].map(u64::from);
        sum = (sum.0 + many, sum.1.saturating_add(many * each));
    }
    Ok(sum)
}

fn sizes<R: Read + Seek>(window: &mut Window<R>, tables: &Tables) -> Result<Sizes, VideoError> {
    if let Some(table) = &tables.sizes {
        let size = window.u32(table.field(4, 4)?)?;
        let many = u64::from(window.u32(table.field(8, 4)?)?);
        if size > 0 {
            return Ok(Sizes::All(many, u64::from(size)));
        }
        let many = count(window, table, 8, 4)?;
        let bytes = window.bytes(table.field(12, 0)?, many as usize * 4)?;
        return Ok(Sizes::Each(bytes.chunks_exact(4).map(number).collect()));
    }
    let Some(table) = &tables.packed_sizes else { return damaged("a table of its samples is missing") };
    let bits = window.u32(table.field(4, 4)?)? & 0xff;
    let many = count(window, table, 8, 0)?;
    let length = (many * u64::from(bits)).div_ceil(8);
    let bytes = window.bytes(table.field(12, length)?, length as usize)?;
    let each: Vec<u32> = match bits {
        4 => bytes.iter().flat_map(|two| [two >> 4, two & 15]).map(u32::from).take(many as usize).collect(),
        8 => bytes.iter().map(|size| u32::from(*size)).collect(),
        16 => bytes.chunks_exact(2).map(number).collect(),
        _ => return damaged("a table of its samples is malformed"),
    };
    Ok(Sizes::Each(each))
}

fn offsets<R: Read + Seek>(window: &mut Window<R>, tables: &Tables) -> Result<Vec<u64>, VideoError> {
    if tables.offsets.is_some() {
        let rows = rows(window, tables.offsets.as_ref(), 8, 1)?;
        return Ok(rows.into_iter().map(u64::from).collect());
    }
    let rows = rows(window, tables.long_offsets.as_ref(), 8, 2)?;
    Ok(rows.chunks_exact(2).map(|row| u64::from(row[0]) << 32 | u64::from(row[1])).collect())
}
