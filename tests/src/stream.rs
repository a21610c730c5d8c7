//! A stream of server-sent events, as a client reads it.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::Value;

use crate::client::{Caller, HTTP, Reply};

/// How long an event is waited for; a stream says now and then that it is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamEvent {
    /// Its kind.
    pub event: String,
    /// The place after it.
    pub id: String,
    /// What it says.
    pub data: Value,
}

/// An open stream; closed when dropped.
#[derive(Debug)]
pub struct EventStream {
    lines: BufReader<Response>,
}

impl EventStream {
    /// Opens a stream, after a place if there is one.
    ///
    /// # Errors
    /// The answer, where it is no stream.
    pub fn open(caller: &Caller, path: &str, last: Option<&str>) -> Result<Self, Box<Reply>> {
        let mut request = caller.request(Method::GET, path).header("accept-encoding", "gzip, br");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = HTTP.execute(request.build().unwrap()).unwrap();
        if answer.status() == 200 {
            assert_eq!(answer.headers()["content-type"], "text/event-stream");
            return Ok(Self { lines: BufReader::new(answer) });
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().unwrap().to_vec();
        Err(Box::new(Reply { asked: path.to_owned(), status, headers, body }))
    }

    /// Opens a stream that must say that it is ready; with its place.
    pub fn ready(caller: &Caller, path: &str, last: Option<&str>) -> (Self, String) {
        let mut stream = Self::open(caller, path, last).unwrap_or_else(|reply| panic!("{}", reply.text()));
        let first = stream.next().unwrap();
        assert_eq!(first.event, "ready");
        (stream, first.id)
    }

    /// The next so many events, which must all be changes.
    pub fn changes(&mut self, count: usize) -> Vec<StreamEvent> {
        let all: Vec<_> = (0..count).map(|_| self.next().unwrap()).collect();
        assert!(all.iter().all(|event| event.event == "change"), "{all:?}");
        all
    }
}

impl Iterator for EventStream {
    type Item = StreamEvent;

    /// The next event; none once the server has ended the stream.
    fn next(&mut self) -> Option<StreamEvent> {
        let begun = Instant::now();
        let mut found = StreamEvent { event: String::new(), id: String::new(), data: Value::Null };
        loop {
            assert!(begun.elapsed() < PATIENCE, "nothing has come for {PATIENCE:?}");
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            match line.trim_end().split_once(": ") {
                Some(("event", value)) => value.clone_into(&mut found.event),
                Some(("id", value)) => value.clone_into(&mut found.id),
                Some(("data", value)) => found.data = serde_json::from_str(value).unwrap(),
                _ if line == "\n" && !found.event.is_empty() => return Some(found),
                _ => {}
            }
        }
    }
}
