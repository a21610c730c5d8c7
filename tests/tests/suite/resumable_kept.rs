//! What is kept of uploads by the tus protocol: how long, how many, what is over, and what a crash or a store that is away leaves.

use reqwest::Method;
use suishoupai_api::service::resumable::FINISH;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::DbError;
use suishoupai_storage::db::jobs;
use suishoupai_storage::db::resumable::{self as rows, Part};
use suishoupai_storage::store::ObjectKey;
use suishoupai_tests::{Caller, Engine, S3Server, Server, both, jpeg};

use crate::resumable::{nothing_is_left, sent};

both!(
    an_upload_expires_and_is_forgotten,
    unfinished_uploads_are_bounded,
    an_ended_upload_is_gone,
    a_whole_upload_is_looked_at_after_a_crash,
    an_upload_waits_for_its_store
);

fn an_upload_expires_and_is_forgotten(engine: Engine) {
    let server = Server::start_for_days(engine);
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let path = resident.create(bytes.len(), "");
    resident.append(&path, 0, &bytes[..50]);
    sent(&resident, &bytes, 300);
    server.advance_seconds(24 * 3600);
    assert_eq!(resident.offset(&path), 50);
    server.advance_seconds(1);
    resident.try_append(&path, 50, &bytes[50..]).problem(410, "upload_expired");
    resident.get(&path).problem(410, "upload_expired");
    assert_eq!(server.sweep_resumable(), 0, "a request may have begun in time");
    server.advance_seconds(3600);
    assert_eq!(server.sweep_resumable(), 2, "the one that is done as well");
    resident.get(&path).problem(404, "upload_not_found");
    nothing_is_left(&server);
    assert_eq!(server.rows().photos, 1);
    assert_eq!(server.sweep_resumable(), 0);
}

fn unfinished_uploads_are_bounded(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.uploads.max_open = 3;
        config.uploads.max_open_bytes = 1 << 20;
    });
    let resident = server.resident();
    let first = resident.create(1 << 19, "");
    resident.create(1 << 19, "");
    let refused = resident.try_create(1, "");
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(429, "too_many_requests");
    assert_eq!(Caller::send(resident.tus(Method::DELETE, &first)).status, 204);
    for _ in 0..2 {
        resident.create(1, "");
    }
    resident.try_create(1, "").problem(429, "too_many_requests");
    server.resident().create(1 << 20, "");
    server.advance_seconds(24 * 3600);
    // Expired ones do not count; nor do those that are done.
    let bytes = jpeg(64, 48);
    let resident = server.resident();
    for _ in 0..4 {
        sent(&resident, &bytes, 400);
    }
    // Two who create at once do not exceed the bound together.
    let created: Vec<u16> = std::thread::scope(|scope| {
        let create = || resident.try_create(10, "").status;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(created.iter().filter(|status| **status == 201).count(), 3, "{created:?}");
}

fn an_ended_upload_is_gone(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let path = resident.create(100, "");
    resident.append(&path, 0, &[7; 50]);
    let end = |path: &str| Caller::send(resident.tus(Method::DELETE, path));
    assert_eq!(end(&path).status, 204);
    nothing_is_left(&server);
    end(&path).problem(404, "upload_not_found");
    resident.get(&path).problem(404, "upload_not_found");
    resident.try_append(&path, 50, &[7; 50]).problem(404, "upload_not_found");
    let bytes = jpeg(64, 48);
    let whole = resident.create(bytes.len(), "");
    let photo = resident.append(&whole, 0, &bytes).header("photo-id").to_owned();
    assert_eq!(end(&whole).status, 204);
    assert_eq!(resident.get(&format!("photos/{photo}/original")).body, bytes, "the photo stays");
    server.advance_seconds(3601);
    assert_eq!(server.sweep_resumable(), 2);
}

/// A process is killed right after it has taken the last byte.
fn a_whole_upload_is_looked_at_after_a_crash(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let take_last = |path: &str, bytes: &[u8], start: usize| {
        let upload: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
        let name = std::array::from_fn(|place| bytes[bytes.len() - 1 - place]);
        let (start, length) = (i64::try_from(start).unwrap(), i64::try_from(bytes.len()).unwrap());
        let part = Part { name, upload, start, bytes: length - start };
        let at: Moment = server.now().plus_seconds(60);
        let services = server.services();
        let last = bytes[usize::try_from(start).unwrap()..].to_vec();
        suishoupai_tests::wait_for(async {
            services.store.put(&ObjectKey::upload(&name), last.into()).await.unwrap();
            let [job] = services.db.ids::<1>().await.unwrap();
            let write = services.db.write(move |conn| {
                assert!(rows::announce_part(conn, &part, 10)?);
                assert!(rows::take_part(conn, &part)?);
                jobs::enqueue(conn, job, FINISH, upload, at)?;
                Ok::<_, DbError>(())
            });
            write.await.unwrap();
        });
    };
    let bytes = jpeg(64, 48);
    let path = resident.create(bytes.len(), "");
    resident.append(&path, 0, &bytes[..50]);
    take_last(&path, &bytes, 50);
    server.drain();
    assert_eq!(server.rows().photos, 0);
    server.advance_seconds(61);
    server.drain();
    assert_eq!(server.rows().photos, 1);
    assert_eq!(resident.get(&path).expect(200)["state"], "done");

    // Whoever asks need not wait for the job.
    let bytes = jpeg(65, 48);
    let path = resident.create(bytes.len(), "");
    resident.append(&path, 0, &bytes[..50]);
    take_last(&path, &bytes, 50);
    assert_eq!(resident.offset(&path), bytes.len());
    assert_eq!(resident.get(&path).expect(200)["state"], "done");
    nothing_is_left(&server);
}

fn an_upload_waits_for_its_store(engine: Engine) {
    let mut bucket = S3Server::start();
    let server = Server::start_on_s3(engine, &bucket, |_| ());
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let path = resident.create(bytes.len(), "");
    resident.append(&path, 0, &bytes[..50]);
    bucket.stop();
    resident.try_append(&path, 50, &bytes[50..]).problem(503, "unavailable");
    assert_eq!(resident.offset(&path), 50, "what was not kept does not count");
    bucket.start_again();
    resident.append(&path, 50, &bytes[50..]);
    assert_eq!(server.rows().photos, 1);
    server.advance_seconds(26 * 3600);
    server.sweep_resumable();
    nothing_is_left(&server);
}
