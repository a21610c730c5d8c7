//! Tests of the flow: by hand-made table, by walks through whole lives of tickets, and by random walks whose
//! every step must keep the laws.

mod alarms;
mod around;
mod case;
mod cases;
mod exposure;
mod fixture;
mod follow;
mod held;
mod history;
mod laws;
mod laws_of_clocks;
mod masking;
mod matrix;
mod merging;
mod moves;
mod onsite;
mod policy;
mod random;
mod routing;
mod supervision;
mod suspicion;
mod table;
mod ties;
mod timer;
mod walk;
mod words;
