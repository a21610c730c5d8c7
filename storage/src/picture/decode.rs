//! From bytes to pixels. Every decoder sees only what the walk has measured, and answers in its own error type;
//! here they all become a [`PictureError`].

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::error::PictureError;
use super::pixels::{Pixels, buffer, flatten};
use super::sniff::PictureKind;
use super::walk::jpeg;
use super::{Inspected, Limits};

const UNDECODABLE: PictureError = PictureError::Damaged { what: "its image data cannot be decoded" };

/// The pixels as stored, and whether they are what a broken file left of them.
pub(super) fn decode(
    bytes: &[u8],
    inspected: &Inspected,
    limits: &Limits,
) -> Result<(Pixels, bool), PictureError> {
    limits.check_size(inspected.width, inspected.height)?;
    match inspected.kind {
        PictureKind::Jpeg => decode_jpeg(bytes, inspected, limits),
        PictureKind::Png => decode_png(bytes, inspected).map(|pixels| (pixels, false)),
        PictureKind::Webp => decode_webp(bytes, inspected).map(|pixels| (pixels, false)),
    }
}

/// Strict first, because the tolerant mode hands out grey for missing data without a word. What only the
/// tolerant mode can read is shown all the same, for a damaged photo of a hole is better than none.
fn decode_jpeg(bytes: &[u8], inspected: &Inspected, limits: &Limits) -> Result<(Pixels, bool), PictureError> {
    let walked = jpeg::walk(&mut { bytes }, limits)?;
    let bare = walked.bare(bytes);
    let attempt = |strict| decode_bare_jpeg(&bare, &walked, inspected, strict);
    match attempt(true) {
        Ok(pixels) => Ok((pixels, false)),
        Err(_) => attempt(false).map(|pixels| (pixels, true)),
    }
}

fn decode_bare_jpeg(
    bare: &[u8],
    walked: &jpeg::Jpeg,
    inspected: &Inspected,
    strict: bool,
) -> Result<Pixels, PictureError> {
    let (width, height) = (inspected.width, inspected.height);
    // The decoder takes all CMYK for Adobe's inverted one, so the other kind is converted here.
    let (space, stored) = match walked.components {
        1 => (ColorSpace::Luma, 1),
        4 if !walked.adobe => (ColorSpace::CMYK, 4),
        _ => (ColorSpace::RGB, 3),
    };
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .jpeg_set_out_colorspace(space);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bare), options);
    decoder.decode_headers().map_err(|_| UNDECODABLE)?;
    let len = width as usize * height as usize * stored;
    if decoder.output_buffer_size() != Some(len) {
        return Err(UNDECODABLE);
    }
    let mut data = buffer(len)?;
    decoder.decode_into(&mut data).map_err(|_| UNDECODABLE)?;
    if stored == 4 {
        data = cmyk_to_rgb(data);
    }
    Ok(Pixels { width, height, channels: stored.min(3), data })
}

/// Ink to light, in place: each colour is what its own ink and black leave of white.
fn cmyk_to_rgb(mut data: Vec<u8>) -> Vec<u8> {
    let pixels = data.len() / 4;
    for i in 0..pixels {
        let left = 255 - u32::from(data[i * 4 + 3]);
        for c in 0..3 {
            let light = 255 - u32::from(data[i * 4 + c]);
            data[i * 3 + c] = ((light * left + 127) / 255) as u8;
        }
    }
    data.truncate(pixels * 3);
    data
}

/// A PNG up to its image data. Text and colour profiles, which may unpack to any size, are not read; a wide-gamut
/// picture is therefore taken for sRGB.
pub(super) fn png_reader(bytes: &[u8]) -> Result<png::Reader<Cursor<&[u8]>>, PictureError> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits::default());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.read_info().map_err(|_| UNDECODABLE)
}

/// Palette and 16 bits are expanded to 8 bits per channel.
fn decode_png(bytes: &[u8], inspected: &Inspected) -> Result<Pixels, PictureError> {
    let (width, height) = (inspected.width, inspected.height);
    let mut reader = png_reader(bytes)?;
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
    Ok(opaque(width, height, channels, data))
}

/// The first frame where it is animated.
fn decode_webp(bytes: &[u8], inspected: &Inspected) -> Result<Pixels, PictureError> {
    let (width, height) = (inspected.width, inspected.height);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| UNDECODABLE)?;
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

fn opaque(width: u32, height: u32, channels: usize, data: Vec<u8>) -> Pixels {
    match channels {
        2 | 4 => Pixels { width, height, channels: channels - 1, data: flatten(data, channels) },
        _ => Pixels { width, height, channels, data },
    }
}
