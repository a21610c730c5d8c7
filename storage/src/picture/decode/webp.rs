//! WebP. A lossy picture without transparency, which is what cameras and chat programs write, goes through libwebp
//! and stays in planes; the rest, whose decoding is more involved, through a decoder in Rust.

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;

use super::super::error::PictureError;
use super::super::raster::{Pixels, Plane, Planes, buffer, opaque};
use super::super::walk::webp;
use super::super::{Inspected, Limits};
use super::bare::Watched;
use super::{Decoded, Raster, Stop, UNDECODABLE, profile_bytes};

/// The first frame where it is animated.
pub(super) fn decode(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
    stop: &Stop,
) -> Result<Decoded, PictureError> {
    let walked = webp::walk(&mut { bytes }, limits)?;
    let profile = profile_bytes(bytes, &walked.outline.profile);
    let lossy = walked.lossy.and_then(|body| bytes.get(body));
    if let Some(planes) = lossy.and_then(|body| lossy_planes(body, inspected)) {
        return Ok(Decoded { raster: Raster::Planes(planes), damaged: false, snapped: false, profile });
    }
    any(bytes, inspected, stop).map(|pixels| Decoded::whole(pixels, profile))
}

/// The planes of the bitstream `body`, alone in a container of its own: the C code sees no other chunk.
fn lossy_planes(body: &[u8], inspected: &Inspected) -> Option<Planes> {
    let length = u32::try_from(body.len()).ok()?;
    let padded = length.checked_add(length & 1)?;
    let mut bare = Vec::with_capacity(body.len() + 21);
    bare.extend_from_slice(b"RIFF");
    bare.extend_from_slice(&padded.checked_add(12)?.to_le_bytes());
    bare.extend_from_slice(b"WEBPVP8 ");
    bare.extend_from_slice(&length.to_le_bytes());
    bare.extend_from_slice(body);
    bare.resize(20 + padded as usize, 0);
    let made = webpx::decode_yuv(&bare).ok()?;
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
