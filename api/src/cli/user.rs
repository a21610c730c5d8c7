//! `suishoupai user`

use std::io::BufRead;

use clap::{Args, Subcommand};
use rand::RngExt as _;
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::{Post, Role};
use suishoupai_core::model::{District, Level, Unit};
use suishoupai_storage::db::accounts::{self, NewAccount};
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::reference::load_units;
use suishoupai_storage::db::{Db, DbError};

use super::{Done, Stop, open_existing};
use crate::audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::fail::Fail;
use crate::password::Passwords;
use crate::words::Words;

/// Shortest password that is set from here, in characters.
const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password that sign-in takes, in characters.
const MAX_PASSWORD_CHARS: usize = 256;
/// Characters that nobody confuses when a password is read out.
const READABLE: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Add an official with a post; prints the password if it made one
    Add(Add),
    /// Set an official's password; they are signed out everywhere
    Password(Password),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The sign-in name: 2 to 32 small letters, digits, - and _
    #[arg(long, value_parser = login)]
    pub(super) login: String,
    /// The name that others see
    #[arg(long, value_name = "DISPLAY", value_parser = Words::<50>::parse)]
    pub(super) name: Words<50>,
    /// grid_worker, community_officer, street_officer, department_officer, dispatcher, duty_chief, centre_head,
    /// inspector, observer, administrator or auditor
    #[arg(long, value_parser = role)]
    pub(super) role: Role,
    /// The code of the unit of the post; repeat it for several units
    #[arg(long, value_name = "CODE", required = true)]
    pub(super) unit: Vec<String>,
    /// The six-digit code of the district, needed where there are several
    #[arg(long, value_name = "CODE")]
    pub(super) district: Option<District>,
    /// Read the password from the first line of standard input instead of making one
    #[arg(long)]
    pub(super) password_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct Password {
    /// The sign-in name
    #[arg(long)]
    login: String,
    /// Read the password from the first line of standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

fn login(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (2..=32).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be 2 to 32 small letters, digits, - and _")
    }
}

fn role(word: &str) -> Result<Role, String> {
    let roles = || Role::ALL.iter().copied().filter(|role| level_of(*role).is_some());
    roles().find(|role| role.as_str() == word).ok_or_else(|| {
        let words: Vec<&str> = roles().map(Role::as_str).collect();
        format!("must be one of {}", words.join(", "))
    })
}

/// The level of the units in which a role has its posts; none for those that are not posts of officials.
fn level_of(role: Role) -> Option<Level> {
    Some(match role {
        Role::GridWorker => Level::Grid,
        Role::CommunityOfficer => Level::Community,
        Role::StreetOfficer => Level::Street,
        Role::DepartmentOfficer => Level::Department,
        Role::Dispatcher
        | Role::DutyChief
        | Role::CentreHead
        | Role::Inspector
        | Role::Observer
        | Role::Administrator
        | Role::Auditor => Level::District,
        _ => return None,
    })
}

pub(super) async fn run(settings: &Config, user: User) -> Result<Done, Stop> {
    let from_stdin = match &user {
        User::Add(add) => add.password_stdin,
        User::Password(change) => change.password_stdin,
    };
    // The password first, so that nothing is half done when there is none.
    let (password, was_made) =
        if from_stdin { (read_password(std::io::stdin().lock())?, false) } else { (make_password(), true) };
    let db = open_existing(settings)?;
    let shown = if was_made { format!("password: {password}\n") } else { String::new() };
    let said = match user {
        User::Add(account) => add(&db, account, password).await?,
        User::Password(change) => set_password(&db, change.login, password).await?,
    };
    Ok(Done::of(format!("{said}\n{shown}")))
}

