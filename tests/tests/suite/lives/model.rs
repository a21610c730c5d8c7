//! A small model of the loop: the states, the one responsible unit, and who may do what, written down by hand
//! from the rules of the district and not from the server's table.

use Command as C;
use Person as P;
use State as S;
use Unit as U;

/// 单位, as far as they take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Grid,
    Community,
    Street,
    /// 城管
    D01,
    /// Its squad.
    D0101,
    /// 市政
    D03,
}

impl Unit {
    fn above(self) -> Option<Self> {
        match self {
            U::Grid => Some(U::Community),
            U::Community => Some(U::Street),
            U::D0101 => Some(U::D01),
            U::Street | U::D01 | U::D03 => None,
        }
    }

    /// Its code; a grid is told by its level.
    pub(super) const fn code(self) -> &'static str {
        match self {
            U::Grid => "grid",
            U::Community => "350203001001",
            U::Street => "350203001000",
            U::D01 => "D01",
            U::D0101 => "D0101",
            U::D03 => "D03",
        }
    }
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Person {
    Grid1,
    Grid2,
    Community,
    Street,
    Chengguan,
    Squad,
    Shizheng,
    Dispatcher,
    Chief,
    Inspector,
    Observer,
    Resident,
}

pub(super) const PEOPLE: [Person; 12] = [
    P::Grid1,
    P::Grid2,
    P::Community,
    P::Street,
    P::Chengguan,
    P::Squad,
    P::Shizheng,
    P::Dispatcher,
    P::Chief,
    P::Inspector,
    P::Observer,
    P::Resident,
];

impl Person {
    const fn unit(self) -> Option<Unit> {
        match self {
            P::Grid1 | P::Grid2 => Some(U::Grid),
            P::Community => Some(U::Community),
            P::Street => Some(U::Street),
            P::Chengguan => Some(U::D01),
            P::Squad => Some(U::D0101),
            P::Shizheng => Some(U::D03),
            _ => None,
        }
    }

    const fn is_field(self) -> bool {
        matches!(self, P::Grid1 | P::Grid2 | P::Community | P::Street)
    }

    const fn is_centre(self) -> bool {
        matches!(self, P::Dispatcher | P::Chief)
    }

    /// Whether the person speaks for a unit: one's own, or a squad of one's department.
    fn speaks_for(self, unit: Unit) -> bool {
        self.unit() == Some(unit) || (self, unit) == (P::Chengguan, U::D0101)
    }
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Claim,
    Release,
    Verify,
    /// As 车行道路面, for which 市政 is to lead.
    File,
    Refuse,
    DispatchTo(Unit),
    ArbitrateTo(Unit),
    Accept,
    Return,
    DelegateTo(Unit),
    Escalate,
    Finish,
    Close,
    Rework,
    NotFixed,
    Withdraw,
    Supplement,
    AskVoid,
    Grant,
    Deny,
}

pub(super) const COMMANDS: [Command; 25] = [
    C::Claim,
    C::Release,
    C::Verify,
    C::File,
    C::Refuse,
    C::DispatchTo(U::D01),
    C::DispatchTo(U::D03),
    C::DispatchTo(U::Street),
    C::ArbitrateTo(U::D01),
    C::ArbitrateTo(U::D03),
    C::Accept,
    C::Return,
    C::DelegateTo(U::D0101),
    C::DelegateTo(U::Community),
    C::DelegateTo(U::Grid),
    C::Escalate,
    C::Finish,
    C::Close,
    C::Rework,
    C::NotFixed,
    C::Withdraw,
    C::Supplement,
    C::AskVoid,
    C::Grant,
    C::Deny,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Received,
    Claimed,
    Verified,
    Filed,
    Arbitrating,
    Dispatched,
    Handling,
    Checking,
    Closed,
    Refused,
    Withdrawn,
    Voided,
}

