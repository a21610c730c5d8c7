//! Places: datums, coordinates, the mesh of grid cells.

mod check;
mod coordinate;
mod datum;
mod feature;
mod finding;
mod mesh;
mod packed;
mod ring;
mod shape;
mod synth;

pub use check::check_mesh;
pub use coordinate::{Coordinate, CoordinateError, LonLat, distance_m};
pub use datum::{Datum, convert, in_china};
pub use feature::{
    GridFeature, GridFeatures, GridFileError, WrongFeature, parse_area, read_grids, write_ring_geojson,
};
pub use finding::{FindingKind, MeshFinding};
pub use mesh::{Located, Mesh, MeshCell, REACH_M};
pub use synth::{Seed, SynthCell, synthesize};