/// Adds an official.
pub(super) async fn add(db: &Db, add: Add, password: String) -> Result<String, Stop> {
    let units = db.read(|conn| load_units(conn, None)).await?;
    let (district, posts) = posts(&add, &units)?;
    let password_hash = Passwords::new()?.hash(password).await?;
    let [id] = db.ids::<1>().await?;
    let new = NewAccount {
        id,
        district,
        login: Some((add.login.clone(), password_hash)),
        display_name: add.name.into_string(),
        phone: None,
        posts,
    };
    let now = Clock::System.now();
    let line = audit::entry(AuditKind::AccountChange, district, now);
    let line =
        audit::with(Entry { subject: Some(format!("account:{id}")), ..line }, "role", add.role.as_str());
    let written = db.write(move |conn| {
        accounts::insert(conn, &new, now)?;
        audit_rows::append(conn, std::slice::from_ref(&line))?;
        Ok::<_, Fail>(())
    });
    written.await.map_err(|fail| match fail {
        Fail::Db(DbError::Constraint(_)) => Stop::words(format!("the sign-in name {} is taken", add.login)),
        other => other.into(),
    })?;
    Ok(format!("added {} as {} of {}", add.login, add.role.as_str(), add.unit.join(", ")))
}

/// The posts of a new account, and the district that its units are of.
fn posts(add: &Add, units: &[Unit]) -> Result<(District, Vec<Post>), Stop> {
    let mut districts: Vec<District> = units.iter().map(|unit| unit.district).collect();
    districts.sort_unstable();
    districts.dedup();
    let district = match (add.district, districts.as_slice()) {
        (Some(asked), known) if known.contains(&asked) => asked,
        (Some(asked), _) => return Err(Stop::words(format!("there is no district {asked}"))),
        (None, [only]) => *only,
        (None, []) => return Err(Stop::words("there is no district yet; import the units first")),
        (None, _) => return Err(Stop::words("there are several districts; name one by --district")),
    };
    let mut posts: Vec<Post> = Vec::new();
    for code in &add.unit {
        let unit = units.iter().find(|unit| unit.district == district && unit.code == *code);
        let unit = unit.ok_or_else(|| Stop::words(format!("there is no unit {code} in {district}")))?;
        if Some(unit.level) != level_of(add.role) {
            let (role, level) = (add.role.as_str(), unit.level.as_str());
            let wanted = level_of(add.role).map_or("", Level::as_str);
            return Err(Stop::words(format!(
                "a {role} has a post in a {wanted}, and {code} {} is a {level}",
                unit.name
            )));
        }
        // A code that is named twice is one post.
        if posts.iter().all(|post| post.unit != unit.id) {
            posts.push(Post { role: add.role, unit: unit.id });
        }
    }
    Ok((district, posts))
}

async fn set_password(db: &Db, login: String, password: String) -> Result<String, Stop> {
    let hash = Passwords::new()?.hash(password).await?;
    let now = Clock::System.now();
    let name = login.clone();
    let found = db
        .write(move |conn| {
            let Some(account) = accounts::find_by_login(conn, &login)? else { return Ok(false) };
            accounts::set_password(conn, &login, &hash, now)?;
            let line = audit::entry(AuditKind::PasswordChange, account.district, now);
            audit_rows::append(conn, &[Entry { subject: Some(format!("account:{}", account.id)), ..line }])?;
            Ok::<_, Fail>(true)
        })
        .await?;
    if found {
        Ok(format!("set the password of {name}"))
    } else {
        Err(Stop::words(format!("there is no {name}")))
    }
}

/// The first line, without its end.
pub(super) fn read_password(input: impl BufRead) -> Result<String, Stop> {
    let mut line = String::new();
    let mut bounded = input.take(MAX_PASSWORD_CHARS as u64 * 4 + 2);
    bounded.read_line(&mut line).map_err(|_| Stop::words("the password on standard input is not UTF-8"))?;
    let password = line.trim_end_matches(['\n', '\r']);
    if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&password.chars().count()) {
        return Err(Stop::words(format!(
            "a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"
        )));
    }
    // Sign-in cuts blanks off, as keyboards of phones add them.
    if password.trim() != password || password.contains('\0') {
        return Err(Stop::words("a password must not begin or end with a blank"));
    }
    Ok(password.to_owned())
}

/// 16 characters, 79 bits.
fn make_password() -> String {
    let mut random = rand::rng();
    (0..16).map(|_| char::from(READABLE[random.random_range(0..READABLE.len())])).collect()
}
