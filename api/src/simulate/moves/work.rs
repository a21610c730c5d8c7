//! The units that handle a ticket: sign, hand on, give back, ask, finish.

use suishoupai_core::flow::{
    Assist, Command, OrderKind, OrderState, Outcome, RequestKind, ReturnReason, Stage, State, WorkOrder,
};
use suishoupai_core::model::{Level, UnitId};

use crate::simulate::chance::Weighted;
use crate::simulate::queue::Act;
use crate::simulate::scene::{Look, Move};

/// The lead order with this number, where it waits for a signature.
fn pending<'a>(look: &Look<'a>, seq: i32) -> Option<&'a WorkOrder> {
    let lead = look.ticket.lead_order().filter(|order| order.seq == seq)?;
    (look.ticket.state == State::Dispatched && lead.state == OrderState::Pending).then_some(lead)
}

/// The lead order with this number, where it is being worked on.
fn in_work<'a>(look: &Look<'a>, seq: i32) -> Option<&'a WorkOrder> {
    let lead = look.ticket.lead_order().filter(|order| order.seq == seq)?;
    (look.ticket.state == State::Handling && look.ticket.course.waiting.is_none()).then_some(lead)
}

pub(super) fn sign(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let order = pending(look, seq)?;
    let who = look.somebody(order.unit)?;
    let ticket = look.ticket;
    let usual = look.town().temper(order.unit).returns;
    // Who gets what another unit has refused is all the more likely to refuse it too.
    let returns = if ticket.returns > 0 { (usual * 5.0 + 0.1).min(0.5) } else { usual };
    if (!ticket.course.bound || order.handed_by.is_some()) && look.chance.hit(returns) {
        let command = give_back(look);
        return Move::new(who, command);
    }
    if let Some(to) = below(look, order.unit) {
        return Move::new(who, Command::Delegate { to, reason: None });
    }
    if let Some(command) = escalate(look, order.unit) {
        return Move::new(who, command);
    }
    Move::new(who, Command::Accept)
}

fn give_back(look: &mut Look<'_>) -> Command {
    let reasons = Weighted::new([
        (6.0, ReturnReason::NotOurDuty),
        (1.5, ReturnReason::WrongPlace),
        (1.5, ReturnReason::InsufficientEvidence),
        (0.5, ReturnReason::Duplicate),
        (0.5, ReturnReason::Other),
    ]);
    let reason = reasons.draw(look.chance).copied().unwrap_or(ReturnReason::Other);
    Command::Return { reason, words: format!("{}，请改派", reason.zh()) }
}

/// The unit below to which a unit hands on, where it does.
fn below(look: &mut Look<'_>, unit: UnitId) -> Option<UnitId> {
    let tree = &look.registry().tree;
    let (level, children) = (tree.get(unit)?.level, tree.children(unit));
    match level {
        Level::Department if look.chance.hit(0.3) => look.chance.one(children).copied(),
        Level::Street | Level::Community if look.chance.hit(0.25) => {
            children.iter().copied().find(|child| tree.is_within(look.ticket.grid, *child))
        }
        _ => None,
    }
}

/// Up to the unit above, where that is not the district itself.
fn escalate(look: &mut Look<'_>, unit: UnitId) -> Option<Command> {
    let tree = &look.registry().tree;
    let above = tree.get(unit)?.parent.and_then(|parent| tree.get(parent))?;
    let goes = above.level != Level::District && look.chance.hit(0.07);
    goes.then(|| Command::Escalate { reason: "超出本级能力".to_owned() })
}

pub(super) fn finish(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let order = in_work(look, seq)?;
    let who = look.somebody(order.unit)?;
    let ticket = look.ticket;
    if let Some(assist) = ticket.open_assists().next() {
        // Without its assistants the lead cannot finish: it waits, or does without one.
        let at = look.office(100.0);
        look.plan(at, Act::Work(seq));
        let without = look.chance.hit(0.3);
        let reason = "主办单位已自行完成".to_owned();
        return Move::new(who, Command::ReleaseAssist { unit: assist.unit, reason }).filter(|_| without);
    }
    if ticket.course.extensions == 1 && ticket.course.open_request().is_none() && look.chance.hit(0.3) {
        let at = look.office(600.0);
        look.plan(at, Act::Work(seq));
        return ask(look, seq, RequestKind::Extension);
    }
    let category = ticket.category.as_ref().and_then(|code| look.category(code));
    let answer = category.map_or_else(String::new, |found| found.closing_condition.clone());
    let command = Command::Finish { answer, note: None, outcome: Outcome::default() };
    Move::new(who, command)?.with_photo(Stage::After)
}

pub(super) fn ask(look: &mut Look<'_>, seq: i32, kind: RequestKind) -> Option<Move> {
    let order = in_work(look, seq)?;
    if look.ticket.course.open_request().is_some() {
        return None;
    }
    let who = look.somebody(order.unit)?;
    let days = 2 + look.chance.below(20) as i64;
    let review_at = look.now.plus_seconds(days * 86_400);
    let reason = |words: &str| words.to_owned();
    let command = match kind {
        RequestKind::Extension => {
            Command::AskExtension { limit: look.ticket.course.limit?, reason: reason("材料未到位") }
        }
        RequestKind::Suspension => {
            Command::AskSuspension { review_at, reason: reason("需列入年度计划") }
        }
        RequestKind::Deferral => Command::AskDeferral { review_at, reason: reason("等待汛期结束") },
        RequestKind::Void => Command::AskVoid { reason: reason("现场无此问题") },
    };
    Move::new(who, command)
}

/// Something on the way: a question, help, a meeting, or the insight that it is somebody else's.
pub(super) fn detour(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let order = in_work(look, seq)?;
    let who = look.somebody(order.unit)?;
    let part = look.chance.part();
    if part < 0.3 && look.ticket.course.by_resident {
        return Move::new(who, Command::AskReporter { words: "请说明方便联系的时间".to_owned() });
    }
    if part < 0.55 {
        let assist = Assist::from(look.town().helper(look.registry(), look.ticket, look.chance)?);
        return Move::new(who, Command::AddAssist { assist, reason: "需要配合断电断水".to_owned() });
    }
    if part < 0.8 {
        return super::meeting::whistle(look);
    }
    if let Some(command) = escalate(look, order.unit).filter(|_| part > 0.97) {
        return Move::new(who, command);
    }
    let may = !look.ticket.course.bound || order.handed_by.is_some();
    let command = give_back(look);
    Move::new(who, command).filter(|_| may)
}

/// The open assisting order with this number.
fn assisting<'a>(look: &Look<'a>, seq: i32) -> Option<&'a WorkOrder> {
    let at_work = matches!(look.ticket.state, State::Dispatched | State::Handling);
    let open = |order: &&WorkOrder| {
        order.seq == seq && order.kind == OrderKind::Assist && order.state.is_open() && at_work
    };
    look.ticket.orders.iter().find(open)
}

pub(super) fn assist_signs(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let order = assisting(look, seq).filter(|order| order.state == OrderState::Pending)?;
    let who = look.somebody(order.unit)?;
    if look.chance.hit(0.03) {
        let command = give_back(look);
        return Move::new(who, command);
    }
    Move::new(who, Command::Accept)
}

pub(super) fn assist_ends(look: &mut Look<'_>, seq: i32) -> Option<Move> {
    let who = look.somebody(assisting(look, seq)?.unit)?;
    let note = Some("协办部分已完成".to_owned());
    Move::new(who, Command::Finish { answer: "已配合完成".to_owned(), note, outcome: Outcome::default() })
}
