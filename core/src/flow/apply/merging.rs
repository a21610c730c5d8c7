//! Reports of the same thing: merged under one ticket, taken out again; and urging, which their reporters may do too.

use super::{Act, end, fact, field, public};
use crate::flow::course::Urged;
use crate::flow::order_words::{OrderState, Urging};
use crate::flow::orders;
use crate::flow::refusal::Refusal;
use crate::flow::state::{Role, State};
use crate::flow::step::Line;
use crate::flow::ticket::{Ticket, TicketId};

/// 催办: a reporter reminds, once on a day; the centre urges harder each time.
pub(super) fn urge(ticket: &mut Ticket, words: Option<&String>, act: &Act<'_>) -> Result<Line, Refusal> {
    let reporter = act.actor.account.filter(|_| act.post.role == Role::Resident);
    let Some(reporter) = reporter else {
        ticket.course.urges = ticket.course.urges.saturating_add(1);
        let step = match ticket.course.urges {
            1 => Urging::Reminder,
            2 => Urging::Notice,
            _ => Urging::Published,
        };
        return Ok(Line { note: words.cloned(), ..public(fact("urging", step.as_str())) });
    };
    if !ticket.course.may_urge(reporter, act.now) {
        return Err(Refusal::UrgedToday);
    }
    ticket.course.urged.retain(|urged| urged.by != reporter);
    ticket.course.urged.push(Urged { by: reporter, at: act.now });
    Ok(Line { words: words.cloned(), ..public(fact("urging", Urging::Reminder.as_str())) })
}

/// 并案: whatever was under way for this ticket ends; the other one goes on for its reporters.
pub(super) fn merge(
    ticket: &mut Ticket,
    into: TicketId,
    reason: &str,
    act: &Act<'_>,
) -> Result<Line, Refusal> {
    if into == ticket.id {
        return Err(Refusal::MergedWithItself);
    }
    if !ticket.course.merged.is_empty() {
        return Err(Refusal::HasMerged);
    }
    orders::end_all(ticket, OrderState::Released, None, act.now);
    end(ticket, State::Merged, act.now);
    ticket.merged_into = Some(into);
    Ok(Line { note: Some(reason.to_owned()), ..public(fact("into", into)) })
}

/// The other side of a merging.
pub(super) fn absorb(ticket: &mut Ticket, other: TicketId) -> Result<Line, Refusal> {
    if other == ticket.id || ticket.course.merged.contains(&other) {
        return Err(Refusal::NothingToDo);
    }
    ticket.course.merged.push(other);
    Ok(public(fact("merged", other)))
}

/// 撤销并案: it waits in the pool of its grid again, as on the first day.
pub(super) fn unmerge(ticket: &mut Ticket, reason: &str) -> Result<Line, Refusal> {
    let from = ticket.merged_into.take().ok_or(Refusal::NothingToDo)?;
    ticket.closed_at = None;
    field::back_to_pool(ticket);
    Ok(Line { note: Some(reason.to_owned()), ..public(fact("out_of", from)) })
}

/// The other side of a merging undone.
pub(super) fn detach(ticket: &mut Ticket, other: TicketId) -> Result<Line, Refusal> {
    let index = ticket.course.merged.iter().position(|merged| *merged == other);
    ticket.course.merged.remove(index.ok_or(Refusal::NothingToDo)?);
    Ok(public(fact("detached", other)))
}
