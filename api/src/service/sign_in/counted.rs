//! Tries to sign in by name and password: each counts before it is looked at, under its name and its address.

use suishoupai_core::time::Moment;
use suishoupai_storage::db::identity::lockouts::{self, Backoff, Tried};
use suishoupai_storage::db::{Conn, login};

use crate::fail::Fail;
use crate::http::client::Client;
use crate::http::rate::{Policy, Standing};
use crate::problem::Problem;
use crate::services::Services;

/// Nine tries are free; then a minute, and each lock twice as long, but never so long that anybody could keep an official
/// out for a day.
const NAME_LOCKS: Backoff = Backoff {
    free: 10,
    first: 60 * 1000,
    longest: 3600 * 1000,
    quiet: 10 * 60 * 1000,
    forget: 24 * 3600 * 1000,
};
/// As those who are locked out are told of it. How many tries are left before is told nobody: it would tell of others' tries.
pub(super) const NAME_POLICY: Policy = Policy::within("sign-in-name", 9, 10 * 60);
/// In which failures of one address are counted, seconds.
const WINDOW: u32 = 15 * 60;

/// Under which key tries from an address are counted.
pub(super) fn address_key(services: &Services, client: &Client) -> String {
    format!("login-from/{}", hex::encode(services.sealer.index("address", &client.network)))
}

/// How many tries may fail from an address.
pub(super) fn address_policy(services: &Services) -> Policy {
    Policy::within("sign-in-address", services.config.auth.address_failures, WINDOW)
}

/// Under which keys the try was counted.
#[derive(Clone)]
pub(super) struct Counted {
    name: String,
    address: String,
    by_address: Policy,
    pub(super) at: Moment,
}

/// What came of counting a try.
pub(super) struct Counting {
    pub(super) tried: Result<Tried, Problem>,
    /// Whether it is the first of those that are refused by the address.
    pub(super) address_locks: bool,
    pub(super) standing: Standing,
}

impl Counted {
    pub(super) fn new(services: &Services, name: &str, client: &Client) -> Self {
        let index = |kind: &str, value: &str| hex::encode(services.sealer.index(kind, value));
        Self {
            name: format!("login/{}", index("login", name)),
            address: address_key(services, client),
            by_address: address_policy(services),
            at: services.now(),
        }
    }

    /// Counts a try before it is looked at.
    pub(super) fn count(&self, conn: &mut Conn) -> Result<Counting, Fail> {
        let policy = self.by_address;
        let (hits, until) = login::hit(conn, &self.address, policy.window_millis(), self.at)?;
        let standing = policy.after(hits, until, self.at);
        if policy.is_over(hits) {
            let tried = Err(policy.exceeded(until.millis() - self.at.millis()));
            return Ok(Counting { tried, address_locks: !policy.is_over(hits.saturating_sub(1)), standing });
        }
        let tried = Ok(lockouts::try_once(conn, &self.name, &NAME_LOCKS, self.at)?);
        Ok(Counting { tried, address_locks: false, standing })
    }

    /// A try that was neither right nor wrong.
    fn take_back(&self, conn: &mut Conn) -> Result<(), Fail> {
        lockouts::take_back(conn, &self.name, &NAME_LOCKS)?;
        Ok(login::take_back(conn, &self.address, self.by_address.window_millis(), self.at)?)
    }

    /// A try that was right.
    pub(super) fn forgive(&self, conn: &mut Conn) -> Result<(), Fail> {
        lockouts::forgive(conn, &self.name)?;
        Ok(login::take_back(conn, &self.address, self.by_address.window_millis(), self.at)?)
    }

    /// Takes the try back, and gives the problem that it ends with.
    pub(super) async fn leave(&self, services: &Services, problem: impl Into<Fail>) -> Fail {
        let counted = self.clone();
        match services.db.write(move |conn| counted.take_back(conn)).await {
            Ok(()) => problem.into(),
            Err(fail) => fail,
        }
    }
}
