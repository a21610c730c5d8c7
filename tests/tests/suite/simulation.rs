//! A district that lives by itself comes to the same on both engines, and everything in it is in order.

use suishoupai_api::simulate::Options;
use suishoupai_tests::{Engine, simulated};

#[test]
fn both_engines_tell_the_same_story() {
    let options = Options { days: 4, tickets_per_day: 40, seed: 11 };
    let [embedded, postgres] = [Engine::Sqlite, Engine::Postgres].map(|engine| simulated(engine, options));
    assert_eq!(embedded.faults, Vec::<String>::new());
    assert_eq!(postgres.faults, Vec::<String>::new());
    assert_eq!(embedded.tally.tickets, 160);
    assert!(embedded.tally.times(suishoupai_core::flow::Verb::Close) > 0, "{}", embedded.tally);
    assert_eq!(embedded.tally.to_string(), postgres.tally.to_string());
    assert_eq!(embedded.refused, postgres.refused);
}
