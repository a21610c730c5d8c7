//! A layer of points with a few words each, written down as it goes.
//!
//! The format is that of Mapbox (Vector Tile Specification 2.1, chapter 4), in Protocol Buffers. The crate that draws the
//! other layers keeps a copy of every word of every feature until the end, which for ten thousand tickets takes as long as
//! to read them; here each word is kept once, and a feature is its bytes.

use std::collections::HashMap;

use super::mercator::EXTENT;

/// The layers of a tile, in field 3 of it, one after the other.
const LAYER: u32 = 3;
const BYTES: u32 = 2;
const VARINT: u32 = 0;

/// A layer under way.
pub(super) struct Points<'w> {
    name: &'static str,
    keys: Vec<&'static str>,
    values: Vec<Value<'w>>,
    known: HashMap<Value<'w>, u32>,
    features: Vec<u8>,
    /// Of one feature, to be measured before it is written.
    feature: Vec<u8>,
    tags: Vec<u8>,
}

/// A value of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value<'w> {
    Word(&'w str),
    Bool(bool),
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn field(out: &mut Vec<u8>, number: u32, kind: u32) {
    varint(out, u64::from(number << 3 | kind));
}

fn bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    field(out, number, BYTES);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

impl<'w> Points<'w> {
    pub(super) fn new(name: &'static str, keys: &[&'static str]) -> Self {
        Self {
            name,
            keys: keys.to_vec(),
            values: Vec::new(),
            known: HashMap::new(),
            features: Vec::new(),
            feature: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Adds a point in units of the tile, with a value, or none, for each of the keys.
    pub(super) fn add(
        &mut self,
        id: u64,
        (x, y): (f64, f64),
        values: impl IntoIterator<Item = Option<Value<'w>>>,
    ) {
        self.tags.clear();
        for (key, value) in values.into_iter().enumerate() {
            let Some(value) = value else { continue };
            let next = self.values.len() as u32;
            let index = *self.known.entry(value).or_insert(next);
            if index == next {
                self.values.push(value);
            }
            varint(&mut self.tags, key as u64);
            varint(&mut self.tags, u64::from(index));
        }
        let feature = &mut self.feature;
        feature.clear();
        field(feature, 1, VARINT);
        varint(feature, id);
        bytes(feature, 2, &self.tags);
        // A point.
        field(feature, 3, VARINT);
        varint(feature, 1);
        // Move to one position; what is behind the border of the tile was left out.
        self.tags.clear();
        varint(&mut self.tags, 1 << 3 | 1);
        for side in [x, y] {
            varint(&mut self.tags, u64::from(zigzag(side.round() as i32)));
        }
        bytes(feature, 4, &self.tags);
        bytes(&mut self.features, 2, &self.feature);
    }

    /// The layer as it stands in a tile; nothing where nothing was added.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        if self.features.is_empty() {
            return Vec::new();
        }
        let mut layer = Vec::with_capacity(self.features.len() + 1024);
        bytes(&mut layer, 1, self.name.as_bytes());
        layer.extend_from_slice(&self.features);
        for key in &self.keys {
            bytes(&mut layer, 3, key.as_bytes());
        }
        for value in &self.values {
            let mut written = Vec::new();
            match value {
                Value::Word(word) => bytes(&mut written, 1, word.as_bytes()),
                Value::Bool(value) => {
                    field(&mut written, 7, VARINT);
                    varint(&mut written, u64::from(*value));
                }
            }
            bytes(&mut layer, 4, &written);
        }
        field(&mut layer, 5, VARINT);
        varint(&mut layer, EXTENT as u64);
        // The version of the format.
        field(&mut layer, 15, VARINT);
        varint(&mut layer, 2);
        let mut tile = Vec::with_capacity(layer.len() + 8);
        bytes(&mut tile, LAYER, &layer);
        tile
    }
}

#[cfg(test)]
mod tests {
    use mvt::{GeomEncoder, GeomType, Tile};

    use super::*;

    /// Key, place, state, urgency and category.
    type Point = (u64, (f64, f64), &'static str, bool, Option<&'static str>);

    /// What the crate writes for the same points.
    fn by_the_crate(points: &[Point]) -> Vec<u8> {
        let mut tile = Tile::new(EXTENT as u32);
        let mut layer = tile.create_layer("tickets");
        for (id, at, state, urgent, category) in points {
            let point = GeomEncoder::new(GeomType::Point).point(at.0, at.1).unwrap().encode().unwrap();
            let mut feature = layer.into_feature(point);
            feature.set_id(*id);
            feature.add_tag_string("state", state);
            feature.add_tag_bool("urgent", *urgent);
            if let Some(category) = category {
                feature.add_tag_string("category", category);
            }
            layer = feature.into_layer();
        }
        tile.add_layer(layer).unwrap();
        tile.to_bytes().unwrap()
    }

    #[test]
    fn it_is_what_the_crate_writes() {
        let points = [
            (1, (0.0, 4095.4), "received", false, Some("E0102")),
            (u64::MAX, (12.5, 300.0), "closed", true, None),
            (300, (4095.9, 0.2), "received", true, Some("街面秩序")),
        ];
        let mut layer = Points::new("tickets", &["state", "urgent", "category"]);
        for (id, at, state, urgent, category) in points {
            layer.add(
                id,
                at,
                [Some(Value::Word(state)), Some(Value::Bool(urgent)), category.map(Value::Word)],
            );
        }
        assert_eq!(layer.into_bytes(), by_the_crate(&points));
        assert!(Points::new("tickets", &["state"]).into_bytes().is_empty());
    }
}
