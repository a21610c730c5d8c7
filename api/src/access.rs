//! Who may call which route, and which rows they reach by it: one row of [`ROUTES`] for each operation of the contract.
//!
//! A permission is a type, so that a handler says in its signature whom it is for; the table says the same of the whole API,
//! and a test asks every route in every role, of the own unit, of another one and of another district, whether it is so.
//! What a command does to a ticket is decided by the table of the rules besides.

use suishoupai_core::flow::Role;

/// A set of roles that a route is for. Which rows the caller may touch is decided in the rules.
pub trait Permission {
    /// One of these is needed; empty means any account.
    const ROLES: &'static [Role];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident),*;)+) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Permission for $name {
            const ROLES: &'static [Role] = &[$(Role::$role),*];
        }
    )+ };
}

permissions! {
    /// Any signed-in account.
    Anyone: ;
    /// Somebody with a post in the district's work, observers included.
    Official: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector, Observer, Administrator;
    /// Whoever signs in by name and password, auditors included.
    Staff: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector, Observer, Administrator, Auditor;
    /// Somebody who works on tickets.
    Worker: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector;
    /// Somebody who walks the grids.
    Field: GridWorker, CommunityOfficer, StreetOfficer;
    /// Somebody who handles: a unit that can be given work.
    Handler: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer;
    /// Those who follow what happens to tickets.
    Watcher: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead,
        Inspector, Observer;
    /// Those who may verify and file.
    Filer: GridWorker, CommunityOfficer, StreetOfficer, Dispatcher, DutyChief;
    /// Those who may check a result.
    Checker: GridWorker, CommunityOfficer, StreetOfficer, Dispatcher, DutyChief, Inspector;
    /// Those who handle, and the centre.
    Manager: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief;
    /// As `Manager`, with the head of the centre.
    Resumer: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead;
    /// Those who may propose pictures for the exposure board.
    Exposer: GridWorker, CommunityOfficer, StreetOfficer, DepartmentOfficer, Dispatcher, DutyChief, CentreHead;
    /// Those who may summon departments.
    Whistler: CommunityOfficer, StreetOfficer;
    /// The district centre.
    Centre: Dispatcher, DutyChief;
    /// Those at the district who read what its units ask for.
    DistrictDesk: Dispatcher, DutyChief, CentreHead, Inspector, Observer;
    /// Who reviews requests.
    DutyChiefOnly: DutyChief;
    /// Those who order restrictions of reporters, and those who decide about them.
    RestrictionReader: DutyChief, CentreHead, Administrator;
    /// The duty chief and the head of the centre.
    Chief: DutyChief, CentreHead;
    /// Those who may decide some request.
    Decider: Dispatcher, DutyChief, CentreHead;
    /// Those who call reporters back.
    Caller: Dispatcher, DutyChief, Inspector;
    /// The district's IT staff.
    Admin: Administrator;
    /// Who searches the audit trail: nobody who could have a hand in what it tells of.
    TrailReader: Auditor;
    /// Residents, and grid workers for their own finds.
    Reporter: Resident, GridWorker;
    /// Residents.
    ResidentOnly: Resident;
}

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    Open,
    /// Whoever has an address that the server signed.
    Signed,
    /// Accounts with one of these roles; any account where there are none.
    Roles(&'static [Role]),
}

/// Which rows an address with a key reaches; all others are a 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It names no row.
    Nothing,
    /// Those of the caller's own.
    Own,
    /// Tickets that lie in the caller's subtree, or for whose unit there is or was work in them; and what belongs to such.
    Ticket,
    /// Tickets that everybody may know of.
    Public,
    /// Orders to a unit of the caller's subtree.
    Order,
    /// The caller's own photos, and those of tickets that the caller sees.
    Photo,
    /// Those of the caller's district.
    District,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, as in the contract.
    pub path: &'static str,
    /// Whom it is for.
    pub who: Who,
    /// What is reached by it.
    pub reach: Reach,
}

macro_rules! who {
    (Open) => {
        Who::Open
    };
    (Signed) => {
        Who::Signed
    };
    ($permission:ident) => {
        Who::Roles(<$permission as Permission>::ROLES)
    };
}

