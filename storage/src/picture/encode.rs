//! Planes to JPEG, baseline, 4:2:0, with nothing in it but the picture.

use super::error::PictureError;
use super::raster::Planes;

const FAILED: PictureError = PictureError::Damaged { what: "the picture could not be encoded" };

/// A JPEG of `quality` in the scale of libjpeg.
#[cfg(not(feature = "turbo"))]
pub(super) fn encode(planes: &Planes, quality: u8) -> Result<Vec<u8>, PictureError> {
    use rusty_jpeg::encode::PlanarYcbcrImage;
    use rusty_jpeg::{ColorType, Encoder, SamplingFactor};

    let (width, height) = planes.size();
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else { return Err(FAILED) };
    let luma = &planes.luma;
    let mut out = Vec::with_capacity(luma.data.len() / 4 + 1024);
    let mut encoder = Encoder::new(&mut out, quality);
    match &planes.chroma {
        Some([blue, red]) => {
            let strides = [luma.stride, blue.stride, red.stride];
            let data = (&luma.data, &blue.data, &red.data);
            let image = PlanarYcbcrImage::new(data.0, data.1, data.2, strides, width, height, (2, 2));
            encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
            encoder.encode_image(image.ok_or(FAILED)?).map_err(|_| FAILED)?;
        }
        None => {
            encoder.encode(&planes.brightness().data, width, height, ColorType::Luma).map_err(|_| FAILED)?
        }
    }
    Ok(out)
}

/// A JPEG of `quality` in the scale of libjpeg.
#[cfg(feature = "turbo")]
pub(super) fn encode(planes: &Planes, quality: u8) -> Result<Vec<u8>, PictureError> {
    use turbojpeg::{Compressor, Image, PixelFormat, Subsamp, YuvPlanesImage};

    let (width, height) = planes.size();
    let mut compressor = Compressor::new().map_err(|_| FAILED)?;
    compressor.set_quality(i32::from(quality)).map_err(|_| FAILED)?;
    let Some([blue, red]) = &planes.chroma else {
        // As planes, it wants two of colours also where there are none.
        let grey = &planes.brightness().data[..];
        let image = Image { pixels: grey, width, pitch: width, height, format: PixelFormat::GRAY };
        compressor.set_subsamp(Subsamp::Gray).map_err(|_| FAILED)?;
        return compressor.compress_to_vec(image).map_err(|_| FAILED);
    };
    let luma = even(&planes.luma);
    let image = YuvPlanesImage {
        y_plane: &luma.0[..],
        u_plane: &blue.data[..],
        v_plane: &red.data[..],
        width,
        height,
        y_stride: luma.1,
        u_stride: blue.stride,
        v_stride: red.stride,
        subsamp: Subsamp::Sub2x2,
    };
    compressor.compress_yuv_planes_to_vec(&image).map_err(|_| FAILED)
}

/// The samples of a plane with even sides, the last column and row repeated where they are odd, and the stride: so many
/// libjpeg-turbo reads where there are half as many of colours.
#[cfg(feature = "turbo")]
fn even(plane: &super::raster::Plane) -> (std::borrow::Cow<'_, [u8]>, usize) {
    let (width, height) = (plane.width.next_multiple_of(2), plane.height.next_multiple_of(2));
    if (width, height) == (plane.width, plane.height) {
        return (plane.data.as_slice().into(), plane.stride);
    }
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        let row = plane.row(y.min(plane.height.saturating_sub(1)));
        data.extend_from_slice(row);
        data.extend(row.last().filter(|_| width > plane.width));
    }
    (data.into(), width)
}
