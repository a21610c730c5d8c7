//! Tests of the flow: by hand-made table, by walks through whole lives of tickets, and by random walks whose
//! every step must keep the laws.

mod fixture;
mod history;
mod laws;
mod random;
mod routing;
mod table;
mod ties;
mod walk;
mod words;
