//! What people do when the time for it has come; nothing, where the ticket has moved on.

mod after;
mod centre;
mod field;
mod meeting;
mod work;

use super::queue::Act;
use super::scene::{Look, Move};

/// What becomes of an intention.
pub(super) fn choose(look: &mut Look<'_>, act: Act) -> Option<Move> {
    match act {
        Act::Day | Act::Report | Act::Ring => None,
        Act::Claim(colleague) => field::claim(look, colleague),
        Act::Decide(until) => field::decide(look, until),
        Act::Lapse => field::lapse(look),
        Act::Arrive => field::arrive(look),
        Act::Supplement => field::supplement(look),
        Act::Withdraw => field::withdraw(look),
        Act::File => centre::file(look),
        Act::Dispatch => centre::dispatch(look),
        Act::Arbitrate => centre::arbitrate(look),
        Act::Decision(seq) => centre::decision(look, seq),
        Act::AskVoid => centre::ask_void(look),
        Act::Resume => centre::resume(look),
        Act::Sign(order) => work::sign(look, order),
        Act::Work(order) => work::finish(look, order),
        Act::Ask(order, kind) => work::ask(look, order, kind),
        Act::Detour(order) => work::detour(look, order),
        Act::AssistSign(order) => work::assist_signs(look, order),
        Act::AssistDone(order) => work::assist_ends(look, order),
        Act::Meeting(seq) => meeting::go_on(look, seq),
        Act::Check => after::check(look),
        Act::CallBack => after::call_back(look),
        Act::Count => after::count(look),
        Act::Opinion => after::opinion(look),
    }
}
