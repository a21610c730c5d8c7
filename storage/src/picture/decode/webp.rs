//! WebP. A lossy picture without transparency, which is what cameras and chat programs write, goes through libwebp
//! and stays in planes; the rest, whose decoding is more involved, through a decoder in Rust.

use std::borrow::Cow;
use std::ops::Range;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;

use super::super::error::PictureError;
use super::super::raster::{Pixels, Plane, Planes, buffer, fit, opaque};
use super::super::render::DISPLAY_SIDE;
use super::super::walk::webp;
use super::super::{Inspected, Limits};
use super::bare::Watched;
use super::{Decoded, Raster, Stop, UNDECODABLE, profile_bytes};

/// Bytes of the headers of the container and of its first chunk.
const HEADERS: usize = 20;

/// The first frame where it is animated.
pub(super) fn decode(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    stop: &Stop,
) -> Result<Decoded, PictureError> {
    let walked = webp::walk(&mut { bytes }, limits)?;
    let profile = profile_bytes(bytes, &walked.outline.profile);
    let lossy = walked.lossy.and_then(|body| alone(bytes, body));
    if let Some(raster) = lossy.and_then(|bare| lossy_raster(&bare, inspected)) {
        return Ok(Decoded { raster, damaged: false, snapped: false, profile });
    }
    any(bytes, inspected, stop).map(|pixels| Decoded::whole(pixels, profile))
}

/// The bitstream `body` in a container of its own: the C code sees no other chunk. Most files are just that already.
fn alone(bytes: &[u8], body: Range<usize>) -> Option<Cow<'_, [u8]>> {
    let length = u32::try_from(body.len()).ok()?;
    let padded = length.checked_add(length & 1)?;
    let declared = padded.checked_add(12)?;
    if body.start == HEADERS && bytes.get(4..8) == Some(&declared.to_le_bytes()) {
        return bytes.get(..HEADERS + padded as usize).map(Cow::Borrowed);
    }
    let body = bytes.get(body)?;
    let mut bare = Vec::with_capacity(HEADERS + padded as usize);
    bare.extend_from_slice(b"RIFF");
    bare.extend_from_slice(&declared.to_le_bytes());
    bare.extend_from_slice(b"WEBPVP8 ");
    bare.extend_from_slice(&length.to_le_bytes());
    bare.extend_from_slice(body);
    bare.resize(HEADERS + padded as usize, 0);
    Some(Cow::Owned(bare))
}

/// What is larger than the rendition is made smaller row by row while it is decoded, so that the whole of it is never in
/// memory; what is not, stays in planes.
fn lossy_raster(bare: &[u8], inspected: &Inspected) -> Option<Raster> {
    let size = (inspected.width, inspected.height);
    let (width, height) = fit(size.0, size.1, DISPLAY_SIDE);
    if (width, height) == size {
        return lossy_planes(bare, inspected).map(Raster::Planes);
    }
    let decoder = webpx::Decoder::new(bare).ok()?;
    let info = decoder.info();
    if (info.width, info.height) != size {
        return None;
    }
    let (data, width, height) = decoder.scale(width, height).decode_rgb_raw().ok()?;
    Some(Raster::Pixels(Pixels { width, height, channels: 3, data }))
}

fn lossy_planes(bare: &[u8], inspected: &Inspected) -> Option<Planes> {
    let made = webpx::decode_yuv(bare).ok()?;
    if (made.width, made.height) != (inspected.width, inspected.height) {
        return None;
    }
    let (width, height) = (made.width as usize, made.height as usize);
    let luma = Plane { width, height, stride: made.y_stride, data: made.y };
    let (width, height) = (width.div_ceil(2), height.div_ceil(2));
    let blue = Plane { width, height, stride: made.u_stride, data: made.u };
    let red = Plane { width, height, stride: made.v_stride, data: made.v };
    // VP8 stores video levels (RFC 6386, 9.2); they are spread when the picture is small.
    Some(Planes::new(luma, Some([blue, red]), (2, 2))?.with_video_levels())
}

fn any(bytes: &[u8], inspected: &Inspected, stop: &Stop) -> Result<Pixels, PictureError> {
    let (width, height) = (inspected.width, inspected.height);
    let mut decoder = WebPDecoder::new(Watched::new(bytes, stop)).map_err(|_| UNDECODABLE)?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(width);
    limits.max_image_height = Some(height);
    decoder.set_limits(limits).map_err(|_| UNDECODABLE)?;
    if decoder.has_animation() {
        decoder.set_background_color(image::Rgba([255; 4])).map_err(|_| UNDECODABLE)?;
    }
    let channels = usize::from(decoder.color_type().channel_count());
    let len = width as usize * height as usize * channels;
    if decoder.total_bytes() != len as u64 {
        return Err(UNDECODABLE);
    }
    let mut data = buffer(len)?;
    decoder.read_image(&mut data).map_err(|_| UNDECODABLE)?;
    Ok(opaque(width, height, channels, data))
}
