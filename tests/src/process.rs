//! The real program in a process of its own, to be killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use suishoupai_api::config::Config;
use suishoupai_api::photo_store;
use suishoupai_storage::store::{MAX_LIST, PhotoStore};

use crate::cluster::Cluster;
use crate::engine::{Database, Engine};
use crate::instance::{Instance, Log};
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

/// A data folder with its database, on which the program is started again and again.
pub struct Process {
    folder: tempfile::TempDir,
    database: Database,
    bucket: Option<Bucket>,
    running: Option<Instance>,
    /// More variables of its environment.
    settings: Vec<(String, String)>,
    /// A bucket that it does not keep its photos in.
    at_hand: Option<Bucket>,
    log: Log,
}

impl Process {
    /// A folder with the demonstration; nothing runs yet.
    pub fn with_demo(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = engine.copy_of_demo(folder.path());
        Self::of(folder, database, engine.bucket())
    }

    fn of(folder: tempfile::TempDir, database: Database, bucket: Option<Bucket>) -> Self {
        let (settings, log) = (Vec::new(), Log::default());
        Self { folder, database, bucket, running: None, settings, at_hand: None, log }
    }

    /// A folder with nothing in it; nothing runs yet.
    pub fn empty(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = engine.empty(folder.path());
        Self::of(folder, database, engine.bucket())
    }

    /// A folder with nothing in it, over the database of a cluster of the test's own; nothing runs yet.
    pub fn over(cluster: &Cluster) -> Self {
        Self::of(tempfile::tempdir().unwrap(), Database::of_cluster(cluster), None)
    }

    /// Sets a setting, such as `log.format`, for everything that is started from now on.
    pub fn set(&mut self, key: &str, value: &str) {
        let name = format!("SUISHOUPAI_{}", key.to_uppercase().replace('.', "__"));
        self.settings.push((name, value.to_owned()));
    }

    /// Lets the program reach a bucket without keeping its photos there, unless it does already; the bucket's name.
    pub fn bucket_at_hand(&mut self) -> String {
        let bucket = self.bucket.clone().unwrap_or_else(Bucket::shared);
        self.at_hand = Some(bucket.clone());
        for (name, value) in bucket.settings() {
            if self.bucket.is_none() && !["kind", "bucket"].contains(&name) {
                self.set(&format!("store.{name}"), value);
            }
        }
        bucket.settings().iter().find(|(name, _)| *name == "bucket").unwrap().1.to_owned()
    }

    /// Lets the program reach the bucket that another one uses or has at hand, without keeping its photos there.
    pub fn borrow_bucket(&mut self, of: &Process) {
        if self.bucket.is_none() {
            self.settings.extend(of.settings.iter().filter(|(name, _)| name.contains("STORE__")).cloned());
        }
        self.at_hand = of.at_hand.clone();
    }

    fn at_hand(&self) -> &Bucket {
        self.at_hand.as_ref().unwrap()
    }

    /// The names of what is in the bucket at hand.
    pub fn names_in_bucket(&self, prefix: &str) -> Vec<String> {
        let pages = block_on(self.at_hand().open().list(prefix.to_owned(), None)).unwrap();
        pages.into_iter().flat_map(|page| page.contents).map(|object| object.key).collect()
    }

    /// Changes an object of the bucket at hand; what it was before.
    pub fn alter_in_bucket(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let bucket = self.at_hand().open();
        let before = block_on(bucket.get_object(name)).unwrap().bytes().to_vec();
        let mut bytes = before.clone();
        change(&mut bytes);
        block_on(bucket.put_object(name, &bytes)).unwrap();
        before
    }

    /// Removes an object of the bucket at hand.
    pub fn remove_from_bucket(&self, name: &str) {
        block_on(self.at_hand().open().delete_object(name)).unwrap();
    }

    /// What the program has logged, once it has ended: line by line.
    ///
    /// # Panics
    /// While it runs.
    pub fn log(&self) -> Vec<String> {
        assert!(self.running.is_none());
        self.log.lock().unwrap().clone()
    }

    /// Starts `suishoupai serve --demo` and waits until it tells its address, which is returned.
    pub fn serve(&mut self) -> &str {
        let instance = Instance::start_with(self.serving(), Arc::clone(&self.log));
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
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
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
