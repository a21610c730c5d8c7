//! What outlives the process: the database on two engines, the photo store, and the pictures in it.

#![forbid(unsafe_code)]

pub mod db;
pub mod files;
pub mod meter;
pub mod origin;
pub mod picture;
pub mod seal;
pub mod store;
pub mod video;
