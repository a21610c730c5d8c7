//! Samples in memory: packed pixels and separate planes; made smaller, turned upright, moved between colour spaces.

mod colour;
mod pixels;
mod planes;
mod resize;
mod turn;

pub(super) use colour::{from_rgb, to_srgb};
pub(super) use pixels::{Pixels, buffer, opaque};
pub(super) use planes::{Plane, Planes};
pub(super) use resize::{Shrinker, fit};

#[cfg(test)]
pub(super) use turn::turned;
