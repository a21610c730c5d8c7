//! Evidence for third parties: a ticket with its history, reports and originals in one file, signed, to be verified with
//! the tools that every system has.
//!
//! ```text
//! VERIFY.txt, verify_history.py      what to do with it
//! history.jsonl, history.hashes      the stored text of every line, and its hash
//! masks/ID.jsonl, masks/ID.hashes    the same of the masks of its photos
//! reports.json, photos.json, photos/ what was sent
//! public-key.pem, manifest.json      by whom, of what, and the digest of all of the above
//! SHA256SUMS                         the digest of all of the above; both are signed (.sig)
//! ```

mod key;
mod package;
mod photos;
mod texts;

use std::path::{Path, PathBuf};

use serde::Serialize;
use suishoupai_core::flow::TicketId;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::photos as photo_rows;
use suishoupai_storage::db::reports::{self, Report};
use suishoupai_storage::db::tickets::{self, Loaded};
use suishoupai_storage::db::{Db, DbError, accounts, history, masks, privacy};
use suishoupai_storage::seal::Sealer;
use suishoupai_storage::store::{PhotoStore, StoreError};

pub use key::EvidenceKey;
pub use package::Entry;
pub(crate) use photos::say_on_stderr;
pub use photos::{PhotosVerified, verify_photos};

use crate::app::{self, StartError};
use crate::config::Config;
use crate::photo_store;
use package::Package;
use photos::Exported;

/// The layout of packages.
const FORMAT: u32 = 1;
/// Lines of a history that are in memory at once.
const PAGE: i64 = 500;

/// Why a package cannot be made, in words for an operator.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// What was asked cannot be done; says what to mend.
    #[error("{0}")]
    Words(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The photo store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings, or a key file.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl EvidenceError {
    fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// For `map_err`: names what was tried with which file.
    fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::Words(format!("cannot {action} {path}: {error}"))
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The ticket, by key.
    pub ticket: TicketId,
    /// Where to; without it, `evidence-NUMBER.zip` in the working directory.
    pub out: Option<PathBuf>,
    /// Why contacts are exported in clear; that must have been written into the history before. None: they stay sealed.
    pub contacts_because: Option<String>,
}

/// A package that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// What a package says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// The layout, now 1.
    pub format: u32,
    /// The program and its version.
    pub program: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// By which key it is signed.
    pub key: Key,
    /// The district.
    pub district: i32,
    /// The ticket.
    pub ticket: TicketId,
    /// 案卷号
    pub number: String,
    /// Where it stands.
    pub state: String,
    /// Its history.
    pub chain: Chain,
    /// The ticket from which it was split off, and those that were merged into it: their histories are packages of their
    /// own.
    pub related: Vec<TicketId>,
    /// `sealed`, or `clear` with the reason.
    pub contacts: &'static str,
    /// Why contacts are in clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts_because: Option<String>,
    /// Photos that are missing in the store, or are not as they were sent.
    pub problems: Vec<String>,
    /// Every file but this one, the sums and the signatures.
    pub files: Vec<Entry>,
}

/// A public key.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// SHA-256 of its DER form.
    pub id: String,
    /// `Ed25519`
    pub algorithm: &'static str,
    /// As OpenSSH writes it.
    pub openssh: String,
}

/// A history in few words.
#[derive(Clone, Debug, Serialize)]
pub struct Chain {
    /// How many lines.
    pub lines: i64,
    /// The hash of the last one.
    pub head: String,
}

