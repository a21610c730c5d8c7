//! The harness of the black-box tests: starts the real server on either engine, on a data folder of its own, and
//! speaks to it over HTTP in the roles of the district.
//!
//! The tests themselves are one program, `tests/suite`, so that the server is linked once.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here is a test that fails")]

mod chores;
mod client;
mod cluster;
mod codes;
mod collector;
mod engine;
mod exposition;
mod instance;
mod line;
mod pictures;
mod process;
mod s3;
mod server;
mod simulation;
mod spoken;
mod stored;
mod stream;
#[path = "../../storage/src/video/tests/make.rs"]
pub mod videos;

pub use client::{Caller, Official, Reply, Resident, caller, new_phone};
pub use cluster::{Cluster, free_port};
pub use codes::wait_for as code_for;
pub use collector::{Collector, TracedSpan};
pub use engine::Engine;
pub use exposition::{Exposition, Sample};
pub use instance::{Instance, Starting};
pub use line::{Answer, Line};
pub use pictures::{Photo, Scenery, corners, cut, huge_png, jpeg, jpeg_from_phone, jpeg_taken};
pub use process::{Process, binary, command};
pub use s3::{S3Server, serve_s3};
pub use server::{Rows, Server, Settings, wait_for};
pub use simulation::{Installation, simulated};
pub use stream::{EventStream, StreamEvent};

/// Makes of each test body, a function of the engine, one test on SQLite and one on PostgreSQL.
#[macro_export]
macro_rules! both {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn sqlite() {
                super::$name($crate::Engine::Sqlite);
            }

            #[test]
            fn postgres() {
                super::$name($crate::Engine::Postgres);
            }
        }
    )+ };
}
