//! A real S3 server in the test process, on a folder and a free port of 127.0.0.1.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

use super::{S3Settings, S3Store};

pub(super) const KEYS: (&str, &str) = ("test-access", "test-secret");

/// Serves `folder` until the runtime ends.
pub(super) async fn serve(folder: &Path) -> SocketAddr {
    std::fs::create_dir_all(folder.join("photos")).unwrap();
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single(KEYS.0, KEYS.1));
    let service = service.build();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                drop(
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await,
                );
            });
        }
    });
    address
}

/// A store in the bucket `photos` of the server at `address`.
pub(super) fn store(address: SocketAddr, spool: &Path) -> S3Store {
    S3Store::open(settings(address, spool)).unwrap()
}

/// The settings of that store.
pub(super) fn settings(address: SocketAddr, spool: &Path) -> S3Settings {
    S3Settings {
        bucket: "photos".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(format!("http://{address}")),
        path_style: true,
        keys: Some((KEYS.0.to_owned(), KEYS.1.to_owned())),
        try_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(10),
        spool: spool.to_owned(),
    }
}
