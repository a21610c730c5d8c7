//! Pages of tickets as they are written: a line goes into the answer as soon as its row has been read.
//!
//! It is the JSON that serde makes of [`TicketPage`](super::TicketPage), which a test holds it to. Serde looks through the
//! name of every member for something to escape and takes the name, the value and the signs between them one after the
//! other; here a name stands in the program with its signs. It is by far the most frequent answer.

use serde::Serialize;
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::lists::Summary;

use super::{CategoryRef, Scene, UnitRef, Written};

/// A page that is being written.
pub struct Lines<'a> {
    scene: &'a Scene<'a>,
    district: District,
    body: Written,
    count: usize,
    failed: Option<serde_json::Error>,
}

/// Writes the members of an object: each name with the signs around it, then what follows the arrow.
macro_rules! members {
    ($lines:ident; $($name:literal => $write:expr;)+) => { $(
        $lines.raw(concat!(",\"", $name, "\":"));
        $write;
    )+ };
}

impl<'a> Lines<'a> {
    /// A page without a line, in the memory of `body`.
    pub fn begin(scene: &'a Scene<'a>, district: District, body: Written) -> Self {
        let mut lines = Self { scene, district, body, count: 0, failed: None };
        lines.raw(r#"{"items":["#);
        lines
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a line; `distance_m` are the metres from the place that was given with the request.
    pub fn add(&mut self, row: &Summary, distance_m: Option<f64>) {
        self.raw(if self.count == 0 { r#"{"id":"# } else { r#",{"id":"# });
        self.count += 1;
        self.value(&row.id);
        members! { self;
            "number" => self.text(&row.number);
            "state" => self.word(row.state.as_str());
            "state_name" => self.word(self.scene.word(row.state.zh(), row.state.en()));
            "version" => self.value(&row.version);
            "title" => self.text(&row.title);
        }
        if let Some(code) = &row.category {
            members! { self; "category" => CategoryRef::write(self.scene, self.district, code, self.body.out()); }
        }
        members! { self;
            "urgent" => self.flag(row.urgent);
            "grid" => UnitRef::write(self.scene, row.grid, self.body.out());
            "responsible" => UnitRef::write(self.scene, row.responsible, self.body.out());
            "lon" => self.value(&row.lon);
            "lat" => self.value(&row.lat);
        }
        if let Some(metres) = distance_m {
            members! { self; "distance_m" => self.value(&metres.round()); }
        }
        members! { self;
            "created_at" => self.moment(row.created_at);
            "updated_at" => self.moment(row.updated_at);
        }
        if let Some(due) = row.due_at {
            members! { self; "due_at" => self.moment(due); }
        }
        members! { self; "overdue" => self.flag(self.scene.is_overdue(row.state, row.due_at)); }
        if let Some(due) = row.stage_due_at {
            members! { self; "stage_due_at" => self.moment(due); }
        }
        members! { self; "pressure" => self.word(row.pressure(self.scene.now).as_str()); }
        self.raw("}");
    }

    /// Ends the page; `next_cursor` leads to the next one.
    ///
    /// # Errors
    /// When something in it has no form in JSON.
    pub fn end(mut self, next_cursor: Option<&str>) -> serde_json::Result<Written> {
        self.raw("]");
        if let Some(cursor) = next_cursor {
            members! { self; "next_cursor" => self.text(cursor); }
        }
        self.raw("}");
        self.failed.map_or(Ok(self.body), Err)
    }

    #[inline]
    fn raw(&mut self, json: &str) {
        self.body.out().extend_from_slice(json.as_bytes());
    }

    /// A word of the program, which has nothing to escape.
    fn word(&mut self, word: &str) {
        self.raw("\"");
        self.raw(word);
        self.raw("\"");
    }

    fn text(&mut self, text: &str) {
        if is_plain(text) { self.word(text) } else { self.value(text) }
    }

    fn flag(&mut self, flag: bool) {
        self.raw(if flag { "true" } else { "false" });
    }

    fn moment(&mut self, at: Moment) {
        match at.text() {
            Some(text) => {
                let out = self.body.out();
                out.push(b'"');
                out.extend_from_slice(&text);
                out.push(b'"');
            }
            None => self.value(&at),
        }
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        if let Err(error) = serde_json::to_writer(self.body.out(), value) {
            self.failed.get_or_insert(error);
        }
    }
}

/// Whether a text stands in JSON as it is. All of it is looked at without a branch, many letters at once.
fn is_plain(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use suishoupai_core::flow::State;
    use suishoupai_core::model::{Category, CategoryKind, Level, Limit, LimitUnit, Unit, WeeklyHours};
    use suishoupai_storage::db::reference::{DistrictRow, Reference};

    use super::*;
    use crate::config::Config;
    use crate::lang::Lang;
    use crate::links::LinkSigner;
    use crate::registry::Registry;
    use crate::view::{TicketLine, TicketPage};

    const DISTRICT: District = 350203;

    fn registry() -> Registry {
        let unit = |id: i64| Unit {
            id,
            district: DISTRICT,
            code: format!("D{id}").into(),
            name: format!("市容\"{id}\"中队").into(),
            level: Level::Department,
            parent: None,
            phone: None,
            center: None,
        };
        let category = Category {
            code: "E0103".to_owned(),
            kind: CategoryKind::Event,
            major_code: "01".to_owned(),
            major_name: "市容环境".to_owned(),
            minor_code: "03".to_owned(),
            minor_name: "暴露\\垃圾".into(),
            urgent: false,
            filing_condition: String::new(),
            limit: Limit { amount: 1, unit: LimitUnit::WorkingDays },
            closing_condition: String::new(),
            anonymous_allowed: true,
            sensitive: false,
            must_report: false,
        };
        let district = DistrictRow {
            code: DISTRICT,
            name: "思明区".to_owned(),
            hours: WeeklyHours::default(),
            is_demo: false,
        };
        let reference = Reference {
            districts: vec![district],
            units: (1..4).map(unit).collect(),
            categories: vec![(DISTRICT, category)],
            ..Reference::default()
        };
        Registry::build(reference, &Config::default()).unwrap()
    }

    fn moments() -> impl Strategy<Value = Moment> {
        let usual = 1_500_000_000_000..1_900_000_000_000_i64;
        prop_oneof![9 => usual, 1 => any::<i64>()].prop_map(Moment::from_millis)
    }

    fn rows() -> impl Strategy<Value = Summary> {
        let texts =
            || prop_oneof!["[路灯不亮 ，a-z0-9-]{0,30}", ".{0,20}", "[\"\\\\\u{0}-\u{1f}\u{7f}é😀]{0,9}"];
        let perhaps = || proptest::option::of(moments());
        let category = || prop_oneof![Just("E0103".to_owned()), texts()];
        let words = (texts(), proptest::option::of(category()), texts());
        let numbers = (any::<i64>(), any::<i64>(), 0..5_i64, 0..5_i64, proptest::option::of(any::<i64>()));
        let state = proptest::sample::select(State::ALL);
        let clocks = (moments(), moments(), perhaps(), perhaps(), perhaps(), perhaps());
        let place = (any::<f64>(), -90.0..90.0);
        (words, numbers, state, any::<bool>(), clocks, place).prop_map(
            |(
                (number, category, title),
                (id, version, grid, responsible, holder),
                state,
                urgent,
                at,
                place,
            )| Summary {
                id,
                number,
                state,
                version,
                grid,
                category,
                urgent,
                responsible,
                holder,
                title,
                lon: place.0,
                lat: place.1,
                created_at: at.0,
                updated_at: at.1,
                due_at: at.2,
                closed_at: at.3,
                stage_due_at: at.4,
                soon_at: at.5,
            },
        )
    }

    proptest! {
        #[test]
        fn a_page_is_written_as_serde_would(
            rows in proptest::collection::vec((rows(), proptest::option::of(0.0..1e7)), 0..4),
            next_cursor in proptest::option::of("[0-9.]{1,20}"),
            now in moments(),
            lang in proptest::sample::select(vec![Lang::Zh, Lang::En]),
        ) {
            let (registry, links) = (registry(), LinkSigner::new(&[7; 32], 60));
            let scene = Scene { lang, registry: &registry, links: &links, now, names: HashMap::new() };
            let mut lines = Lines::begin(&scene, DISTRICT, Written::again());
            for (row, distance) in &rows {
                lines.add(row, *distance);
            }
            prop_assert_eq!(lines.count(), rows.len());
            let written = lines.end(next_cursor.as_deref()).unwrap();
            let line = |(row, distance)| TicketLine::of(&scene, DISTRICT, row, distance);
            let page = TicketPage { items: rows.into_iter().map(line).collect(), next_cursor };
            prop_assert_eq!(std::str::from_utf8(written.as_ref()).unwrap(), serde_json::to_string(&page).unwrap());
        }
    }
}
