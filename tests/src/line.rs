//! A connection as a balancer keeps it: used for one request after the other, closed when the server says so, and never
//! tried again by itself, so that a request that gets no answer is seen.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A kept connection to one server.
#[derive(Debug, Default)]
pub struct Line {
    stream: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Whether the server ends the connection with it.
    pub closes: bool,
    /// The body.
    pub body: Vec<u8>,
}

impl Line {
    /// Sends one request to the server at `base` and reads the answer.
    ///
    /// # Errors
    /// Where the connection ends before the answer is whole.
    pub fn ask(
        &mut self,
        base: &str,
        method: &str,
        path: &str,
        head: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let host = base.trim_start_matches("http://");
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(host)?;
                stream.set_read_timeout(Some(Duration::from_secs(30)))?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n{head}\r\n{body}"
        );
        stream.get_mut().write_all(request.as_bytes())?;
        let answer = read(&mut stream)?;
        if !answer.closes {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let bad = |words: &str| io::Error::new(io::ErrorKind::InvalidData, words.to_owned());
    let mut line = || {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(0) => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended without an answer"))
            }
            outcome => outcome.map(|_| line.trim_end().to_ascii_lowercase()),
        }
    };
    let first = line()?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| bad(&first))?;
    let (mut length, mut closes) = (None, false);
    loop {
        let header = line()?;
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok(),
            Some(("connection", value)) => closes = value == "close",
            Some(_) => {}
            None if header.is_empty() => break,
            None => return Err(bad(&header)),
        }
    }
    let mut body = vec![0; length.ok_or_else(|| bad("an answer without a length"))?];
    stream.read_exact(&mut body)?;
    Ok(Answer { status, closes, body })
}
