//! Personal data as rows: sealed anew under another key, removed from old tickets, erased and exported for residents.

mod anonymise;
mod reseal;
mod runs;

pub use anonymise::{Anonymised, anonymise, candidates, is_anonymised, of_account, sign_off};
pub(super) use anonymise::{Attested, attested};
pub use reseal::{COLUMNS, Resealed, SealedWith, reseal_page, sealed_with};
pub use runs::{Run, RunKind, RunState, any_expired, expire, find, finish, insert, mine, open_runs, page};
