//! What outlives the process: the photo store and the pictures in it.

pub mod picture;
pub mod store;
