//! Resumable uploads over connections that break, in a server that is killed, and by two clients at once.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use suishoupai_tests::{Caller, Engine, Process, Resident, Server, both, caller, jpeg};

both!(
    what_came_before_a_connection_broke_is_kept,
    what_was_taken_survives_a_kill_in_the_middle,
    of_two_at_once_one_is_told_where_the_upload_is
);

/// A JPEG of this length: what follows the end of the picture is kept with it. No two are alike.
fn long(length: usize, seed: u8) -> Vec<u8> {
    let mut bytes = jpeg(64, 48);
    let mut state = u32::from(seed) + 1;
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Sends the head of a PATCH and the first bytes of its body; the connection.
fn begin(base: &str, caller: &Caller, path: &str, offset: usize, whole: &[u8], sent: usize) -> TcpStream {
    let host = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {}\r\n\r\n",
        caller.token(),
        whole.len() - offset,
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&whole[offset..offset + sent]).unwrap();
    stream.flush().unwrap();
    stream
}

/// Waits until the server has so many bytes of an upload.
fn wait_for_offset(caller: &Caller, path: &str, wanted: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while caller.offset(path) < wanted {
        assert!(Instant::now() < deadline, "{} of {wanted} bytes", caller.offset(path));
        std::thread::yield_now();
    }
}

fn what_came_before_a_connection_broke_is_kept(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = long(300_000, 1);
    let path = resident.create(bytes.len(), "");
    let (mut at, mut state) = (0, 7_u32);
    let mut breaks = 0;
    while at < bytes.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let sent = (state >> 16) as usize % 60_000 + 1;
        if at + sent >= bytes.len() {
            break;
        }
        let stream = begin(server.base(), &resident, &path, at, &bytes, sent);
        stream.shutdown(Shutdown::Both).unwrap();
        drop(stream);
        wait_for_offset(&resident, &path, at + sent);
        at += sent;
        assert_eq!(resident.offset(&path), at, "not one byte more than was sent");
        breaks += 1;
    }
    assert!(breaks > 3, "{breaks}");
    let photo = resident.append(&path, at, &bytes[at..]).header("photo-id").to_owned();
    assert!(resident.get(&format!("photos/{photo}/original")).body == bytes);
}

fn what_was_taken_survives_a_kill_in_the_middle(engine: Engine) {
    let mut process = Process::with_demo(engine);
    let base = process.serve().to_owned();
    let resident = Resident::sign_in(&base);
    let bytes = long(10 << 20, 2);
    let path = resident.create(bytes.len(), "");
    resident.append(&path, 0, &bytes[..100]);
    process.kill();

    let base = process.serve().to_owned();
    let again = caller(&base).with_token(resident.token());
    assert_eq!(again.offset(&path), 100, "what was answered");
    // Of a request under way, what has come is made durable now and then.
    let stream = begin(&base, &again, &path, 100, &bytes, 5 << 20);
    wait_for_offset(&again, &path, 4 << 20);
    let known = again.offset(&path);
    process.kill();
    drop(stream);

    let base = process.serve().to_owned();
    let again = caller(&base).with_token(resident.token());
    assert_eq!(again.offset(&path), known);
    let photo = again.append(&path, known, &bytes[known..]).header("photo-id").to_owned();
    assert!(again.get(&format!("photos/{photo}/original")).body == bytes);
    assert_eq!(process.terminate(), Some(0));
}

fn of_two_at_once_one_is_told_where_the_upload_is(engine: Engine) {
    let server = Server::start(engine);
    let twin = server.twin();
    let resident = server.resident();
    let other = caller(twin.base()).with_token(resident.token());
    let bytes = long(40_000, 3);
    let path = resident.create(bytes.len(), "");
    let piece = 5000;
    for at in (0..bytes.len()).step_by(piece) {
        let send = |who: &Caller| who.try_append(&path, at, &bytes[at..at + piece]);
        let answers: Vec<_> = std::thread::scope(|scope| {
            let threads = [scope.spawn(|| send(&resident)), scope.spawn(|| send(&other))];
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let taken = answers.iter().filter(|answer| answer.status == 204).count();
        assert_eq!(taken, 1, "{answers:?}");
        let told = answers.iter().find(|answer| answer.status != 204).unwrap();
        let problem = told.problem(409, "upload_offset_mismatch");
        assert_eq!(problem["offset"], at + piece, "{problem}");
    }
    let photo = resident.get(&path).expect(200)["photo_id"].clone();
    assert!(resident.get(&format!("photos/{photo}/original")).body == bytes);
    let left: Vec<_> = server.stored().into_iter().filter(|key| key.starts_with("upload/")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// More than one portion in one request.
#[test]
fn a_stream_is_read_to_its_end() {
    let server = Server::start(Engine::Sqlite);
    let resident = server.resident();
    let bytes = long(9 << 20, 4);
    let path = resident.create(bytes.len(), "");
    let mut stream = begin(server.base(), &resident, &path, 0, &bytes, bytes.len());
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
    assert_eq!(resident.get(&path).expect(200)["state"], "done");
}
