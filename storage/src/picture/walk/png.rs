//! The chunks of a PNG (ISO/IEC 15948, PNG third edition).

use super::super::Limits;
use super::super::error::PictureError;
use super::super::source::Source;
use super::{Outline, Profile};

/// DEFLATE cannot expand by more than this factor: 258 bytes from two bits.
const MAX_EXPANSION: u64 = 1032;

/// Walks from the signature to IEND.
pub(super) fn walk(source: &mut impl Source, limits: &Limits) -> Result<Outline, PictureError> {
    let header = Header::parse(source)?;
    limits.check_size(header.width, header.height)?;
    let (mut exif, mut data_bytes, mut at) = (None, 0u64, 33usize);
    let mut profile = Profile { is_packed: true, ..Profile::default() };
    loop {
        let length = u32::from_be_bytes(source.take(at)?) as usize;
        let name: [u8; 4] = source.take(at + 4)?;
        // Cut short or not, a chunk reaches at most to the end of the file.
        source.reaches(at + 8, length.saturating_add(4))?;
        match &name {
            b"IEND" => break,
            b"IDAT" => data_bytes += length as u64,
            b"eXIf" => exif = exif.or(Some(at + 8..at + 8 + length)),
            b"iCCP" if data_bytes == 0 => profile.add(at + 8..at + 8 + length),
            b"IHDR" => return Err(PictureError::Damaged { what: "the PNG has a second header" }),
            _ => {}
        }
        at += 12 + length;
    }
    if data_bytes == 0 {
        return Err(PictureError::Damaged { what: "the PNG has no image data" });
    }
    if data_bytes.saturating_mul(MAX_EXPANSION) < header.raw_bytes() {
        return Err(PictureError::Truncated);
    }
    let memory = header.memory();
    Ok(Outline { width: header.width, height: header.height, exif, profile, memory })
}

struct Header {
    width: u32,
    height: u32,
    bits_per_pixel: u64,
}

impl Header {
    /// IHDR, which must be the first chunk, with its checksum.
    fn parse(source: &mut impl Source) -> Result<Self, PictureError> {
        let name: [u8; 4] = source.take(12)?;
        if &name == b"CgBI" {
            return Err(PictureError::UnsupportedType { found: "PNG in Apple's private format" });
        }
        if &name != b"IHDR" || source.take(8)? != 13u32.to_be_bytes() {
            return Err(PictureError::Damaged { what: "the PNG does not start with its header" });
        }
        if source.take(29)? != crc32(&source.take::<17>(12)?).to_be_bytes() {
            return Err(PictureError::Damaged { what: "the checksum of the PNG header is wrong" });
        }
        let [depth, colour] = source.take::<2>(24)?;
        let samples = match (colour, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (2, 8 | 16) => 3,
            (4, 8 | 16) => 2,
            (6, 8 | 16) => 4,
            _ => return Err(PictureError::Damaged { what: "the PNG has an impossible colour type" }),
        };
        Ok(Self {
            width: u32::from_be_bytes(source.take(16)?),
            height: u32::from_be_bytes(source.take(20)?),
            bits_per_pixel: samples * u64::from(depth),
        })
    }

    /// Bytes that decoding takes at most: 8 bits for each channel of each pixel, up to four, and some rows.
    fn memory(&self) -> u64 {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        width * height * 4 + width * 32 + (1 << 20)
    }

    /// Bytes of all rows before compression, at least.
    fn raw_bytes(&self) -> u64 {
        let row = (u64::from(self.width).saturating_mul(self.bits_per_pixel)).div_ceil(8);
        row.saturating_add(1).saturating_mul(u64::from(self.height))
    }
}

/// CRC-32 of ISO 3309, bit by bit: it only ever sees the 17 bytes of a header.
pub(in super::super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
