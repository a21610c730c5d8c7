//! The fast decoder of the default build, and of the layouts that libjpeg-turbo does not know: Rust alone, reduced sizes,
//! planes as they are stored.

use rusty_jpeg::decode::PlanarComponent;

use super::super::raster::{Plane, Planes};
use super::super::walk::jpeg::Jpeg;
use super::Stop;
use super::bare::Parts;
use super::jpeg::{Declined, checked};

/// The planes at 1/`divisor` of the size.
pub(super) fn decode(bytes: &[u8], walked: &Jpeg, divisor: u32, stop: &Stop) -> Result<Planes, Declined> {
    let mut decoder = rusty_jpeg::Decoder::new(Parts::new(bytes, walked, stop));
    // The pictures are decoded beside each other, not each by several threads.
    decoder.set_single_threaded(true);
    decoder.set_max_decoding_buffer_size(usize::try_from(walked.outline.memory).unwrap_or(usize::MAX));
    if divisor > 1 {
        let side = |length: u32| u16::try_from(length.div_ceil(divisor)).map_err(|_| Declined::Unknown);
        let (width, height) = (side(walked.outline.width)?, side(walked.outline.height)?);
        decoder.scale(width, height).map_err(declined)?;
    }
    let image = decoder.decode_planar().map_err(declined)?;
    let ratio = match image.components.len() {
        1 => Some((1, 1)),
        _ => image.chroma_subsampling(),
    };
    let mut planes = image.components.into_iter().map(plane);
    let (luma, chroma) = (planes.next(), planes.next().zip(planes.next()));
    let chroma = chroma.map(|(blue, red)| [blue, red]);
    let planes = luma.zip(ratio).and_then(|(luma, ratio)| Planes::new(luma, chroma, ratio));
    planes.and_then(|planes| checked(planes, walked, divisor)).ok_or(Declined::Unknown)
}

fn declined(error: rusty_jpeg::decode::Error) -> Declined {
    match error {
        rusty_jpeg::decode::Error::Unsupported(_) => Declined::Unknown,
        _ => Declined::Faulty,
    }
}

fn plane(component: PlanarComponent) -> Plane {
    let PlanarComponent { data, stride, width, height, .. } = component;
    Plane { width, height, stride, data }
}
