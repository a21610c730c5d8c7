//! Grid cells in GeoJSON (RFC 7946): reading a file of them, writing and reading one area.

use std::fmt::Write as _;

use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::check::{MAX_CELL_POINTS, MAX_CELLS, MAX_POINTS};
use super::coordinate::Coordinate;
use super::datum::Datum;
use super::finding::FindingKind;
use super::ring::{PAIR_BUDGET, area_fault};

/// The largest file of cells, bytes.
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// The longest name, characters.
const MAX_NAME: usize = 100;

/// A cell of a file, sound by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct GridFeature {
    /// Its place in the file, from 1.
    pub index: usize,
    /// 14 or 15 digits.
    pub code: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// 12 digits; the first 12 of the code unless the file says otherwise.
    pub community_code: String,
    /// WGS-84 degrees.
    pub area: MultiPolygon<f64>,
}

/// A cell of a file that cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct WrongFeature {
    /// Its place in the file, from 1.
    pub index: usize,
    /// Its code, as far as one could be read.
    pub code: Option<String>,
    /// What to mend, at least one sentence.
    pub reasons: Vec<String>,
}

/// Why a whole file cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridFileError {
    /// Over 64 MiB.
    #[error("the file has {bytes} bytes, more than 64 MiB; split it by street")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not JSON, or not the JSON of a FeatureCollection.
    #[error("the file is not a GeoJSON FeatureCollection: {reason}")]
    NotGeoJson {
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A `crs` member that contradicts the stated datum.
    #[error(
        "the file names the reference system {crs}, which does not fit the datum {}; export it as CRS84, EPSG:4326 \
         or EPSG:4490 with datum wgs84, or without a crs member", .datum.as_str()
    )]
    Crs {
        /// The name in the file.
        crs: String,
        /// The datum that the file was said to have.
        datum: Datum,
    },
    /// Over 100,000 features or 5,000,000 points.
    #[error("the file has over 100,000 features or 5,000,000 points; split it by street")]
    TooMany,
}

/// What reading a file gives: the features in the file's order, each of them usable or not.
pub type GridFeatures = Vec<Result<GridFeature, WrongFeature>>;

/// The cells of a GeoJSON FeatureCollection in `datum`, converted to WGS-84.
///
/// Every feature is a Polygon or MultiPolygon with the property `code` (14 or 15 digits), and may have `name` and
/// `community_code` (12 digits). Codes may be numbers. Heights are dropped, degrees are rounded to 7 decimals.
///
/// # Errors
/// [`GridFileError`] for what concerns the file as a whole. A feature that is wrong by itself is an `Err` in the
/// list, with all its reasons.
pub fn read_grids(text: &str, datum: Datum) -> Result<GridFeatures, GridFileError> {
    if text.len() > MAX_TEXT {
        return Err(GridFileError::TooLarge { bytes: text.len() });
    }
    // Windows tools put a byte order mark before UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { datum, features: Vec::new(), points: 0, budget: PAIR_BUDGET, too_many: false };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = reader.file(&mut json).and_then(|head| json.end().map(|()| head));
    if reader.too_many {
        return Err(GridFileError::TooMany);
    }
    let head = read.map_err(|error| GridFileError::NotGeoJson { reason: error.to_string() })?;
    if !head.is_collection || !head.has_features {
        let reason = "it needs \"type\": \"FeatureCollection\" and a list of \"features\"".to_owned();
        return Err(GridFileError::NotGeoJson { reason });
    }
    match head.crs {
        Some(crs) if !(datum == Datum::Wgs84 && is_wgs84(&crs)) => Err(GridFileError::Crs { crs, datum }),
        _ => Ok(reader.features),
    }
}

fn is_wgs84(crs: &str) -> bool {
    let crs = crs.to_ascii_uppercase();
    let code = crs.rsplit([':', '/']).next().unwrap_or_default();
    match code {
        "CRS84" => true,
        "4326" | "4490" => crs.contains("EPSG"),
        _ => false,
    }
}

/// The members of the collection besides its features.
#[derive(Default)]
struct Head {
    is_collection: bool,
    has_features: bool,
    crs: Option<String>,
}

