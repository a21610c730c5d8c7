//! The real program in a process of its own, to be killed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use suishoupai_api::config::Config;
use suishoupai_api::photo_store;
use suishoupai_storage::store::{MAX_LIST, PhotoStore};

use crate::cluster::Cluster;
use crate::codes;
use crate::engine::{Database, Engine};
use crate::s3::Bucket;
use crate::server::{Server, block_on};

/// The program, beside the tests.
pub fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().and_then(Path::parent).unwrap().join("suishoupai");
    assert!(path.exists(), "{} is not there; run ./test, which builds it first", path.display());
    path
}

/// The program on a data folder and database, without settings from outside.
pub fn command(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SUISHOUPAI_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("SUISHOUPAI_DATA__DATABASE_URL", url).arg("--data").arg(folder);
    // Nobody takes over from most of them, so none need go on for a while when it is told to stop.
    command.env("SUISHOUPAI_HTTP__DRAIN_LEAD_SECONDS", "0");
    command.stdin(Stdio::null());
    command
}

/// A running program; killed when dropped.
pub struct Instance {
    child: Child,
    base: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Instance {
    /// Starts a command that serves and waits until it tells its address.
    ///
    /// # Panics
    /// Where it ends before.
    pub fn start(command: Command) -> Self {
        let mut starting = Starting::begin(command);
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
        self.child.wait().unwrap();
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let told =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end; the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
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
    out: Option<BufReader<std::process::ChildStdout>>,
}

impl Starting {
    /// Starts a command that serves.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn begin(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            // A terminal's colours are not written into a pipe, so the lines can be read as they are.
            for line in lines.lines().map_while(Result::ok) {
                match codes::read(&line) {
                    Some(code) => codes::keep(code),
                    None => kept.lock().unwrap().push(line),
                }
            }
        });
        let out = child.stdout.take().map(BufReader::new);
        Self { instance: Instance { child, base: String::new(), log }, out }
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

/// A data folder with its database, on which the program is started again and again.
pub struct Process {
    folder: tempfile::TempDir,
    database: Database,
    bucket: Option<Bucket>,
    running: Option<Instance>,
}

impl Process {
    fn new(database: impl FnOnce(&Path) -> Database, bucket: Option<Bucket>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path());
        Self { folder, database, bucket, running: None }
    }

    /// A folder with the demonstration; nothing runs yet.
    pub fn with_demo(engine: Engine) -> Self {
        Self::new(|folder| engine.copy_of_demo(folder), engine.bucket())
    }

    /// A folder with nothing in it; nothing runs yet.
    pub fn empty(engine: Engine) -> Self {
        Self::new(|folder| engine.empty(folder), engine.bucket())
    }

    /// A folder with nothing in it, over the database of a cluster of the test's own; nothing runs yet.
    pub fn over(cluster: &Cluster) -> Self {
        Self::new(|_| Database::of_cluster(cluster), None)
    }

    /// Starts `suishoupai serve --demo` and waits until it tells its address, which is returned.
    pub fn serve(&mut self) -> &str {
        let instance = Instance::start(self.serving());
        self.running.insert(instance).base()
    }

    /// Kills the program without warning, as a power cut does.
    pub fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    /// Asks the program to stop and waits; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.running.take().unwrap().terminate()
    }

    /// The command `suishoupai serve --demo` on any free port.
    pub fn serving(&self) -> Command {
        let mut command = self.command();
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]);
        command
    }

    /// The demonstration of this folder served in this process, by a clock of the test's own, once the program has
    /// ended.
    pub fn into_server(self) -> Server {
        Server::over(self.folder, self.database, self.bucket)
    }

    /// Runs another command of the program on the same data: its exit code and what it prints.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command().args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Another command of the program on the same data, to be started.
    pub fn command(&self) -> Command {
        let mut command = command(self.folder.path(), &self.database.url());
        for (name, value) in self.bucket.iter().flat_map(Bucket::settings) {
            command.env(format!("SUISHOUPAI_STORE__{}", name.to_uppercase()), value);
        }
        command
    }

    /// Lets a command reach this program's bucket, which is not where the command's own installation keeps its photos;
    /// answers the bucket's name.
    ///
    /// # Panics
    /// Where this program keeps its photos in a folder.
    pub fn lend_bucket(&self, command: &mut Command) -> String {
        let settings = self.bucket.as_ref().unwrap().settings();
        for (name, value) in settings.iter().filter(|(name, _)| !["kind", "bucket"].contains(name)) {
            command.env(format!("SUISHOUPAI_STORE__{}", name.to_uppercase()), value);
        }
        settings.iter().find(|(name, _)| *name == "bucket").unwrap().1.to_owned()
    }

    /// Where this program keeps its photos.
    fn photos(&self) -> PhotoStore {
        let mut config = Config::default();
        config.data.dir = self.folder.path().to_owned();
        if let Some(bucket) = &self.bucket {
            bucket.apply(&mut config);
        }
        block_on(photo_store::open(&config)).unwrap()
    }

    /// The keys of the photos' originals, in order.
    ///
    /// # Panics
    /// When the store fails.
    pub fn originals(&self) -> Vec<String> {
        let keys = block_on(self.photos().list("original/", None, MAX_LIST)).unwrap();
        keys.into_iter().map(|(key, _)| key).collect()
    }

    /// Changes one bit of a stored object.
    ///
    /// # Panics
    /// When the store fails.
    pub fn spoil(&self, key: &str) {
        let (store, key) = (self.photos(), key.parse().unwrap());
        let mut bytes = block_on(store.get(&key)).unwrap().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        block_on(async {
            // An object of the same length would be left alone.
            store.delete(&key).await.unwrap();
            store.put(&key, bytes.into()).await.unwrap();
        });
    }

    /// Loses a stored object.
    ///
    /// # Panics
    /// When the store fails.
    pub fn lose(&self, key: &str) {
        block_on(self.photos().delete(&key.parse().unwrap())).unwrap();
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database.
    pub fn url(&self) -> String {
        self.database.url()
    }

    /// Executes SQL behind the program's back.
    pub fn execute(&self, sql: &str) {
        self.database.execute(sql).unwrap();
    }

    /// Undoes what was migrated since the first schema.
    pub fn to_first_schema(&self) {
        self.database.to_first_schema();
    }
}
