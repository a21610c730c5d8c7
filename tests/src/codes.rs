//! Sign-in codes: the server writes them to its log only, so the harness reads the log.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use suishoupai_api::demo::DISTRICT;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::spoken;

/// The last code for each ending of a phone number.
static CODES: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Listens to the log of every server of this process; failures that a server logs are shown.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The names of jobs that are done for a district have its number in them.
        spoken::public(DISTRICT);
        let lines = spoken::file("suite").map(|file| {
            let ours =
                Targets::new().with_default(LevelFilter::INFO).with_target("suishoupai", LevelFilter::DEBUG);
            let ours = ours.with_target("suishoupai_api", LevelFilter::DEBUG);
            let ours = ours.with_target("suishoupai_storage", LevelFilter::DEBUG);
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
            lines.with_writer(Mutex::new(file)).with_filter(ours)
        });
        let subscriber = tracing_subscriber::registry().with(Listener).with(lines);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// The code that was sent to a phone. The log of a process of its own is read a moment after the answer.
pub fn wait_for(phone: &str) -> String {
    let ending = &phone[phone.len() - 4..];
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = codes.as_ref().and_then(|codes| codes.get(ending)) {
            return code.clone();
        }
        drop(codes);
        assert!(Instant::now() < deadline, "no code for {phone} in the log");
        std::thread::yield_now();
    }
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
    spoken::code(&code);
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