/// Reads feature by feature, so that only one of them is in memory as JSON.
struct Reader {
    datum: Datum,
    features: GridFeatures,
    points: usize,
    budget: u64,
    too_many: bool,
}

impl Reader {
    fn file<'de, D: Deserializer<'de>>(&mut self, json: D) -> Result<Head, D::Error> {
        json.deserialize_map(Collection(self))
    }

    fn add(&mut self, feature: &Value) {
        let index = self.features.len() + 1;
        let mut reasons = Vec::new();
        let Some(members) = feature.as_object().filter(|m| m.get("type").is_some_and(|t| t == "Feature"))
        else {
            let reasons = vec!["it is not a Feature; give it \"type\": \"Feature\"".to_owned()];
            self.features.push(Err(WrongFeature { index, code: None, reasons }));
            return;
        };
        let none = Map::new();
        let properties = members.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let code = code_property(properties, "code", &[14, 15], &mut reasons);
        if !properties.contains_key("code") {
            reasons.push("the property code is missing; give 14 or 15 digits".to_owned());
        }
        let named = code_property(properties, "community_code", &[12], &mut reasons);
        let name = name_property(properties, &mut reasons);
        let area = self.area(members.get("geometry")).map_err(|reason| reasons.push(reason)).ok();
        self.features.push(match (code, area) {
            (Some(code), Some(area)) if reasons.is_empty() => {
                let community_code = named.unwrap_or_else(|| code.chars().take(12).collect());
                Ok(GridFeature { index, code, name, community_code, area })
            }
            (code, _) => Err(WrongFeature { index, code, reasons }),
        });
    }

    fn area(&mut self, geometry: Option<&Value>) -> Result<MultiPolygon<f64>, String> {
        let polygons = raw_polygons(geometry.unwrap_or(&Value::Null))?;
        let points: usize = polygons.iter().flatten().map(Vec::len).sum();
        self.points += points;
        if points > MAX_CELL_POINTS {
            return Err(FindingKind::TooManyPoints.advice().to_owned());
        }
        area_of(polygons, self.datum, &mut self.budget)
    }
}

struct Collection<'a>(&'a mut Reader);

impl<'de> Visitor<'de> for Collection<'_> {
    type Value = Head;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object with the members type and features")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "type" => head.is_collection = map.next_value::<Value>()? == "FeatureCollection",
                "features" => {
                    map.next_value_seed(Features(self.0))?;
                    head.has_features = true;
                }
                "crs" => head.crs = crs_name(&map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(head)
    }
}

/// The name of a `crs` member as the GeoJSON of 2008 has it; any other value stands for itself.
fn crs_name(crs: &Value) -> Option<String> {
    match crs {
        Value::Null => None,
        Value::String(name) => Some(name.clone()),
        other => match other.pointer("/properties/name") {
            Some(Value::String(name)) => Some(name.clone()),
            _ => Some(other.to_string().chars().take(MAX_NAME).collect()),
        },
    }
}

struct Features<'a>(&'a mut Reader);

impl<'de> DeserializeSeed<'de> for Features<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut features: A) -> Result<(), A::Error> {
        while let Some(feature) = features.next_element::<Value>()? {
            self.0.add(&feature);
            if self.0.features.len() > MAX_CELLS || self.0.points > MAX_POINTS {
                self.0.too_many = true;
                return Err(serde::de::Error::custom("too many features"));
            }
        }
        Ok(())
    }
}

/// Digits of one of the given lengths, sent as a string or a number.
fn code_property(
    properties: &Map<String, Value>,
    name: &str,
    lengths: &[usize],
    reasons: &mut Vec<String>,
) -> Option<String> {
    let code = match properties.get(name)? {
        Value::Null if name != "code" => return None,
        Value::String(code) => code.trim().to_owned(),
        Value::Number(code) => code.to_string(),
        _ => String::new(),
    };
    if lengths.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return Some(code);
    }
    let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
    reasons.push(format!("the property {name} must be {} digits", lengths.join(" or ")));
    None
}

