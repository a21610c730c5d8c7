//! Sign-in codes: the server writes them to its log only, so the harness reads the log.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The last code for each ending of a phone number.
static CODES: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Listens to the log of every server of this process; failures that a server logs are shown.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Listener);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// The code that was sent to a phone last.
pub(crate) fn of(phone: &str) -> Option<String> {
    let ending = &phone[phone.len() - 4..];
    CODES.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.get(ending).cloned()
}

/// Code and ending in a line of the log; other lines have none.
pub(crate) fn read(line: &str) -> Option<(String, String)> {
    let (_, rest) = line.split_once("sign-in code ")?;
    let (code, rest) = rest.split_once(' ')?;
    let ending = rest.strip_prefix("for the phone ending in ")?.get(..4)?;
    Some((ending.to_owned(), code.to_owned()))
}

/// Keeps a code for the phones that end so.
pub(crate) fn keep((ending, code): (String, String)) {
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    codes.get_or_insert_default().insert(ending, code);
}

struct Listener;

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        if field.name() != "message" {
            self.0.push_str(field.name());
            self.0.push('=');
        }
        self.0.push_str(&format!("{value:?}"));
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        if target != "suishoupai::code" && *event.metadata().level() != Level::ERROR {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        match read(&message.0) {
            Some(code) => keep(code),
            None => eprintln!("{target}: {}", message.0),
        }
    }
}
