//! Who lives and works in the simulated district.

use std::collections::BTreeMap;
use std::ops::Range;

use suishoupai_core::flow::{AccountId, Actor, Post, Role};
use suishoupai_core::model::{Level, Unit, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::accounts::{self, Account, NewAccount};
use suishoupai_storage::db::photos::{self, MediaKind, Photo, PhotoState};

use crate::auth::actor;
use crate::demo::DISTRICT;
use crate::fail::Fail;
use crate::registry::Registry;
use crate::service::digest;

/// How many grids one worker walks.
const GRIDS_EACH: usize = 8;

/// What stands for the bytes of every photo.
pub(super) const PICTURE: &[u8] = b"a simulated photo";

/// The index of a person among all.
pub(super) type Who = usize;

/// Somebody with an account and one photo, which serves for everything they prove.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) account: Account,
    pub(super) actor: Actor,
    pub(super) photo: i64,
}

/// Everybody, and who sits where.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) all: Vec<Person>,
    /// The accounts have keys without gaps from here on.
    first: AccountId,
    pub(super) residents: Range<Who>,
    /// Two workers for each grid: its own, and one who helps in the whole community.
    pub(super) workers: BTreeMap<UnitId, [Who; 2]>,
    /// The officers of communities, streets, departments and squads.
    pub(super) officers: BTreeMap<UnitId, Vec<Who>>,
    pub(super) dispatchers: Vec<Who>,
    pub(super) chiefs: Vec<Who>,
    pub(super) heads: Vec<Who>,
    pub(super) inspectors: Vec<Who>,
}

impl People {
    /// Staffs every unit of the district and lets `residents` people live there. Accounts and photos get keys later.
    pub(super) fn hire(registry: &Registry, residents: usize) -> Self {
        let mut people = Self::default();
        let tree = &registry.tree;
        let mut units: Vec<&Unit> = tree.iter().filter(|unit| unit.district == DISTRICT).collect();
        units.sort_by(|a, b| a.code.cmp(&b.code));
        for unit in units {
            match unit.level {
                Level::District => people.staff_centre(unit.id),
                Level::Department => people.staff(unit.id, Role::DepartmentOfficer, 2),
                Level::Street => people.staff(unit.id, Role::StreetOfficer, 2),
                Level::Community => {
                    people.staff(unit.id, Role::CommunityOfficer, 1);
                    people.staff_grids(tree.children(unit.id));
                }
                Level::Grid => {}
            }
        }
        let first = people.all.len();
        for _ in 0..residents {
            people.add(vec![Post { role: Role::Resident, unit: 0 }]);
        }
        people.residents = first..people.all.len();
        people
    }

    fn add(&mut self, posts: Vec<Post>) -> Who {
        let number = self.all.len();
        let role = posts.first().map_or(Role::Resident, |post| post.role);
        let account = Account {
            id: 0,
            district: DISTRICT,
            is_official: role != Role::Resident,
            login: (role != Role::Resident).then(|| format!("sim-{}-{number}", role.as_str())),
            display_name: format!("{}{number}", role.zh()),
            password_hash: None,
            phone_sealed: None,
            is_active: true,
            tokens_from: Moment::from_millis(0),
            distrusted_until: None,
            restricted_until: None,
            posts,
            stands_for: Vec::new(),
        };
        let actor = actor(&account);
        self.all.push(Person { account, actor, photo: 0 });
        number
    }

    fn staff(&mut self, unit: UnitId, role: Role, count: usize) {
        let officers = (0..count).map(|_| self.add(vec![Post { role, unit }])).collect();
        self.officers.insert(unit, officers);
    }

    fn staff_centre(&mut self, unit: UnitId) {
        let mut some = |role, count: usize| -> Vec<Who> {
            (0..count).map(|_| self.add(vec![Post { role, unit }])).collect()
        };
        let (dispatchers, chiefs) = (some(Role::Dispatcher, 3), some(Role::DutyChief, 2));
        let (heads, inspectors) = (some(Role::CentreHead, 1), some(Role::Inspector, 4));
        (self.dispatchers, self.chiefs, self.heads, self.inspectors) =
            (dispatchers, chiefs, heads, inspectors);
    }

    fn staff_grids(&mut self, grids: &[UnitId]) {
        let worker = |grids: &[UnitId]| -> Vec<Post> {
            grids.iter().map(|&unit| Post { role: Role::GridWorker, unit }).collect()
        };
        if grids.is_empty() {
            return;
        }
        let helper = self.add(worker(grids));
        for some in grids.chunks(GRIDS_EACH) {
            let own = self.add(worker(some));
            self.workers.extend(some.iter().map(|grid| (*grid, [own, helper])));
        }
    }

    /// How many keys they need.
    pub(super) fn keys_needed(&self) -> i64 {
        2 * self.all.len() as i64
    }

    /// Gives everybody the keys of their account and of their photo.
    pub(super) fn number(&mut self, ids: &Range<i64>) {
        let count = self.all.len() as i64;
        self.first = ids.start;
        for (person, id) in self.all.iter_mut().zip(ids.start..) {
            person.account.id = id;
            person.actor.account = Some(id);
            person.photo = id + count;
        }
    }

    /// Who has this account; nobody for one of the demonstration.
    pub(super) fn find(&self, account: AccountId) -> Option<Who> {
        let index = usize::try_from(account - self.first).ok()?;
        (index < self.all.len()).then_some(index)
    }

    /// Writes all accounts; officials get the password with this hash.
    pub(super) fn write(&self, conn: &mut Conn, password_hash: &str, now: Moment) -> Result<(), Fail> {
        for person in &self.all {
            let account = &person.account;
            let posts = account.posts.iter().filter(|post| post.role != Role::Resident);
            let new = NewAccount {
                id: account.id,
                district: account.district,
                login: account.login.clone().map(|login| (login, password_hash.to_owned())),
                display_name: account.display_name.clone(),
                phone: None,
                posts: posts.copied().collect(),
            };
            accounts::insert(conn, &new, now)?;
            photos::insert(conn, &photo(person, now))?;
        }
        Ok(())
    }
}

/// A photo of which only the row is there.
fn photo(person: &Person, now: Moment) -> Photo {
    Photo {
        id: person.photo,
        district: person.account.district,
        account: person.account.id,
        sha256: digest(PICTURE),
        media_type: "image/jpeg".to_owned(),
        extension: "jpg".to_owned(),
        bytes: 17,
        width: 1,
        height: 1,
        orientation: 1,
        taken_at: None,
        gps: None,
        camera: None,
        state: PhotoState::Failed,
        failure: Some("a simulated photo has no picture".to_owned()),
        display: None,
        created_at: now,
        kind: MediaKind::Photo,
        duration_ms: None,
        mask_version: 0,
        mask_hash: None,
        rendition: None,
    }
}
