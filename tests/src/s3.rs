//! A real S3 server on a folder, and buckets of a test's own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3::creds::Credentials;
use s3::{BucketConfiguration, Region};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use suishoupai_api::config::{Config, Secret, StoreKind};

use crate::server::block_on;

/// The access key and the secret key of every S3 server of the tests.
const KEYS: (&str, &str) = ("ssp-test", "ssp-test-secret");
const REGION: &str = "us-east-1";

/// Serves a folder as S3 until `stopped` ends.
pub async fn serve_s3(listener: TcpListener, folder: &Path, stopped: impl Future<Output = ()>) {
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single(KEYS.0, KEYS.1));
    let service = service.build();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let accept = async {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                drop(
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await,
                );
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = stopped => {}
    }
}

/// An S3 server of one test's own, to be stopped and started again on the same port.
pub struct S3Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    running: Option<(tokio::sync::oneshot::Sender<()>, JoinHandle<()>)>,
}

impl S3Server {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Self { folder: tempfile::tempdir().unwrap(), address, running: None };
        server.run(listener);
        server
    }

    fn run(&mut self, listener: TcpListener) {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let folder = self.folder.path().to_owned();
        let thread = std::thread::spawn(move || {
            block_on(serve_s3(listener, &folder, async { drop(stopped.await) }));
        });
        self.running = Some((stop, thread));
    }

    /// Stops it; nobody answers at its address any more.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            drop(thread.join());
        }
    }

    /// Starts it again with what it had.
    pub fn start_again(&mut self) {
        self.run(TcpListener::bind(self.address).unwrap());
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::create(format!("http://{}", self.address))
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A bucket of one test's own.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    endpoint: String,
    name: String,
}

impl Bucket {
    /// A new bucket of the server that is named by `SSP_TEST_S3`.
    pub(crate) fn shared() -> Self {
        Self::create(std::env::var("SSP_TEST_S3").unwrap_or_else(|_| {
            panic!("these tests need an S3 server, named by SSP_TEST_S3; run ./test, which starts one")
        }))
    }

    fn create(endpoint: String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ssp-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let region = Region::Custom { region: REGION.to_owned(), endpoint: endpoint.clone() };
        let keys = Credentials::new(Some(KEYS.0), Some(KEYS.1), None, None, None).unwrap();
        let plain = BucketConfiguration::default();
        block_on(s3::Bucket::create_with_path_style(&name, region, keys, plain)).unwrap();
        Self { endpoint, name }
    }

    /// The bucket itself, to do with it what no server does.
    pub(crate) fn open(&self) -> Box<s3::Bucket> {
        let region = Region::Custom { region: REGION.to_owned(), endpoint: self.endpoint.clone() };
        let keys = Credentials::new(Some(KEYS.0), Some(KEYS.1), None, None, None).unwrap();
        s3::Bucket::new(&self.name, region, keys).unwrap().with_path_style()
    }

    /// The settings of a server that keeps its photos here, by name.
    pub(crate) fn settings(&self) -> [(&'static str, &str); 7] {
        [
            ("kind", "s3"),
            ("bucket", &self.name),
            ("endpoint", &self.endpoint),
            ("region", REGION),
            ("path_style", "true"),
            ("access_key", KEYS.0),
            ("secret_key", KEYS.1),
        ]
    }

    /// Lets a server keep its photos here.
    pub(crate) fn apply(&self, config: &mut Config) {
        let store = &mut config.store;
        store.kind = StoreKind::S3;
        store.bucket = Some(self.name.clone());
        store.endpoint = Some(self.endpoint.clone());
        REGION.clone_into(&mut store.region);
        store.path_style = true;
        store.access_key = Some(Secret::new(KEYS.0));
        store.secret_key = Some(Secret::new(KEYS.1));
        store.try_timeout_seconds = 5;
        store.total_timeout_seconds = 10;
    }
}
