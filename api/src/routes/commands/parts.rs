//! Parts of the bodies that several commands share.

use serde::Deserialize;
use suishoupai_core::flow::{Assist, OnSpot, Outcome, Quantity};
use suishoupai_core::model::{Limit, LimitUnit};
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::routes::places::coordinate;
use crate::service::tickets::Position;
use crate::view::Instant;
use crate::words::Words;

/// A limit: a number with its unit.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitBody {
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 10000)]
    amount: Amount,
    /// Of what.
    unit: LimitUnit,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u32")]
struct Amount(u32);

impl TryFrom<u32> for Amount {
    type Error = &'static str;

    fn try_from(amount: u32) -> Result<Self, Self::Error> {
        if (1..=10_000).contains(&amount) { Ok(Self(amount)) } else { Err("must be from 1 to 10000") }
    }
}

impl From<LimitBody> for Limit {
    fn from(body: LimitBody) -> Self {
        Limit::new(body.amount.0, body.unit)
    }
}

/// Where the caller stands.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PositionBody {
    /// Longitude, degrees.
    #[schema(minimum = -180, maximum = 180, example = 118.0855)]
    lon: f64,
    /// Latitude, degrees.
    #[schema(minimum = -90, maximum = 90, example = 24.4465)]
    lat: f64,
    /// Datum of the two.
    #[schema(value_type = crate::routes::reports::DatumWord)]
    datum: Option<String>,
    /// When the phone took it.
    #[schema(value_type = Instant)]
    taken_at: Moment,
}

impl PositionBody {
    /// The position in WGS-84.
    ///
    /// # Errors
    /// `unknown_datum`, `bad_coordinate`.
    pub(crate) fn read(body: Option<Self>) -> Result<Option<Position>, Problem> {
        let Some(body) = body else { return Ok(None) };
        let at = coordinate(body.lon, body.lat, body.datum.as_deref(), "/position/")?;
        Ok(Some(Position { at: at.to_wgs84(), taken_at: body.taken_at }))
    }
}

/// Somebody on the spot, before the distance is known; `reason` is why it was done from elsewhere.
pub(crate) fn spot(reason: Option<Words<500>>) -> OnSpot {
    OnSpot { reason: reason.map(Words::into_string), ..OnSpot::default() }
}

/// A unit that gets an assisting order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssistBody {
    /// Key of the unit.
    #[schema(minimum = 1)]
    unit: i64,
    /// Its own limit; the category's where none is given.
    limit: Option<LimitBody>,
}

impl From<AssistBody> for Assist {
    fn from(body: AssistBody) -> Self {
        Assist { unit: body.unit, limit: body.limit.map(Limit::from) }
    }
}

/// Assisting units: at most 9.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<AssistBody>")]
#[schema(value_type = Vec<AssistBody>, max_items = 9)]
pub(crate) struct Assists(Vec<AssistBody>);

impl TryFrom<Vec<AssistBody>> for Assists {
    type Error = &'static str;

    fn try_from(units: Vec<AssistBody>) -> Result<Self, Self::Error> {
        if units.len() <= 9 { Ok(Self(units)) } else { Err("must have at most 9 units") }
    }
}

impl Assists {
    pub(crate) fn read(self) -> Vec<Assist> {
        self.0.into_iter().map(Assist::from).collect()
    }
}

/// A typed quantity of a result.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuantityBody {
    /// Of what.
    #[schema(example = "清运垃圾")]
    kind: Words<40>,
    /// How much; kept to three places.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000, example = 1.5)]
    amount: Much,
    /// In which unit.
    #[schema(example = "t")]
    unit: Words<16>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
struct Much(i64);

impl TryFrom<f64> for Much {
    type Error = &'static str;

    fn try_from(amount: f64) -> Result<Self, Self::Error> {
        // The range keeps the thousandths far within the integers that a float holds exactly.
        if (0.0..=1_000_000.0).contains(&amount) {
            Ok(Self((amount * 1000.0).round() as i64))
        } else {
            Err("must be from 0 to 1000000")
        }
    }
}

/// Typed quantities: at most 20.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(try_from = "Vec<QuantityBody>")]
#[schema(value_type = Vec<QuantityBody>, max_items = 20)]
struct Quantities(Vec<QuantityBody>);

impl TryFrom<Vec<QuantityBody>> for Quantities {
    type Error = &'static str;

    fn try_from(list: Vec<QuantityBody>) -> Result<Self, Self::Error> {
        if list.len() <= 20 { Ok(Self(list)) } else { Err("must have at most 20 quantities") }
    }
}

/// What was done in figures, and what was enforced.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeBody {
    /// Typed quantities.
    #[serde(default)]
    quantities: Quantities,
    /// 执法结果: warning, fine, seizure, in the district's words.
    #[schema(example = "责令改正")]
    enforcement: Option<Words<60>>,
    /// 文书号
    document: Option<Words<60>>,
}

impl OutcomeBody {
    pub(crate) fn read(body: Option<Self>) -> Outcome {
        let body = body.unwrap_or_default();
        let quantity = |given: QuantityBody| Quantity {
            kind: given.kind.into_string(),
            thousandths: given.amount.0,
            unit: given.unit.into_string(),
        };
        Outcome {
            quantities: body.quantities.0.into_iter().map(quantity).collect(),
            enforcement: body.enforcement.map(Words::into_string),
            document: body.document.map(Words::into_string),
        }
    }
}
