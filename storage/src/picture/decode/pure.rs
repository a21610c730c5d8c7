//! The fast decoder of the default build: Rust alone, reduced sizes, planes as they are stored.

use rusty_jpeg::decode::PlanarComponent;

use super::super::raster::{Plane, Planes};
use super::super::walk::jpeg::Jpeg;
use super::Stop;
use super::bare::Parts;
use super::jpeg::checked;

/// The planes at 1/`divisor` of the size; `None` where the data have a fault or their layout is not known.
pub(super) fn decode(bytes: &[u8], walked: &Jpeg, divisor: u32, stop: &Stop) -> Option<Planes> {
    let mut decoder = rusty_jpeg::Decoder::new(Parts::new(bytes, walked, stop));
    // The pictures are decoded beside each other, not each by several threads.
    decoder.set_single_threaded(true);
    decoder.set_max_decoding_buffer_size(usize::try_from(walked.outline.memory).ok()?);
    if divisor > 1 {
        let side = |length: u32| u16::try_from(length.div_ceil(divisor)).ok();
        decoder.scale(side(walked.outline.width)?, side(walked.outline.height)?).ok()?;
    }
    let image = decoder.decode_planar().ok()?;
    let ratio = match image.components.len() {
        1 => (1, 1),
        _ => image.chroma_subsampling()?,
    };
    let mut planes = image.components.into_iter().map(plane);
    let luma = planes.next()?;
    let chroma = planes.next().zip(planes.next()).map(|(blue, red)| [blue, red]);
    checked(Planes::new(luma, chroma, ratio)?, walked, divisor)
}

fn plane(component: PlanarComponent) -> Plane {
    let PlanarComponent { data, stride, width, height, .. } = component;
    Plane { width, height, stride, data }
}
