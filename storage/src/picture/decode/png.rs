//! PNG, up to its image data.

use super::super::error::PictureError;
use super::super::raster::{buffer, opaque};
use super::super::walk::{self, Profile};
use super::super::{Inspected, Limits, PictureKind};
use super::bare::Watched;
use super::{Decoded, Stop, UNDECODABLE};

/// Text and colour profiles, which may unpack to any size, are not read by the decoder.
pub(in super::super) fn reader<'a>(
    bytes: &'a [u8],
    stop: &'a Stop,
) -> Result<png::Reader<Watched<'a>>, PictureError> {
    let mut decoder = png::Decoder::new_with_limits(Watched::new(bytes, stop), png::Limits::default());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.read_info().map_err(|_| UNDECODABLE)
}

/// Palette and 16 bits are expanded to 8 bits per channel.
pub(super) fn decode(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    stop: &Stop,
) -> Result<Decoded, PictureError> {
    let (width, height) = (inspected.width, inspected.height);
    let outline = walk::walk(PictureKind::Png, &mut { bytes }, limits)?;
    let mut reader = reader(bytes, stop)?;
    let channels = reader.output_color_type().0.samples();
    let len = width as usize * height as usize * channels;
    if reader.output_buffer_size() != Some(len) {
        return Err(UNDECODABLE);
    }
    let mut data = buffer(len)?;
    let frame = reader.next_frame(&mut data).map_err(|_| UNDECODABLE)?;
    // The first frame of an APNG fills the canvas; where it does not, the rest of the buffer means nothing.
    if (frame.width, frame.height) != (width, height) {
        return Err(UNDECODABLE);
    }
    Ok(Decoded::whole(opaque(width, height, channels, data), unpacked(bytes, &outline.profile)))
}

/// The profile of an iCCP chunk: a name, a zero, the method, and a zlib stream, of which only so much is unpacked
/// as a profile may have.
fn unpacked(bytes: &[u8], profile: &Profile) -> Option<Vec<u8>> {
    let [part] = &profile.parts[..] else { return None };
    let chunk = bytes.get(part.clone())?;
    let name = chunk.iter().position(|&byte| byte == 0)?;
    let stream = chunk.get(name + 2..)?;
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(stream, Profile::MAX_BYTES).ok()
}
