//! `suishoupai user`

use std::io::BufRead;

use clap::{Args, Subcommand};
use suishoupai_core::flow::{Post, Role};
use suishoupai_core::model::{District, Level, Unit};
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::identity::{factors, sessions};
use suishoupai_storage::db::reference::load_units;
use suishoupai_storage::db::{Conn, Db, DbError};

use super::{Done, Stop, open_existing};
use crate::callers;
use crate::clock::Clock;
use crate::config::Config;
use crate::fail::Fail;
use crate::lang::Text;
use crate::password::{Passwords, rules};
use crate::problem::{Code, Problem};
use crate::service::officials::{level_of, make_password};
use crate::service::sign_in::told::{Event, What, tell};
use crate::words::Words;

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Add an official with a post; prints the password if it made one
    Add(Add),
    /// Set an official's password, which has to be changed at the next sign-in; they are signed out everywhere
    Password(Password),
    /// Keep an official from signing in; they are signed out everywhere, at once
    Disable(Named),
    /// Let an official sign in again
    Enable(Named),
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
pub(super) struct Named {
    /// The sign-in name
    #[arg(long)]
    login: String,
}

#[derive(Debug, Args)]
pub(super) struct Password {
    /// The sign-in name
    #[arg(long)]
    login: String,
    /// Take the second factor away too, for who has lost it
    #[arg(long)]
    reset_second_factor: bool,
    /// Read the password from the first line of standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

fn login(text: &str) -> Result<String, &'static str> {
    crate::words::login(text).map(|()| text.to_owned())
}

fn role(word: &str) -> Result<Role, String> {
    let roles = || Role::ALL.iter().copied().filter(|role| level_of(*role).is_some());
    roles().find(|role| role.as_str() == word).ok_or_else(|| {
        let words: Vec<&str> = roles().map(Role::as_str).collect();
        format!("must be one of {}", words.join(", "))
    })
}

pub(super) async fn run(settings: &Config, user: User) -> Result<Done, Stop> {
    match user {
        User::Add(account) => {
            let (password, shown) = password(account.password_stdin, &account.login)?;
            let said = add(&open_existing(settings)?, account, password).await?;
            Ok(Done::of(format!("{said}\n{shown}")))
        }
        User::Password(change) => {
            let (password, shown) = password(change.password_stdin, &change.login)?;
            let said = set_password(&open_existing(settings)?, change, password).await?;
            Ok(Done::of(format!("{said}\n{shown}")))
        }
        User::Disable(named) => Ok(Done::of(set_active(settings, &named.login, false).await?)),
        User::Enable(named) => Ok(Done::of(set_active(settings, &named.login, true).await?)),
    }
}

/// The password, asked for before anything is done, so that nothing is half done when there is none; and what is shown
/// of it.
fn password(from_stdin: bool, login: &str) -> Result<(String, String), Stop> {
    if from_stdin {
        return Ok((read_password(std::io::stdin().lock(), login)?, String::new()));
    }
    let made = make_password();
    let shown = format!("password: {made}\n");
    Ok((made, shown))
}
/// Adds an official.
pub(super) async fn add(db: &Db, add: Add, password: String) -> Result<String, Stop> {
    let units = db.read(|conn| load_units(conn, None)).await?;
    let (district, posts) = posts(&add, &units)?;
    let password_hash = Passwords::default().hash(password).await?;
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
    let write = move |conn: &mut Conn| {
        accounts::insert(conn, &new, now)?;
        factors::set_must_change(conn, id, true)?;
        tell(conn, &Event::of(What::OfficialAdded, id).by_operator(), now)
    };
    db.write(write).await.map_err(|fail| match fail {
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
        let unit = units.iter().find(|unit| unit.district == district && *unit.code == *code.as_str());
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

/// The official of a sign-in name.
fn official(conn: &mut Conn, login: &str) -> Result<Account, Fail> {
    let missing = || {
        let text = Text::new(format!("没有用户 {login}"), format!("there is no {login}"));
        Problem::new(Code::AccountNotFound).detail(text)
    };
    accounts::find_by_login(conn, login)?.ok_or_else(|| missing().into())
}

async fn set_password(db: &Db, change: Password, password: String) -> Result<String, Stop> {
    let hash = Passwords::default().hash(password).await?;
    let now = Clock::System.now();
    let Password { login, reset_second_factor, .. } = change;
    let name = login.clone();
    db.write(move |conn| {
        let id = official(conn, &login)?.id;
        accounts::set_password_of(conn, id, &hash, now)?;
        factors::set_must_change(conn, id, true)?;
        sessions::end_all(conn, id, None, now)?;
        tell(conn, &Event::of(What::PasswordSet, id).by_operator(), now)?;
        if reset_second_factor {
            factors::drop_factor(conn, id)?;
            tell(conn, &Event::of(What::FactorRemoved, id).by_operator(), now)?;
        }
        Ok::<_, Fail>(())
    })
    .await?;
    callers::changed_outside().await;
    Ok(format!("set the password of {name}"))
}

async fn set_active(settings: &Config, login: &str, is_active: bool) -> Result<String, Stop> {
    let db = open_existing(settings)?;
    let (now, name) = (Clock::System.now(), login.to_owned());
    db.write(move |conn| {
        let id = official(conn, &name)?.id;
        accounts::set_active(conn, id, is_active, now)?;
        sessions::end_all(conn, id, None, now)?;
        let what = if is_active { What::OfficialEnabled } else { What::OfficialDisabled };
        tell(conn, &Event::of(what, id).by_operator(), now)
    })
    .await?;
    callers::changed_outside().await;
    Ok(format!("{} {login}\n", if is_active { "enabled" } else { "disabled" }))
}

/// The first line, without its end, if the official with this sign-in name may have it as a password.
pub(super) fn read_password(input: impl BufRead, login: &str) -> Result<String, Stop> {
    let mut line = String::new();
    let mut bounded = input.take(rules::MAX_CHARS as u64 * 4 + 2);
    bounded.read_line(&mut line).map_err(|_| Stop::words("the password on standard input is not UTF-8"))?;
    let password = line.trim_end_matches(['\n', '\r']);
    rules::check(password, login).map_err(|weak| Stop::words(weak.to_string()))?;
    Ok(password.to_owned())
}
