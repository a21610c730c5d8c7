//! `suishoupai import`

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use suishoupai_core::geo::Datum;
use suishoupai_core::import::decode;
use suishoupai_core::model::District;
use suishoupai_storage::db::{Db, Target, check, migrate};
use tempfile::TempDir;

use super::{Done, Stop};
use crate::app::{open_db, target};
use crate::clock::Clock;
use crate::config::Config;
use crate::service::imports::{self, Kind, Outcome, Request};

/// The largest file that is read, in bytes: a mesh. Files of lines have a smaller bound of their own.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// The exit code when lines are wrong.
const WRONG_LINES: u8 = 2;

/// Import a district's units, grids, categories, duties or calendar from a file
///
/// All of the file is imported or, while one line is wrong, nothing.
/// The report says of every line whether it is new, changed, the same or wrong, and what to mend. Import the units
/// first. The exit code is 0 when the file was applied or a dry run found nothing wrong, 2 when lines are wrong, 1 for
/// any other error. A server that runs on the same data notices the change by itself.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// What the file holds
    #[arg(value_enum)]
    kind: KindWord,
    /// CSV in UTF-8, or GeoJSON for grids; - reads standard input
    file: PathBuf,
    /// Report only, write nothing
    #[arg(long)]
    dry_run: bool,
    /// The six-digit code of the district, needed where there are several
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(i32).range(100_000..=999_999))]
    district: Option<District>,
    /// The datum of the coordinates, needed for grids; CGCS2000 counts as wgs84
    #[arg(long, value_enum)]
    datum: Option<DatumWord>,
    /// The language of the report
    #[arg(long, value_enum, default_value = "zh")]
    lang: LangWord,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindWord {
    /// The tree: code,name,level,parent_code,phone,lon,lat
    Units,
    /// The mesh: a GeoJSON FeatureCollection with the property code
    Grids,
    /// The catalogue, one category a line
    Categories,
    /// The duty list: category_code,territory_code,mode,lead_unit_code,assist_unit_codes
    Duties,
    /// Holidays and make-up days: date,name,is_off_day
    Calendar,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DatumWord {
    Wgs84,
    Gcj02,
    Bd09,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LangWord {
    Zh,
    En,
}

pub(super) async fn run(settings: &Config, import: Import) -> Result<Done, Stop> {
    let kind = match import.kind {
        KindWord::Units => Kind::Units,
        KindWord::Grids => Kind::Grids,
        KindWord::Categories => Kind::Categories,
        KindWord::Duties => Kind::Duties,
        KindWord::Calendar => Kind::Calendar,
    };
    let datum = import.datum.map(|word| match word {
        DatumWord::Wgs84 => Datum::Wgs84,
        DatumWord::Gcj02 => Datum::Gcj02,
        DatumWord::Bd09 => Datum::Bd09,
    });
    if kind == Kind::Grids && datum.is_none() {
        return Err(Stop::words("a mesh needs its datum: add --datum wgs84, gcj02 or bd09"));
    }
    let text = text_of(kind, &import.file)?;
    let source = import.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let request = Request {
        district: import.district,
        datum,
        dry_run: import.dry_run,
        source: source.unwrap_or_default(),
        ..Request::new(kind, text)
    };
    let (db, _scratch) = if import.dry_run { open_unchanged(settings)? } else { (open_db(settings)?, None) };
    let outcome = imports::run(&db, request, Clock::System.now()).await?;
    Ok(report(&outcome, matches!(import.lang, LangWord::En)))
}

/// The database for a dry run, which leaves everything as it is: it migrates nothing, and where there is no database
/// yet it makes none, but compares with an empty one that goes when the folder beside it is dropped.
fn open_unchanged(settings: &Config) -> Result<(Db, Option<TempDir>), Stop> {
    let data = &settings.data;
    let target = target(settings)?;
    let open = |target: &Target| Db::open(target, data.pool_size, data.group_commit_max);
    if !matches!(&target, Target::Sqlite(path) if !Path::new(path).exists()) {
        check(&target)?;
        return Ok((open(&target)?, None));
    }
    let made = tempfile::tempdir();
    let scratch = made.map_err(|error| Stop::words(format!("no temporary folder can be made: {error}")))?;
    let empty = Target::Sqlite(scratch.path().join("empty.db").to_string_lossy().into_owned());
    migrate(&empty)?;
    Ok((open(&empty)?, Some(scratch)))
}

fn text_of(kind: Kind, file: &Path) -> Result<String, Stop> {
    let failed = |error: std::io::Error| Stop::words(format!("cannot read {}: {error}", file.display()));
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Stop::words(format!("{} is larger than 64 MiB; split it", file.display())));
    }
    if kind != Kind::Grids {
        let text = decode(&bytes).map_err(|error| Stop::words(format!("{}: {error}", file.display())))?;
        return Ok(text.to_owned());
    }
    String::from_utf8(bytes).map_err(|_| Stop::words(format!("{} is not UTF-8", file.display())))
}

/// The report for a terminal: line by line, what is left out, the sums, and what was done.
pub(super) fn report(outcome: &Outcome, english: bool) -> Done {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let pick = |zh: String, en: String| if english { en } else { zh };
    for line in &outcome.lines {
        say(line.to_line(english));
    }
    if outcome.lines_left_out > 0 {
        let count = outcome.lines_left_out;
        say(pick(format!("……另有 {count} 行未列出"), format!("… and {count} further lines")));
    }
    if !outcome.missing.is_empty() {
        let codes = outcome.missing.join(", ");
        let count = outcome.missing.len() + outcome.missing_left_out;
        let dots = if outcome.missing_left_out > 0 { " …" } else { "" };
        say(pick(
            format!("文件中没有而库中有的网格 {count} 个，其范围到此为止：{codes}{dots}"),
            format!("{count} grids are not in the file and lose their area: {codes}{dots}"),
        ));
    }
    let counts = outcome.counts;
    say(pick(
        format!("新增 {}，变更 {}，相同 {}，错误 {}", counts.new, counts.changed, counts.same, counts.wrong),
        format!(
            "{} new, {} changed, {} same, {} wrong",
            counts.new, counts.changed, counts.same, counts.wrong
        ),
    ));
    let (zh, en) = match (counts.wrong > 0, outcome.dry_run) {
        (true, _) => ("有错误的行，未写入任何内容", "there are wrong lines: nothing was written"),
        (false, true) => ("试运行，未写入任何内容", "dry run: nothing was written"),
        (false, false) => ("已写入", "applied"),
    };
    say(pick(zh.to_owned(), en.to_owned()));
    Done { text, code: if counts.wrong > 0 { WRONG_LINES } else { 0 } }
}
