//! The first picture of a video, by a program that the operator has named.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest picture that is taken from the program, in bytes.
const MAX_PICTURE: u64 = 32 << 20;
/// How often to look whether the program has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PosterError {
    /// The program cannot be run or read from.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("it took longer than {0:?}")]
    Slow(Duration),
    /// It could not decode the video.
    #[error("it gave no picture")]
    NoPicture,
}

/// Lets `program`, which is ffmpeg or takes its arguments, decode the first frame of the file `video`, upright, into a JPEG.
/// It reads this file only, is given no input, and is killed after `patience`. Blocks.
///
/// # Errors
/// Where it cannot be run, is too slow, or gives no picture.
pub fn first_frame(program: &Path, video: &Path, patience: Duration) -> Result<Vec<u8>, PosterError> {
    let mut name = std::ffi::OsString::from("file:");
    name.push(video);
    let mut command = Command::new(program);
    command
        .args(["-nostdin", "-v", "quiet", "-threads", "1", "-protocol_whitelist", "file,pipe", "-i"])
        .arg(name)
        .args(["-an", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "3", "-f", "image2pipe", "pipe:1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    let picture = read_all(&mut child);
    let succeeded = match wait(&mut child, patience) {
        Ok(succeeded) => succeeded,
        Err(error) => {
            // It may have ended meanwhile; then there is nothing to kill. What it wrote is not waited for.
            drop(child.kill());
            drop(child.wait());
            return Err(error);
        }
    };
    let picture = picture.and_then(|reading| reading.join().unwrap_or_else(|_| Ok(Vec::new())));
    match picture? {
        picture if succeeded && !picture.is_empty() => Ok(picture),
        _ => Err(PosterError::NoPicture),
    }
}

type Reading = std::thread::JoinHandle<io::Result<Vec<u8>>>;

/// Reads what the program writes while it runs, so that it never waits for that.
fn read_all(child: &mut Child) -> io::Result<Reading> {
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    std::thread::Builder::new().spawn(move || {
        let mut picture = Vec::new();
        output.take(MAX_PICTURE).read_to_end(&mut picture)?;
        Ok(picture)
    })
}

fn wait(child: &mut Child, patience: Duration) -> Result<bool, PosterError> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > patience {
            return Err(PosterError::Slow(patience));
        }
        std::thread::sleep(PAUSE);
    }
}
