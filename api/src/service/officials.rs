//! The officials of a district, as its administrators keep them. Every change holds from the next request on, at every
//! process: an account is read with each request.

use rand::RngExt as _;
use suishoupai_core::flow::{AccountId, Post, Role};
use suishoupai_core::model::{District, Level};
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::identity::{factors, sessions};
use suishoupai_storage::db::{Conn, DbError};

use super::sign_in::told::{Event, What, tell};
use crate::callers;
use crate::fail::Fail;
use crate::lang::Text;
use crate::password::PasswordError;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// Most posts of one official.
pub const MOST_POSTS: usize = 100;
/// Characters that nobody confuses when a password is read out.
const READABLE: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A post as it is asked for.
#[derive(Clone, Debug)]
pub struct WantedPost {
    /// As what.
    pub role: Role,
    /// The code of the unit.
    pub unit_code: String,
}

/// The level of the units in which a role has its posts; none for those that are not posts of officials.
pub fn level_of(role: Role) -> Option<Level> {
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
        Role::Resident | Role::System => return None,
    })
}

/// A password for the first sign-in: 16 characters, 79 bits.
pub fn make_password() -> String {
    let mut random = rand::rng();
    (0..16).map(|_| char::from(READABLE[random.random_range(0..READABLE.len())])).collect()
}

/// The posts, each in a unit of the district that fits its role.
pub(super) fn posts(
    services: &Services,
    district: District,
    wanted: &[WantedPost],
) -> Result<Vec<Post>, Problem> {
    let registry = services.registry();
    let mut posts: Vec<Post> = Vec::new();
    for (at, WantedPost { role, unit_code }) in wanted.iter().enumerate() {
        let refused = |code: &'static str, text: Text| {
            Problem::new(Code::RefusedByRule).field(format!("/posts/{at}"), code, text)
        };
        let Some(level) = level_of(*role) else {
            let text = Text::new("不是工作岗位", "is no post of an official");
            return Err(refused("wrong_role", text));
        };
        let Some(unit) = registry.tree.by_code(district, unit_code) else {
            return Err(refused(
                "unknown_unit",
                Text::new("本区没有这个单位", "there is no such unit in the district"),
            ));
        };
        if unit.level != level {
            let text = Text::new(
                format!("{}的岗位应在{}", role.zh(), level.as_str()),
                format!("a {} has a post in a {}", role.en(), level.as_str()),
            );
            return Err(refused("wrong_level", text));
        }
        let post = Post { role: *role, unit: unit.id };
        if !posts.contains(&post) {
            posts.push(post);
        }
    }
    Ok(posts)
}

/// Officials of the district after a key, each with whether there is a second factor.
///
/// # Errors
/// The database's.
pub async fn page(
    services: &Services,
    district: District,
    after: AccountId,
    limit: i64,
) -> Result<Vec<(Account, bool)>, Fail> {
    services
        .db
        .read(move |conn| {
            let list = accounts::officials_page(conn, district, after, limit)?;
            let ids: Vec<AccountId> = list.iter().map(|account| account.id).collect();
            let with = factors::with_factor(conn, &ids)?;
            let pair = |account: Account| {
                let has_factor = with.contains(&account.id);
                (account, has_factor)
            };
            Ok(list.into_iter().map(pair).collect())
        })
        .await
}

/// Adds an official with posts; gives the key, and the password for the first sign-in.
///
/// # Errors
/// 409 for a name that is taken, 422 for a post that does not fit.
pub async fn add(
    services: &Services,
    by: &Account,
    (login, name): (String, String),
    wanted: Vec<WantedPost>,
) -> Result<(Account, String), Fail> {
    let posts = posts(services, by.district, &wanted)?;
    let password = make_password();
    let hash = hash(services, password.clone()).await?;
    let [id] = services.db.ids::<1>().await?;
    let new = NewAccount {
        id,
        district: by.district,
        login: Some((login, hash)),
        display_name: name,
        phone: None,
        posts,
    };
    let (now, by) = (services.now(), by.id);
    let account = services
        .db
        .write(move |conn| {
            accounts::insert(conn, &new, now).map_err(|error| match error {
                DbError::Constraint(_) => Fail::from(Code::LoginTaken),
                other => other.into(),
            })?;
            factors::set_must_change(conn, id, true)?;
            tell(conn, &Event::of(What::OfficialAdded, id).by(by), now)?;
            found(conn, id)
        })
        .await?;
    Ok((account, password))
}

