//! A program that runs, with what it says.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::{codes, spoken};

/// The lines that a program logged.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// A running program; killed when dropped.
pub struct Instance {
    child: Child,
    base: String,
    log: Log,
    reading: Option<JoinHandle<()>>,
}

impl Instance {
    /// Starts a command that serves and waits until it tells its address.
    ///
    /// # Panics
    /// Where it ends before.
    pub fn start(command: Command) -> Self {
        Self::start_with(command, Log::default())
    }

    /// The same, with its log added to that of earlier ones.
    pub(crate) fn start_with(command: Command, log: Log) -> Self {
        let mut starting = Starting::begin_with(command, log);
        starting.wait();
        starting.instance
    }

    /// The address, without a path.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its number in the system.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether a line of its log holds these words.
    pub fn has_said(&self, words: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.contains(words))
    }

    /// Kills the program without warning, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let told =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end and for the rest of its log; the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        if let Some(reading) = self.reading.take() {
            reading.join().unwrap();
        }
        code
    }

    /// Asks the program to stop and waits; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("the last lines of its log:\n{}", log[log.len().saturating_sub(40)..].join("\n"));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A program that has been started and has not told its address yet.
pub struct Starting {
    /// The program.
    pub instance: Instance,
    out: Option<BufReader<ChildStdout>>,
}

impl Starting {
    /// Starts a command that serves.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn begin(command: Command) -> Self {
        Self::begin_with(command, Log::default())
    }

    fn begin_with(mut command: Command, log: Log) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let kept = Arc::clone(&log);
        let reading = std::thread::spawn(move || {
            // A terminal's colours are not written into a pipe, so the lines can be read as they are.
            for line in lines.lines().map_while(Result::ok) {
                if let Some(code) = codes::read(&line) {
                    codes::keep(code);
                }
                spoken::logged(&line);
                kept.lock().unwrap().push(line);
            }
        });
        let out = child.stdout.take().map(BufReader::new);
        Self { instance: Instance { child, base: String::new(), log, reading: Some(reading) }, out }
    }

    /// Waits until it has told its address.
    ///
    /// # Panics
    /// Where it ends before; with its log.
    pub fn wait(&mut self) {
        let mut greeting = self.out.take().unwrap();
        let mut line = String::new();
        greeting.read_line(&mut line).unwrap();
        let log = || self.instance.log.lock().unwrap().join("\n");
        let (_, base) =
            line.trim().split_once("listening on ").unwrap_or_else(|| panic!("started: {line:?}\n{}", log()));
        self.instance.base = base.to_owned();
        // The rest is read too: a program whose output nobody takes would stand still.
        std::thread::spawn(move || greeting.read_to_end(&mut Vec::new()));
    }
}
