//! One point for every community, from which a mesh can be grown.

use std::collections::HashMap;

use crate::geo::LonLat;
use crate::import::read_units;
use crate::model::Level;

/// A community of the demo district while its point is sought.
struct Community {
    code: String,
    street: String,
    point: Option<LonLat>,
}

/// A point (WGS-84) for each of the 99 communities, by code, in the order of the file.
///
/// 71 points are known. The other 28 are **synthetic**: each is put, one after the other, where its street has
/// the largest gap, that is on a segment between two known points (or centre) of the street, as far as possible
/// from every point placed so far and nearer to its own street than to any other. The answer is always the same.
pub fn seeds() -> Vec<(String, LonLat)> {
    let (mut communities, centres) = read();
    let mut anchors: HashMap<String, Vec<LonLat>> = centres.into_iter().map(|(s, p)| (s, vec![p])).collect();
    for community in &communities {
        if let Some(point) = community.point {
            anchors.entry(community.street.clone()).or_default().push(point);
        }
    }
    for i in 0..communities.len() {
        if communities[i].point.is_none() {
            communities[i].point = widest_gap(&communities[i].street, &anchors, &communities);
        }
    }
    communities.into_iter().filter_map(|c| Some((c.code, c.point?))).collect()
}

/// The candidate of a street that lies farthest from all placed points; none where the street has no anchor.
fn widest_gap(
    street: &str,
    anchors: &HashMap<String, Vec<LonLat>>,
    communities: &[Community],
) -> Option<LonLat> {
    let placed: Vec<(&str, LonLat)> =
        communities.iter().filter_map(|c| Some((c.street.as_str(), c.point?))).collect();
    let nearest = |point: LonLat| {
        let by_distance = placed.iter().map(|&(street, other)| (distance(point, other), street));
        by_distance.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::MAX, street))
    };
    let candidates = candidates(anchors.get(street)?);
    // A candidate inside another street would make an enclave; it serves only where there is nothing better.
    let score = |point: LonLat| {
        let (gap, owner) = nearest(point);
        (owner == street, gap)
    };
    let best = candidates.into_iter().map(|point| (score(point), point));
    best.max_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))).map(|(_, point)| point)
}

/// The quarter points of all segments between anchors, or the anchor itself where there is only one.
fn candidates(anchors: &[LonLat]) -> Vec<LonLat> {
    if let [only] = anchors {
        return vec![*only];
    }
    let mut points = Vec::new();
    for (i, a) in anchors.iter().enumerate() {
        for b in &anchors[i + 1..] {
            for share in [0.25, 0.5, 0.75] {
                let between = |from: f64, to: f64| ((from + (to - from) * share) * 1e4).round() / 1e4;
                points.push(LonLat { lon: between(a.lon, b.lon), lat: between(a.lat, b.lat) });
            }
        }
    }
    points
}

/// The distance in degrees of latitude, flat; exact enough to compare within one district.
fn distance(a: LonLat, b: LonLat) -> f64 {
    let narrowing = a.lat.to_radians().cos();
    ((a.lon - b.lon) * narrowing).hypot(a.lat - b.lat)
}

/// The communities and the known centres of the streets.
fn read() -> (Vec<Community>, Vec<(String, LonLat)>) {
    let (mut communities, mut centres) = (Vec::new(), Vec::new());
    let lines = read_units(super::UNITS_CSV).unwrap_or_default();
    for unit in lines.into_iter().filter_map(|line| line.row.ok()) {
        match (unit.level, unit.center, unit.parent_code) {
            (Level::Community, point, Some(street)) => {
                communities.push(Community { code: unit.code, street, point });
            }
            (Level::Street, Some(point), _) => centres.push((unit.code, point)),
            _ => {}
        }
    }
    (communities, centres)
}
