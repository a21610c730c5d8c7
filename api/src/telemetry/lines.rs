//! The lines of the log on their way out: gathered, and written by a thread of their own, a few milliseconds' worth at
//! a time.
//!
//! With a write of its own for each line, every request waits for whoever else writes one, and all of them for whoever
//! reads the log. Here nobody waits: where the reader stands still, lines are lost in the end, and requests are not.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Lines wait so long for others at the most; a warning or an error does not wait.
const EVERY: Duration = Duration::from_millis(10);
/// With so many bytes nothing is waited for.
const ENOUGH: usize = 64 << 10;
/// The last lines may take so long.
const END: Duration = Duration::from_secs(1);
/// So many bytes are gathered at the most; what comes then is lost, and counted.
const MOST: usize = 4 << 20;

/// Takes lines; they are written in the order in which they came.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    out: Mutex<Box<dyn Write + Send>>,
}

#[derive(Default)]
struct State {
    gathered: Vec<u8>,
    /// How many have been lost since the start.
    lost: u64,
    is_urgent: bool,
    has_ended: bool,
}

/// Sees to it that what is left is written when it is dropped. Lines that come afterwards are written at once.
pub(super) struct Writing {
    shared: Arc<Shared>,
    written: Receiver<()>,
}

impl Lines {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<(Self, Writing)> {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { state, changed, out: Mutex::new(Box::new(out)) });
        let own = Arc::clone(&shared);
        let (end, written) = channel::<()>();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            own.write_on();
            drop(end);
        })?;
        Ok((Self(Arc::clone(&shared)), Writing { shared, written }))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8], is_urgent: bool) {
        let mut state = self.state();
        if state.has_ended {
            drop(state);
            return self.write(line);
        }
        let before = state.gathered.len();
        let after = before + line.len();
        if after > MOST {
            state.lost += 1;
            return;
        }
        state.gathered.extend_from_slice(line);
        // Whoever writes is told only of what it would go on for.
        let tells = before == 0 || (is_urgent && !state.is_urgent) || (before < ENOUGH && after >= ENOUGH);
        state.is_urgent |= is_urgent;
        drop(state);
        if tells {
            self.changed.notify_one();
        }
    }

    fn write(&self, lines: &[u8]) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody left to be told that the log cannot be written.
        drop(out.write_all(lines).and_then(|()| out.flush()));
    }

    /// Writes until the end.
    fn write_on(&self) {
        let (mut own, mut told) = (Vec::new(), 0);
        loop {
            let waits = |state: &mut State| state.gathered.is_empty() && !state.has_ended;
            let state = self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
            let gathers =
                |state: &mut State| !state.is_urgent && !state.has_ended && state.gathered.len() < ENOUGH;
            let (mut state, _) = self
                .changed
                .wait_timeout_while(state, EVERY, gathers)
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut state.gathered, &mut own);
            state.is_urgent = false;
            let (lost, has_ended) = (state.lost - told, state.has_ended);
            told = state.lost;
            drop(state);
            self.write(&own);
            // A storm of lines does not keep its memory.
            own.clear();
            own.shrink_to(2 * ENOUGH);
            if lost > 0 {
                tracing::warn!(lines = lost, "lines of the log were lost, because it was not read in time");
            }
            if has_ended {
                return;
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shared.state().has_ended = true;
        self.shared.changed.notify_one();
        // Not for ever: whoever reads the log may stand still. It is told by the end of the sender.
        self.written.recv_timeout(END).unwrap_or_default();
    }
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writing")
    }
}

/// One line.
pub(super) struct Line<'a> {
    shared: &'a Shared,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.0, is_urgent: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { shared: &self.0, is_urgent: *metadata.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// Hands on what is written, and waits each time until it may.
    struct Reader {
        read: Sender<Vec<u8>>,
        may: Option<Receiver<()>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(may) = &self.may {
                may.recv().map_err(io::Error::other)?;
            }
            self.read.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text(read: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(read.iter().flatten().collect()).unwrap()
    }

    #[test]
    fn all_lines_come_out_in_order_and_the_rest_at_the_end() {
        let (read, written) = channel();
        let (lines, writing) = Lines::start(Reader { read, may: None }).unwrap();
        let mut expected = String::new();
        for nth in 0..10_000 {
            let line = format!("line {nth}\n");
            lines.make_writer().write_all(line.as_bytes()).unwrap();
            expected.push_str(&line);
        }
        drop(writing);
        lines.make_writer().write_all(b"after the end\n").unwrap();
        expected.push_str("after the end\n");
        drop(lines);
        assert_eq!(text(&written), expected);
    }

    #[test]
    fn nobody_waits_for_a_reader_who_stands_still() {
        let ((read, written), (go_on, may)) = (channel(), channel());
        let (lines, writing) = Lines::start(Reader { read, may: Some(may) }).unwrap();
        let line = [b'x'; 1 << 10];
        // So much can be in hand and so much gathered; the rest is too much, and this thread comes to the end of it all
        // the same.
        let count = 4 * MOST / line.len();
        for _ in 0..count {
            lines.make_writer().write_all(&line).unwrap();
        }
        assert!(lines.0.state().gathered.len() <= MOST);
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        drop(writing);
        let lost = usize::try_from(lines.0.state().lost).unwrap();
        drop(lines);
        assert!(lost >= count / 2, "{lost} of {count}");
        let came: usize = written.iter().map(|bytes| bytes.len()).sum();
        assert_eq!(came / line.len(), count - lost);
    }

    #[test]
    fn a_warning_does_not_wait() {
        let (read, written) = channel();
        let (lines, _writing) = Lines::start(Reader { read, may: None }).unwrap();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines).finish();
        tracing::subscriber::with_default(subscriber, || tracing::warn!("the disk is nearly full"));
        // It comes by itself, without an end of the log.
        let first = String::from_utf8(written.recv().unwrap()).unwrap();
        assert!(first.contains("WARN") && first.contains("the disk is nearly full"), "{first}");
    }
}
