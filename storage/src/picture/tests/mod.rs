//! Pictures are made here, byte by byte where a library would not write what an attacker does.

mod corpus;
mod hashing;
mod hostile;
mod hostile_files;
mod inspecting;
pub(super) mod make;
mod masking;
mod reducing;
mod rendering;

use super::{Inspected, Limits, PictureError, Renditions, inspect, render};

/// Inspects and renders under the default limits.
fn process(bytes: &[u8]) -> Result<(Inspected, Renditions), PictureError> {
    let limits = Limits::default();
    let inspected = inspect(bytes, &limits)?;
    let renditions = render(bytes, &inspected, &limits)?;
    Ok((inspected, renditions))
}
