//! The fast decoder of a build with libjpeg-turbo: reduced sizes, planes as they are stored.

use turbojpeg::{Decompressor, ScalingFactor, Subsamp, YuvImage};

use super::super::raster::{Plane, Planes, buffer};
use super::super::walk::jpeg::Jpeg;
use super::Stop;
use super::jpeg::{Declined, checked};

/// The planes at 1/`divisor` of the size. The library's warnings are errors here. It cannot be told to stop within a picture.
pub(super) fn decode(bytes: &[u8], walked: &Jpeg, divisor: u32, stop: &Stop) -> Result<Planes, Declined> {
    if stop.is_stopped() {
        return Err(Declined::Faulty);
    }
    let bare = walked.bare(bytes, &[0xff, 0xd9]);
    let faulty = |_| Declined::Faulty;
    let mut decompressor = Decompressor::new().map_err(|_| Declined::Unknown)?;
    let header = decompressor.read_header(&bare).map_err(|_| Declined::Unknown)?;
    let ratio = match header.subsamp {
        Subsamp::Gray | Subsamp::None => (1, 1),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub1x2 => (1, 2),
        Subsamp::Sub2x2 => (2, 2),
        _ => return Err(Declined::Unknown),
    };
    let factor = ScalingFactor::new(1, divisor as usize);
    decompressor.set_scaling_factor(factor).map_err(|_| Declined::Unknown)?;
    let (width, height) = (factor.scale(header.width), factor.scale(header.height));
    let image = YuvImage { pixels: (), width, align: 1, height, subsamp: header.subsamp };
    let (luma_size, chroma_size) =
        ((image.y_width(), image.y_height()), (image.uv_width(), image.uv_height()));
    let (luma_bytes, chroma_bytes) = (luma_size.0 * luma_size.1, chroma_size.0 * chroma_size.1);
    let is_grey = header.subsamp == Subsamp::Gray;
    let length = luma_bytes + if is_grey { 0 } else { 2 * chroma_bytes };
    let mut all = buffer(length).map_err(|_| Declined::Unknown)?;
    let output = YuvImage { pixels: &mut all[..], width, align: 1, height, subsamp: header.subsamp };
    decompressor.decompress_to_yuv(&bare, output).map_err(faulty)?;
    // Sizes that are padded to whole samples of colour keep the padding in their strides.
    let chroma = (!is_grey).then(|| {
        let red = all.split_off(luma_bytes + chroma_bytes);
        let blue = all.split_off(luma_bytes);
        let (width, height) = (width.div_ceil(ratio.0), height.div_ceil(ratio.1));
        [blue, red].map(|data| Plane { width, height, stride: chroma_size.0, data })
    });
    let luma = Plane { width, height, stride: luma_size.0, data: all };
    let planes = Planes::new(luma, chroma, ratio);
    planes.and_then(|planes| checked(planes, walked, divisor)).ok_or(Declined::Unknown)
}