impl State {
    const fn is_over(self) -> bool {
        matches!(self, S::Closed | S::Refused | S::Withdrawn | S::Voided)
    }
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) state: State,
    pub(super) responsible: Unit,
    /// The unit that leads, signed or not.
    pub(super) lead: Option<Unit>,
    handed_by: Option<Unit>,
    holder: Option<Person>,
    handler: Option<(Person, Unit)>,
    signed: Vec<Unit>,
    returns: u32,
    bound: bool,
    asked_by: Option<Person>,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            state: S::Received,
            responsible: U::Grid,
            lead: None,
            handed_by: None,
            holder: None,
            handler: None,
            signed: Vec::new(),
            returns: 0,
            bound: false,
            asked_by: None,
        }
    }

    /// The ticket after a command, or none where it is to be refused.
    pub(super) fn after(&self, who: Person, command: Command) -> Option<Self> {
        let mut next = self.clone();
        let fits = match command {
            C::Claim => next.claim(who),
            C::Release | C::Verify | C::File | C::Refuse => next.on_the_spot(who, command),
            C::DispatchTo(unit) => {
                next.give(unit, false);
                matches!(self.state, S::Filed | S::Dispatched | S::Handling) && who.is_centre()
            }
            C::ArbitrateTo(unit) => {
                next.give(unit, true);
                self.state == S::Arbitrating && who == P::Chief
            }
            C::Accept => {
                let waits = self.lead.filter(|unit| self.state == S::Dispatched && who.speaks_for(*unit));
                waits.is_some_and(|unit| next.sign(unit, Some(who)))
            }
            C::Return => self.is_theirs(who) && next.give_back(),
            C::DelegateTo(to) => self.is_theirs(who) && self.is_officer(who) && next.hand_down(to),
            C::Escalate => self.is_theirs(who) && next.hand_up(),
            C::Finish => {
                next.move_to(S::Checking);
                next.handler = Some((who, self.responsible));
                self.state == S::Handling && who.speaks_for(self.responsible)
            }
            C::Close | C::Rework => next.check(who, command == C::Close),
            C::NotFixed => {
                next.back_to_handler();
                self.state == S::Closed && who == P::Resident
            }
            C::Withdraw => {
                next.move_to(S::Withdrawn);
                let begun = matches!(self.state, S::Handling | S::Checking) || self.state.is_over();
                who == P::Resident && !begun
            }
            C::Supplement => who == P::Resident && !self.state.is_over(),
            C::AskVoid | C::Grant | C::Deny => next.voiding(who, command),
        };
        if next.state.is_over() {
            next.asked_by = None;
        }
        fits.then_some(next)
    }

    /// Whether it lies on a desk of the person's: to be signed for, or in work.
    fn is_theirs(&self, who: Person) -> bool {
        match self.state {
            S::Dispatched => self.lead.is_some_and(|unit| who.speaks_for(unit)),
            S::Handling => who.speaks_for(self.responsible),
            _ => false,
        }
    }

    const fn is_officer(&self, who: Person) -> bool {
        !matches!(who, P::Grid1 | P::Grid2)
    }

    /// Nobody leads any more.
    fn move_to(&mut self, state: State) {
        (self.state, self.lead, self.handed_by, self.holder) = (state, None, None, None);
    }

    fn give(&mut self, unit: Unit, bound: bool) {
        self.move_to(S::Dispatched);
        (self.lead, self.bound) = (Some(unit), bound);
    }

    fn sign(&mut self, unit: Unit, who: Option<Person>) -> bool {
        (self.state, self.lead, self.responsible) = (S::Handling, Some(unit), unit);
        self.signed.push(unit);
        if let Some(who) = who.or(self.handler.map(|(who, _)| who)) {
            self.handler = Some((who, unit));
        }
        true
    }

    fn claim(&mut self, who: Person) -> bool {
        let again = self.state == S::Claimed && self.holder == Some(who);
        let free = self.state == S::Received && who.is_field();
        if free {
            (self.state, self.holder) = (S::Claimed, Some(who));
        }
        again || free
    }

    fn on_the_spot(&mut self, who: Person, command: Command) -> bool {
        let holds = self.state == S::Claimed && self.holder == Some(who);
        let at_centre = matches!(self.state, S::Received | S::Verified) && who.is_centre();
        self.move_to(match command {
            C::Release => S::Received,
            C::Verify => S::Verified,
            C::Refuse => S::Refused,
            _ => S::Dispatched,
        });
        if command == C::File {
            self.lead = Some(U::D03);
        }
        holds || (at_centre && matches!(command, C::File | C::Refuse))
    }

    fn give_back(&mut self) -> bool {
        let hand = self.handed_by;
        if self.bound && hand.is_none() {
            return false;
        }
        self.returns += 1;
        let disputed = self.returns >= 2 && !self.bound;
        match hand.filter(|_| !disputed) {
            // Who still answers for it and has signed once need not sign again.
            Some(unit) if unit == self.responsible && self.signed.contains(&unit) => {
                self.handed_by = None;
                self.sign(unit, None);
            }
            Some(unit) => (self.state, self.lead, self.handed_by) = (S::Dispatched, Some(unit), None),
            None => self.move_to(if disputed { S::Arbitrating } else { S::Filed }),
        }
        true
    }

    fn desk(&self) -> Unit {
        if self.state == S::Dispatched { self.lead.unwrap_or(self.responsible) } else { self.responsible }
    }

    fn hand_down(&mut self, to: Unit) -> bool {
        let from = self.desk();
        let mut above = to.above();
        while above.is_some_and(|unit| unit != from) {
            above = above.and_then(Unit::above);
        }
        (self.state, self.lead, self.handed_by) = (S::Dispatched, Some(to), Some(from));
        above.is_some()
    }

    fn hand_up(&mut self) -> bool {
        let from = self.desk();
        match from.above() {
            Some(unit) => {
                (self.state, self.lead, self.handed_by) = (S::Dispatched, Some(unit), Some(from));
                true
            }
            None => {
                self.move_to(S::Filed);
                !self.bound
            }
        }
    }

    fn check(&mut self, who: Person, passed: bool) -> bool {
        let may = who.is_field() || who.is_centre() || who == P::Inspector;
        let own = self.handler.is_some_and(|(handler, _)| handler == who);
        let fits = self.state == S::Checking && may && !own;
        if passed {
            self.move_to(S::Closed);
        } else {
            self.back_to_handler();
        }
        fits
    }

    fn back_to_handler(&mut self) {
        let unit = self.handler.map_or(U::Grid, |(_, unit)| unit);
        self.move_to(S::Handling);
        self.sign(unit, None);
    }

    fn voiding(&mut self, who: Person, command: Command) -> bool {
        if self.state.is_over() {
            return false;
        }
        if command == C::AskVoid {
            let handles = self.state == S::Handling && who.speaks_for(self.responsible);
            return self.asked_by.replace(who).is_none() && (who.is_centre() || handles);
        }
        let asker = self.asked_by.take();
        if command == C::Grant {
            self.move_to(S::Voided);
        }
        who.is_centre() && asker.is_some_and(|asker| asker != who)
    }
}
