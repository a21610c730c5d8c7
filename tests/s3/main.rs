//! An S3 server for the black-box tests, on a folder: prints its address, and serves until it is killed.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

use clap::Parser;

/// An S3 server for tests.
#[derive(Parser)]
struct Arguments {
    /// The folder for its buckets.
    #[arg(long)]
    data: PathBuf,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.data)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    suishoupai_tests::serve_s3(listener, &arguments.data, std::future::pending()).await;
    Ok(())
}