/// Makes the package of a ticket, which is complete and durable when this answers. Nothing is written into the database.
///
/// # Errors
/// [`EvidenceError`]; then there is no file.
pub async fn export(config: &Config, db: &Db, request: Request, now: Moment) -> Result<Made, EvidenceError> {
    let key = EvidenceKey::load_or_create(config)?;
    let store = photo_store::open(config).await?;
    let sealer = Sealer::new(&app::data_keys(config)?);
    let id = request.ticket;
    let loaded = db.read(move |conn| tickets::find(conn, id)).await?;
    let loaded = loaded.ok_or_else(|| EvidenceError::words(format!("there is no ticket {id}")))?;
    if db.read(move |conn| privacy::is_anonymised(conn, id)).await? {
        return Err(EvidenceError::words(format!(
            "ticket {id} has been anonymised: its words are not those that were hashed, so nobody else could verify them"
        )));
    }
    let path =
        request.out.clone().unwrap_or_else(|| PathBuf::from(format!("evidence-{}.zip", loaded.number)));
    let mut package = Package::begin(&path)?;
    package.add("VERIFY.txt", texts::VERIFY).await?;
    package.add("verify_history.py", texts::SCRIPT).await?;
    package.add("public-key.pem", key.pem()).await?;
    write_history(&mut package, db, &loaded).await?;
    let clear = request.contacts_because.is_some();
    package.add("reports.json", json(&sent(db, &sealer, id, clear).await?)?).await?;
    let Exported { problems } = photos::export(&mut package, db, &store, id).await?;
    let mut related: Vec<TicketId> = loaded.ticket.parent.into_iter().collect();
    related.extend(&loaded.ticket.course.merged);
    let manifest = Manifest {
        format: FORMAT,
        program: format!("suishoupai {}", env!("CARGO_PKG_VERSION")),
        made_at: now.to_string(),
        key: Key { id: key.id(), algorithm: "Ed25519", openssh: key.openssh() },
        district: loaded.ticket.district,
        ticket: id,
        number: loaded.number.clone(),
        state: loaded.ticket.state.as_str().to_owned(),
        chain: Chain { lines: loaded.ticket.version, head: hex::encode(loaded.last_hash) },
        related,
        contacts: if clear { "clear" } else { "sealed" },
        contacts_because: request.contacts_because,
        problems,
        files: package.entries().to_vec(),
    };
    let text = json(&manifest)?;
    let signature = key.sign(&text);
    package.add("manifest.json", text).await?;
    package.add("manifest.json.sig", signature.to_vec()).await?;
    let sums: String =
        package.entries().iter().map(|entry| format!("{}  {}\n", entry.sha256, entry.name)).collect();
    let signature = key.sign(sums.as_bytes());
    package.add("SHA256SUMS", sums).await?;
    package.add("SHA256SUMS.sig", signature.to_vec()).await?;
    package.finish().await?;
    Ok(Made { path, manifest })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, EvidenceError> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|error| EvidenceError::words(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

/// The lines up to the version that the ticket had when it was loaded: what is added meanwhile is not of this package.
async fn write_history(package: &mut Package, db: &Db, loaded: &Loaded) -> Result<(), EvidenceError> {
    let (id, last) = (loaded.ticket.id, loaded.ticket.version);
    let mut hashes = String::new();
    let mut file = package.start("history.jsonl").await?;
    let mut after = 0;
    while after < last {
        let page = db.read(move |conn| history::stored(conn, id, after, last, PAGE)).await?;
        let Some((seq, ..)) = page.last() else { break };
        after = *seq;
        let mut text = String::new();
        for (_, content, hash) in &page {
            text.push_str(content);
            text.push('\n');
            hashes.push_str(hash);
            hashes.push('\n');
        }
        file.push(package, text.into()).await?;
    }
    package.end(file);
    package.add("history.hashes", hashes).await
}

/// A report as it was sent.
#[derive(Serialize)]
struct Sent {
    receipt: String,
    created_at: String,
    channel: &'static str,
    text: String,
    category: Option<String>,
    datum: String,
    lon_sent: f64,
    lat_sent: f64,
    lon_wgs84: f64,
    lat_wgs84: f64,
    address: Option<String>,
    landmark: Option<String>,
    anonymous: bool,
    /// The text whose SHA-256 stands in the history.
    fingerprint: String,
    /// The name to be reached under, sealed with the installation's key, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_sealed: Option<String>,
    /// The same in clear, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    /// The number of the account, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

/// The ticket's own reports. Contacts in clear only where that was asked for, and never of anonymous ones.
async fn sent(db: &Db, sealer: &Sealer, ticket: TicketId, clear: bool) -> Result<Vec<Sent>, EvidenceError> {
    let rows = db
        .read(move |conn| {
            let found = reports::of_any(conn, &[ticket])?;
            let mut rows = Vec::with_capacity(found.len());
            for report in found {
                let named = clear && !report.anonymous;
                let account = if named { accounts::find(conn, report.account)? } else { None };
                rows.push((report, account.and_then(|account| account.phone_sealed)));
            }
            Ok::<_, DbError>(rows)
        })
        .await?;
    Ok(rows.into_iter().map(|(report, phone)| as_sent(report, phone, sealer, clear)).collect())
}

fn as_sent(report: Report, phone: Option<Vec<u8>>, sealer: &Sealer, clear: bool) -> Sent {
    let open = |column: &str, sealed: Option<&Vec<u8>>| sealed.and_then(|it| sealer.open(column, it).ok());
    let named = clear && !report.anonymous;
    Sent {
        fingerprint: reports::fingerprint(&report),
        receipt: report.receipt,
        created_at: report.created_at.to_string(),
        channel: report.channel.as_str(),
        text: report.text,
        category: report.category,
        datum: report.datum,
        lon_sent: report.sent.0,
        lat_sent: report.sent.1,
        lon_wgs84: report.place.lon,
        lat_wgs84: report.place.lat,
        address: report.address,
        landmark: report.landmark,
        anonymous: report.anonymous,
        contact: open("contact", report.contact_sealed.as_ref()).filter(|_| named),
        phone: open("phone", phone.as_ref()).filter(|_| named),
        contact_sealed: report.contact_sealed.filter(|_| !named).map(hex::encode),
    }
}
