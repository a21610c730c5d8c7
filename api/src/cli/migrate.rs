//! `suishoupai migrate`

use suishoupai_storage::db::{known_migrations, migrate};

use super::{Done, Stop};
use crate::app;
use crate::config::Config;

pub(super) fn run(settings: &Config) -> Result<Done, Stop> {
    app::make_folder(&settings.data.dir)?;
    let target = app::target(settings)?;
    let applied = migrate(&target)?.0;
    let known = known_migrations(&target)?;
    let newest = known.last().map_or("none", String::as_str);
    let said = match applied {
        0 => "the schema was up to date already".to_owned(),
        1 => "applied 1 migration".to_owned(),
        count => format!("applied {count} migrations"),
    };
    Ok(Done::of(format!("{said}; it is now {newest}\n")))
}