async fn hash(services: &Services, password: String) -> Result<String, Fail> {
    services.passwords.hash(password).await.map_err(|error| match error {
        PasswordError::Busy => Problem::new(Code::Unavailable).retry_after(1).into(),
        other => Fail::internal(&other),
    })
}

fn found(conn: &mut Conn, id: AccountId) -> Result<Account, Fail> {
    accounts::find(conn, id)?.ok_or_else(|| Code::AccountNotFound.into())
}

/// The official with this key, if it is one of the district.
fn of_district(conn: &mut Conn, district: District, id: AccountId) -> Result<Account, Fail> {
    let account = accounts::find(conn, id)?.filter(|account| account.is_official);
    account.filter(|account| account.district == district).ok_or_else(|| Code::AccountNotFound.into())
}

/// An administrator who took the own post or account away could shut everybody out.
fn not_oneself(by: &Account, id: AccountId) -> Result<(), Fail> {
    if by.id != id {
        return Ok(());
    }
    let text = Text::new(
        "请由另一位管理员操作您自己的账号",
        "another administrator has to do this to your own account",
    );
    Err(Problem::new(Code::RefusedByRule).detail(text).into())
}

/// Gives an official these posts and no others.
///
/// # Errors
/// 404 where the district has no such official; 422 for the own account, or a post that does not fit.
pub async fn set_posts(
    services: &Services,
    by: &Account,
    id: AccountId,
    wanted: Vec<WantedPost>,
) -> Result<Account, Fail> {
    not_oneself(by, id)?;
    let (district, by, now) = (by.district, by.id, services.now());
    let posts = posts(services, district, &wanted);
    let account = services
        .db
        .write(move |conn| {
            of_district(conn, district, id)?;
            let posts = posts.clone()?;
            accounts::set_posts(conn, id, &posts)?;
            let detail: Vec<String> =
                posts.iter().map(|post| format!("{} in {}", post.role.as_str(), post.unit)).collect();
            tell(conn, &Event::of(What::PostsChanged, id).by(by).with(detail.join(", ")), now)?;
            found(conn, id)
        })
        .await?;
    callers::changed(services).await;
    Ok(account)
}

/// Whether an official may sign in. Who may not is signed out everywhere, at once.
///
/// # Errors
/// 404 where the district has no such official; 422 for the own account.
pub async fn set_active(
    services: &Services,
    by: &Account,
    id: AccountId,
    is_active: bool,
) -> Result<Account, Fail> {
    not_oneself(by, id)?;
    let (district, by, now) = (by.district, by.id, services.now());
    let account = services
        .db
        .write(move |conn| {
            of_district(conn, district, id)?;
            accounts::set_active(conn, id, is_active, now)?;
            sessions::end_all(conn, id, None, now)?;
            let what = if is_active { What::OfficialEnabled } else { What::OfficialDisabled };
            tell(conn, &Event::of(what, id).by(by), now)?;
            found(conn, id)
        })
        .await?;
    callers::changed(services).await;
    Ok(account)
}

/// Gives an official a new password for one sign-in, and takes the second factor away where that is asked for: for who has
/// forgotten the one or lost the other. All devices are signed out.
///
/// # Errors
/// 404 where the district has no such official; 422 for the own account.
pub async fn reset(
    services: &Services,
    by: &Account,
    id: AccountId,
    with_factor: bool,
) -> Result<String, Fail> {
    not_oneself(by, id)?;
    let district = by.district;
    services.db.read(move |conn| of_district(conn, district, id)).await?;
    let password = make_password();
    let hash = hash(services, password.clone()).await?;
    let (by, now) = (by.id, services.now());
    services
        .db
        .write(move |conn| {
            accounts::set_password_of(conn, id, &hash, now)?;
            factors::set_must_change(conn, id, true)?;
            sessions::end_all(conn, id, None, now)?;
            if with_factor {
                factors::drop_factor(conn, id)?;
            }
            tell(conn, &Event::of(What::PasswordSet, id).by(by), now)?;
            if with_factor {
                tell(conn, &Event::of(What::FactorRemoved, id).by(by), now)?;
            }
            Ok::<_, Fail>(())
        })
        .await?;
    callers::changed(services).await;
    Ok(password)
}
