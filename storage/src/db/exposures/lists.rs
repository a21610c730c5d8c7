//! Lists of the exposure board: keyset pages, each with an index that serves its filter and its order.

use diesel::prelude::*;
use suishoupai_core::flow::exposure::{Exposure, ExposureId, ExposureState};
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::Record;
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::photos::PhotoState;
use crate::db::schema::{exposures, photos, tickets};

/// What narrows the list of officials.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<ExposureState>,
    /// Only with a smaller key: the cursor.
    pub before: Option<ExposureId>,
    /// At most so many lines.
    pub limit: i64,
}

/// The entries of a district, newest first; those of sensitive tickets only where that is asked for.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut Conn,
    district: District,
    with_sensitive: bool,
    filter: &Filter,
) -> Result<Vec<Exposure>, DbError> {
    let mut query = exposures::table
        .inner_join(tickets::table)
        .filter(exposures::district.eq(district))
        .select(exposures::all_columns)
        .into_boxed();
    if !with_sensitive {
        query = query.filter(tickets::sensitive.eq(false));
    }
    if let Some(state) = filter.state {
        query = query.filter(exposures::state.eq(state.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(exposures::id.lt(before));
    }
    let rows: Vec<Record> = query.order(exposures::id.desc()).limit(filter.limit).load(conn)?;
    rows.into_iter().map(|record| Ok(record.read()?.entry)).collect()
}

/// What the public sees of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The key.
    pub id: ExposureId,
    /// The district.
    pub district: District,
    /// What is to be read.
    pub text: String,
    /// When it was published.
    pub published_at: Moment,
    /// The community in which it was.
    pub community: UnitId,
    /// What it is about.
    pub category: Option<String>,
    /// The picture.
    pub photo: i64,
    /// The version of its mask, by which links to it are made.
    pub mask_version: i64,
    /// Whether its renditions can be shown now.
    pub is_ready: bool,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    district: i32,
    text: String,
    published_at: Option<i64>,
    community: i64,
    category: Option<String>,
    photo: i64,
    mask_version: i64,
    state: String,
}

/// The published entries, of one district or of all, the newest first, from after (published at, key).
///
/// Nothing is shown whose ticket is sensitive by now, or whose picture is neither masked nor said to be clean.
///
/// # Errors
/// The database's.
pub fn published(
    conn: &mut Conn,
    district: Option<District>,
    before: Option<(i64, ExposureId)>,
    limit: i64,
) -> Result<Vec<Published>, DbError> {
    let mut query = exposures::table
        .inner_join(tickets::table)
        .inner_join(photos::table)
        // In the words of the index, which serves no condition with a parameter.
        .filter(exposures::published_at.is_not_null().and(exposures::ended_at.is_null()))
        .filter(exposures::state.eq(ExposureState::Published.as_str()))
        .filter(tickets::sensitive.eq(false))
        .filter(photos::rendition.is_not_null().or(exposures::declared_clean.eq(true)))
        .select((
            exposures::id,
            exposures::district,
            exposures::text,
            exposures::published_at,
            tickets::community_id,
            tickets::category,
            exposures::photo_id,
            photos::mask_version,
            photos::state,
        ))
        .into_boxed();
    if let Some(district) = district {
        query = query.filter(exposures::district.eq(district));
    }
    if let Some((at, id)) = before {
        let older =
            exposures::published_at.lt(at).or(exposures::published_at.eq(at).and(exposures::id.lt(id)));
        query = query.filter(exposures::published_at.is_not_null().and(older));
    }
    let rows: Vec<Row> =
        query.order((exposures::published_at.desc(), exposures::id.desc())).limit(limit).load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| Published {
            id: row.id,
            district: row.district,
            text: row.text,
            published_at: Moment::from_millis(row.published_at.unwrap_or_default()),
            community: row.community,
            category: row.category,
            photo: row.photo,
            mask_version: row.mask_version,
            is_ready: row.state == PhotoState::Ready.as_str(),
        })
        .collect())
}
