//! HEIC, the format of newer telephones: decoded in Rust alone, in one thread.

use heifer::Options;

use super::super::error::PictureError;
use super::super::raster::opaque;
use super::super::{Inspected, Limits};
use super::{Decoded, UNDECODABLE};

/// The decoder turns the picture by the properties of its container, so nothing else turns it again.
pub(super) fn decode(bytes: &[u8], inspected: &Inspected, limits: &Limits) -> Result<Decoded, PictureError> {
    let options = Options { max_threads: 1, max_pixels: limits.pixels };
    let image = heifer::decode_rgba8(bytes, &options).map_err(|_| UNDECODABLE)?;
    let size = (image.width, image.height);
    if size != (inspected.width, inspected.height)
        || image.data.len() as u64 != 4 * u64::from(size.0) * u64::from(size.1)
    {
        return Err(UNDECODABLE);
    }
    let profile = heifer::read_metadata(bytes).ok().and_then(|metadata| metadata.icc_profile);
    Ok(Decoded::whole(opaque(size.0, size.1, 4, image.data), profile))
}