macro_rules! method {
    (Get) => {
        "get"
    };
    (Post) => {
        "post"
    };
    (Put) => {
        "put"
    };
    (Patch) => {
        "patch"
    };
    (Delete) => {
        "delete"
    };
    (Options) => {
        "options"
    };
}

macro_rules! routes {
    ($($method:ident $path:literal: $who:ident, $reach:ident;)+) => {
        /// Every operation of the contract.
        pub const ROUTES: &[Route] = &[
            $(Route { method: method!($method), path: $path, who: who!($who), reach: Reach::$reach }),+
        ];
    };
}

routes! {
    Get "/": Open, Nothing;
    Get "/.well-known/jwks.json": Open, Nothing;
    Get "/api/v1/absences": Official, Nothing;
    Post "/api/v1/admin/absences": Admin, Nothing;
    Delete "/api/v1/admin/absences/{id}": Admin, District;
    Delete "/api/v1/admin/calendar/days/{date}": Admin, Nothing;
    Put "/api/v1/admin/calendar/days/{date}": Admin, Nothing;
    Put "/api/v1/admin/calendar/hours": Admin, Nothing;
    Post "/api/v1/admin/imports/{kind}": Admin, Nothing;
    Get "/api/v1/admin/officials": Admin, Nothing;
    Get "/api/v1/admin/service-keys": Admin, Nothing;
    Post "/api/v1/admin/service-keys": Admin, Nothing;
    Delete "/api/v1/admin/service-keys/{id}": Admin, District;
    Post "/api/v1/admin/officials": Admin, Nothing;
    Post "/api/v1/admin/officials/{id}/disable": Admin, District;
    Post "/api/v1/admin/officials/{id}/enable": Admin, District;
    Put "/api/v1/admin/officials/{id}/posts": Admin, District;
    Post "/api/v1/admin/officials/{id}/reset": Admin, District;
    Post "/api/v1/admin/policies": Admin, Nothing;
    Get "/api/v1/admin/privacy-runs": Admin, Nothing;
    Post "/api/v1/admin/privacy-runs": Admin, Nothing;
    Post "/api/v1/admin/restrictions": Admin, Nothing;
    Post "/api/v1/admin/shifts": Admin, Nothing;
    Delete "/api/v1/admin/shifts/{id}": Admin, District;
    Post "/api/v1/admin/standard-texts": Admin, Nothing;
    Delete "/api/v1/admin/standard-texts/{id}": Admin, District;
    Get "/api/v1/audit": TrailReader, Nothing;
    Post "/api/v1/auth/codes": Open, Nothing;
    Post "/api/v1/auth/mini-program": Open, Nothing;
    Post "/api/v1/auth/password": Open, Nothing;
    Post "/api/v1/auth/phone": Open, Nothing;
    Post "/api/v1/auth/refresh": Open, Nothing;
    Post "/api/v1/auth/second-factor": Open, Nothing;
    Post "/api/v1/auth/second-factor/confirm": Open, Nothing;
    Post "/api/v1/auth/sso": Open, Nothing;
    Post "/api/v1/auth/sso/finish": Open, Nothing;
    Get "/api/v1/calendar": Official, Nothing;
    Get "/api/v1/categories": Open, Nothing;
    Get "/api/v1/events": Watcher, Nothing;
    Get "/api/v1/exposures": Open, Nothing;
    Post "/api/v1/exposures": Exposer, Nothing;
    Get "/api/v1/exposures/review": DistrictDesk, Nothing;
    Get "/api/v1/exposures/{id}": Official, Ticket;
    Post "/api/v1/exposures/{id}/approve": Chief, Ticket;
    Post "/api/v1/exposures/{id}/refuse": Chief, Ticket;
    Post "/api/v1/exposures/{id}/take-down": Decider, Ticket;
    Get "/api/v1/follows": Anyone, Nothing;
    Get "/api/v1/follows/{id}": Anyone, Own;
    Get "/api/v1/locate": Open, Nothing;
    Get "/api/v1/map/clusters": Official, Nothing;
    Get "/api/v1/map/public/clusters": Open, Nothing;
    Get "/api/v1/map/public/tiles/{z}/{x}/{y}.mvt": Open, Nothing;
    Get "/api/v1/map/tiles/{z}/{x}/{y}.mvt": Official, Nothing;
    Get "/api/v1/me": Anyone, Nothing;
    Delete "/api/v1/me/devices": Anyone, Nothing;
    Get "/api/v1/me/devices": Anyone, Nothing;
    Delete "/api/v1/me/devices/{id}": Anyone, Own;
    Post "/api/v1/me/password": Staff, Nothing;
    Get "/api/v1/me/privacy-requests": ResidentOnly, Nothing;
    Post "/api/v1/me/privacy-requests": ResidentOnly, Nothing;
    Get "/api/v1/me/privacy-requests/{id}/data": ResidentOnly, Own;
    Post "/api/v1/me/restriction/appeal": ResidentOnly, Nothing;
    Get "/api/v1/me/second-factor": Staff, Nothing;
    Post "/api/v1/me/second-factor/recovery-codes": Staff, Nothing;
    Post "/api/v1/me/second-factor/remove": Staff, Nothing;
    Get "/api/v1/notices": Official, Nothing;
    Post "/api/v1/photos": Anyone, Nothing;
    Post "/api/v1/photos/uploads": Anyone, Nothing;
    Post "/api/v1/photos/uploads/{id}/complete": Anyone, Own;
    Post "/api/v1/photos/uploads/{id}/content": Signed, Own;
    Get "/api/v1/photos/{id}": Anyone, Photo;
    Get "/api/v1/photos/{id}/display": Signed, Photo;
    Get "/api/v1/photos/{id}/mask": Official, Photo;
    Post "/api/v1/photos/{id}/mask": Worker, Photo;
    Get "/api/v1/photos/{id}/original": Anyone, Photo;
    Get "/api/v1/photos/{id}/playback": Signed, Photo;
    Get "/api/v1/photos/{id}/thumbnail": Signed, Photo;
    Post "/api/v1/photos/{id}/unmask": Chief, Photo;
    Get "/api/v1/policies": Official, Nothing;
    Get "/api/v1/privacy": Open, Nothing;
    Get "/api/v1/reports": Anyone, Nothing;
    Post "/api/v1/reports": Reporter, Nothing;
    Post "/api/v1/reports/follow": Open, Nothing;
    Post "/api/v1/reports/form": Reporter, Nothing;
    Post "/api/v1/reports/similar": Reporter, Nothing;
    Get "/api/v1/reports/{id}": Anyone, Own;
    Get "/api/v1/reports/{id}/events": Anyone, Own;
    Post "/api/v1/reports/{id}/not-fixed": ResidentOnly, Own;
    Post "/api/v1/reports/{id}/rating": ResidentOnly, Own;
    Post "/api/v1/reports/{id}/supplements": ResidentOnly, Own;
    Post "/api/v1/reports/{id}/urge": ResidentOnly, Own;
    Post "/api/v1/reports/{id}/withdraw": ResidentOnly, Own;
    Get "/api/v1/requests": DistrictDesk, Nothing;
    Get "/api/v1/restrictions": RestrictionReader, Nothing;
    Post "/api/v1/restrictions/{id}/decide": Chief, District;
    Get "/api/v1/reviews/spam": DistrictDesk, Nothing;
    Get "/api/v1/shifts": Official, Nothing;
    Get "/api/v1/standard-texts": Official, Nothing;
    Get "/api/v1/summonses": Official, Nothing;
    Get "/api/v1/supervision-orders": Official, Nothing;
    Post "/api/v1/supervision-orders": Decider, Nothing;
    Get "/api/v1/supervision-orders/{id}": Official, Order;
    Post "/api/v1/supervision-orders/{id}/accept": Decider, Order;
    Post "/api/v1/supervision-orders/{id}/reinspect": Decider, Order;
    Post "/api/v1/supervision-orders/{id}/reopen": Decider, Order;
    Post "/api/v1/supervision-orders/{id}/reply": Handler, Order;
    Get "/api/v1/tickets": Official, Nothing;
    Get "/api/v1/tickets/counts": Official, Nothing;
    Get "/api/v1/tickets/pool": Field, Nothing;
    Get "/api/v1/tickets/{id}/similar": Official, Ticket;
    Post "/api/v1/tickets/{id}/follow": ResidentOnly, Public;
    Post "/api/v1/tickets/{id}/unfollow": ResidentOnly, Public;
    Get "/api/v1/tickets/{id}": Official, Ticket;
    Post "/api/v1/tickets/{id}/accept": Handler, Ticket;
    Post "/api/v1/tickets/{id}/add-assist": Manager, Ticket;
    Post "/api/v1/tickets/{id}/answer": Handler, Ticket;
    Post "/api/v1/tickets/{id}/arbitrate": Chief, Ticket;
    Post "/api/v1/tickets/{id}/arrive": Field, Ticket;
    Post "/api/v1/tickets/{id}/ask-deferral": Manager, Ticket;
    Post "/api/v1/tickets/{id}/ask-extension": Handler, Ticket;
    Post "/api/v1/tickets/{id}/ask-reporter": Handler, Ticket;
    Post "/api/v1/tickets/{id}/ask-suspension": Handler, Ticket;
    Post "/api/v1/tickets/{id}/ask-void": Manager, Ticket;
    Post "/api/v1/tickets/{id}/call-back": Caller, Ticket;
    Post "/api/v1/tickets/{id}/claim": Field, Ticket;
    Post "/api/v1/tickets/{id}/close": Checker, Ticket;
    Post "/api/v1/tickets/{id}/count": Chief, Ticket;
    Post "/api/v1/tickets/{id}/delegate": Handler, Ticket;
    Post "/api/v1/tickets/{id}/deny": Decider, Ticket;
    Post "/api/v1/tickets/{id}/dispatch": Centre, Ticket;
    Post "/api/v1/tickets/{id}/end-whistle": Whistler, Ticket;
    Post "/api/v1/tickets/{id}/endorse": DutyChiefOnly, Ticket;
    Post "/api/v1/tickets/{id}/escalate": Handler, Ticket;
    Post "/api/v1/tickets/{id}/file": Filer, Ticket;
    Post "/api/v1/tickets/{id}/finish": Handler, Ticket;
    Post "/api/v1/tickets/{id}/grant": Decider, Ticket;
    Post "/api/v1/tickets/{id}/merge": Filer, Ticket;
    Post "/api/v1/tickets/{id}/refuse": Filer, Ticket;
    Post "/api/v1/tickets/{id}/pass": Centre, Ticket;
    Post "/api/v1/tickets/{id}/release": Field, Ticket;
    Post "/api/v1/tickets/{id}/release-assist": Manager, Ticket;
    Post "/api/v1/tickets/{id}/resume": Resumer, Ticket;
    Post "/api/v1/tickets/{id}/return": Handler, Ticket;
    Post "/api/v1/tickets/{id}/reveal-reporter": Worker, Ticket;
    Post "/api/v1/tickets/{id}/rework": Checker, Ticket;
    Post "/api/v1/tickets/{id}/sign-in": Handler, Ticket;
    Post "/api/v1/tickets/{id}/solve": Field, Ticket;
    Post "/api/v1/tickets/{id}/split": Filer, Ticket;
    Post "/api/v1/tickets/{id}/unmerge": Centre, Ticket;
    Post "/api/v1/tickets/{id}/urge": Centre, Ticket;
    Post "/api/v1/tickets/{id}/verify": Field, Ticket;
    Post "/api/v1/tickets/{id}/whistle": Whistler, Ticket;
    Get "/api/v1/units": Open, Nothing;
    Options "/api/v1/uploads": Open, Nothing;
    Post "/api/v1/uploads": Anyone, Nothing;
    Delete "/api/v1/uploads/{id}": Anyone, Own;
    Get "/api/v1/uploads/{id}": Anyone, Own;
    Patch "/api/v1/uploads/{id}": Anyone, Own;
    Get "/api/v1/work-orders": Handler, Nothing;
    Get "/healthz": Open, Nothing;
    Get "/openapi.yaml": Open, Nothing;
    Get "/readyz": Open, Nothing;
}
