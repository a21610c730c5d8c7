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
    use turbojpeg::{Compressor, Subsamp, YuvPlanesImage};

    let (width, height) = planes.size();
    let luma = &planes.luma;
    let empty = (&[][..], 0);
    let (subsamp, [blue, red]) = match &planes.chroma {
        Some(planes) => (Subsamp::Sub2x2, planes.each_ref().map(|plane| (&plane.data[..], plane.stride))),
        None => (Subsamp::Gray, [empty, empty]),
    };
    let image = YuvPlanesImage {
        y_plane: &luma.data[..],
        u_plane: blue.0,
        v_plane: red.0,
        width,
        height,
        y_stride: luma.stride,
        u_stride: blue.1,
        v_stride: red.1,
        subsamp,
    };
    let mut compressor = Compressor::new().map_err(|_| FAILED)?;
    compressor.set_quality(i32::from(quality)).map_err(|_| FAILED)?;
    compressor.compress_yuv_planes_to_vec(&image).map_err(|_| FAILED)
}