fn name_property(properties: &Map<String, Value>, reasons: &mut Vec<String>) -> Option<String> {
    match properties.get("name")? {
        Value::Null => None,
        Value::String(name) if name.trim().is_empty() => None,
        Value::String(name) if name.trim().chars().count() <= MAX_NAME => Some(name.trim().to_owned()),
        _ => {
            reasons.push(format!("the property name must be text of at most {MAX_NAME} characters"));
            None
        }
    }
}

type RawPolygons = Vec<Vec<Vec<Coord<f64>>>>;

/// Polygons, rings and points of a geometry, of the right form but otherwise unchecked.
fn raw_polygons(geometry: &Value) -> Result<RawPolygons, String> {
    let kind = geometry.get("type").and_then(Value::as_str).unwrap_or("missing");
    let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
    match kind {
        "Polygon" => Ok(vec![rings(coordinates)?]),
        "MultiPolygon" => list(coordinates)?.iter().map(rings).collect(),
        "missing" => Err("the geometry is missing; give a Polygon or MultiPolygon".to_owned()),
        other => {
            let other: String = other.chars().take(40).collect();
            Err(format!("the geometry is a {other}; give a Polygon or MultiPolygon"))
        }
    }
}

fn rings(value: &Value) -> Result<Vec<Vec<Coord<f64>>>, String> {
    list(value)?.iter().map(|ring| list(ring)?.iter().map(position).collect()).collect()
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value
        .as_array()
        .ok_or_else(|| "the coordinates are not nested as a Polygon's or MultiPolygon's".to_owned())
}

fn position(value: &Value) -> Result<Coord<f64>, String> {
    match list(value)?.as_slice() {
        [x, y, ..] => x.as_f64().zip(y.as_f64()).map(|(x, y)| Coord { x, y }),
        _ => None,
    }
    .ok_or_else(|| "a position is not a pair of numbers, longitude first".to_owned())
}

/// Checks, converts and assembles.
fn area_of(mut polygons: RawPolygons, datum: Datum, budget: &mut u64) -> Result<MultiPolygon<f64>, String> {
    for c in polygons.iter_mut().flatten().flatten() {
        let sent = Coordinate::new(c.x, c.y, datum).map_err(|error| error.to_string())?;
        let point = sent.to_wgs84();
        // Rounded as it will be stored, so that what is checked is what is kept.
        *c = Coord { x: short(point.lon), y: short(point.lat) };
    }
    let rings = polygons.iter().map(|rings| rings.iter().map(Vec::as_slice).collect()).collect();
    if let Some(fault) = area_fault(&rings, budget) {
        let place = fault.at.map(|at| format!(", near longitude {:.6}, latitude {:.6}", at.lon, at.lat));
        return Err(fault.kind.advice().to_owned() + &place.unwrap_or_default());
    }
    let assembled = polygons.into_iter().filter_map(|rings| {
        let mut rings = rings.into_iter().map(LineString);
        rings.next().map(|outer| Polygon::new(outer, rings.collect()))
    });
    Ok(MultiPolygon(assembled.collect()))
}

/// To 7 decimals of a degree, 1 cm. Adding zero turns -0 into 0.
fn short(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7 + 0.0
}

/// An area as the text of a GeoJSON MultiPolygon, degrees with at most 7 decimals (1 cm).
pub fn write_ring_geojson(area: &MultiPolygon<f64>) -> String {
    let mut text = String::from(r#"{"type":"MultiPolygon","coordinates":"#);
    write_list(&mut text, area.iter(), |text, polygon| {
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        write_list(text, rings, |text, ring| {
            write_list(text, ring.0.iter(), |text, c| {
                // Writing to a String cannot fail.
                let _ = write!(text, "[{},{}]", short(c.x), short(c.y));
            });
        });
    });
    text.push('}');
    text
}

fn write_list<T>(text: &mut String, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    text.push('[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

/// The area of the text of a GeoJSON Polygon or MultiPolygon in WGS-84; none if it is anything else or unsound.
/// What [`write_ring_geojson`] wrote of an area that was read here comes back exactly.
pub fn parse_area(text: &str) -> Option<MultiPolygon<f64>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let polygons = raw_polygons(&serde_json::from_str(text).ok()?).ok()?;
    area_of(polygons, Datum::Wgs84, &mut { PAIR_BUDGET }).ok()
}

#[cfg(test)]
mod tests;
