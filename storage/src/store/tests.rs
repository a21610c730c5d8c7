//! One suite for every store, and what only a folder can get wrong.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn digest(seed: u8) -> [u8; 32] {
    std::array::from_fn(|i| seed.wrapping_mul(31).wrapping_add(i as u8))
}

fn original(seed: u8) -> ObjectKey {
    ObjectKey::original(&digest(seed), "jpg").unwrap()
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|i| i as u8).collect()
}

/// A store of each kind; the folder lives as long as the first part.
async fn stores() -> (tempfile::TempDir, Vec<PhotoStore>) {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalStore::open(folder.path().join("a/b")).unwrap();
    let bucket =
        s3_server::store(s3_server::serve(&folder.path().join("s3")).await, &folder.path().join("spool"));
    let stores =
        [PhotoStore::Local(local), PhotoStore::Memory(MemoryStore::default()), PhotoStore::S3(bucket)];
    (folder, stores.into())
}

/// A file of these bytes on its way into the store.
async fn spooled(store: &PhotoStore, bytes: &[u8]) -> Spooled {
    let mut incoming = store.spool().begin(bytes.len() as u64);
    for portion in bytes.chunks(100_000) {
        incoming = incoming.push(portion).await.unwrap().unwrap();
    }
    incoming.finish().await.unwrap()
}

#[tokio::test]
async fn a_file_becomes_an_object_and_is_read_in_portions_and_ranges() {
    let (_folder, stores) = stores().await;
    for store in stores {
        let mut buffer = Vec::new();
        // The long one has three parts on S3, the last of which is short.
        for (seed, length) in [(1, 0), (2, 70_000), (3, (16 << 20) + 17)] {
            let (key, whole) = (original(seed), bytes(length));
            let file = spooled(&store, &whole).await;
            assert_eq!((file.length(), file.sha256()), (length as u64, &digest_of(&whole)));
            store.put_file(&key, &file).await.unwrap();
            store.put_file(&key, &file).await.unwrap();
            drop(file);
            assert!(store.get(&key).await.unwrap() == whole, "{store:?}");
            buffer.clear();
            buffer = store.get_once(&key, buffer).await.unwrap();
            assert!(buffer == whole, "{store:?}");
            let end = length as u64;
            for range in [0..end, 0..end.min(1), end / 3..end / 2, end.saturating_sub(5)..end, end..end] {
                let part = whole.slice(range.start as usize..range.end as usize);
                assert!(store.get_range(&key, range.clone()).await.unwrap() == part, "{store:?} {range:?}");
            }
            assert!(matches!(store.get_range(&key, 0..end + 1).await, Err(StoreError::Io { .. })));
            let mut reading = store.read(&key, None).await.unwrap();
            assert_eq!(reading.length, end);
            let first = futures_util::StreamExt::next(&mut reading.portions).await;
            assert!(
                matches!(store, PhotoStore::Memory(_))
                    || first.is_none_or(|part| part.unwrap().len() < 1 << 20)
            );
        }
        assert!(matches!(store.read(&original(9), None).await, Err(StoreError::NotFound { .. })));
        assert!(
            matches!(store, PhotoStore::Memory(_))
                || store.sweep(Duration::from_secs(3600)).await.unwrap() == 0
        );
        let left = std::fs::read_dir(store.spool().folder()).unwrap().count();
        assert!(left == 0 || matches!(store, PhotoStore::Memory(_)), "{left} files of uploads are left");
    }
}

fn digest_of(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

#[tokio::test]
async fn an_upload_that_is_too_long_is_refused_when_it_becomes_so() {
    let (_folder, stores) = stores().await;
    for store in stores {
        let incoming = store.spool().begin(10).push(&[1; 10]).await.unwrap().unwrap();
        assert!(matches!(incoming.push(&[1]).await, Ok(Err(TooLong))));
    }
}

#[tokio::test]
async fn an_unreachable_bucket_says_so_soon_and_a_wrong_key_is_no_outage() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let store = PhotoStore::S3(s3_server::store(nobody, folder.path()));
    let unavailable = |error: Option<StoreError>| matches!(error, Some(StoreError::Unavailable { .. }));
    assert!(unavailable(store.put(&original(1), bytes(10)).await.err()));
    assert!(unavailable(store.get(&original(1)).await.err()));
    assert!(unavailable(store.list("", None, 10).await.err()));
    let file = spooled(&store, &bytes(6 << 20)).await;
    assert!(unavailable(store.put_file(&original(1), &file).await.err()));

    let server = s3_server::serve(&folder.path().join("s3")).await;
    let stranger = S3Settings {
        bucket: "photos".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(format!("http://{server}")),
        path_style: true,
        keys: Some((s3_server::KEYS.0.to_owned(), "wrong".to_owned())),
        try_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(10),
        spool: folder.path().to_owned(),
    };
    assert!(!format!("{stranger:?}").contains("wrong"));
    let stranger = PhotoStore::S3(S3Store::open(stranger).unwrap());
    assert!(matches!(stranger.put(&original(1), bytes(10)).await, Err(StoreError::Io { .. })));
}

/// A server that gives these answers, one for each connection, and then the last one again; the count of connections.
async fn answering(statuses: &'static [&'static str]) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let status = statuses[counted.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1)];
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let (mut seen, mut part) = (Vec::new(), [0; 4096]);
            while !seen.ends_with(b"\r\n\r\n") {
                let length = socket.read(&mut part).await.unwrap();
                seen.extend_from_slice(&part[..length]);
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    (address, count)
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let rows: [(&[&str], usize, &str); 5] = [
        (&["503 Busy", "429 Slow Down", "200 OK"], 3, "Ok(Some(0))"),
        (&["200 OK"], 1, "Ok(Some(0))"),
        (&["404 Not Found"], 1, "Ok(None)"),
        (&["403 Forbidden"], 1, "Err(Io"),
        (&["500 Broken"], 4, "Err(Unavailable"),
    ];
    for (statuses, tries, wanted) in rows {
        let (address, count) = answering(statuses).await;
        let answer = PhotoStore::S3(s3_server::store(address, folder.path())).head(&original(1)).await;
        let answer = format!("{answer:?}");
        assert!(answer.starts_with(wanted), "{statuses:?}: {answer}");
        assert_eq!(count.load(Ordering::SeqCst), tries, "{statuses:?}");
    }
}

#[tokio::test]
async fn what_is_put_can_be_got_until_it_is_deleted() {
    let (_folder, stores) = stores().await;
    for store in stores {
        let key = original(1);
        assert!(matches!(store.get(&key).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.get_once(&key, Vec::new()).await, Err(StoreError::NotFound { .. })));
        assert_eq!(store.head(&key).await.unwrap(), None);
        store.put(&key, bytes(1000)).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), bytes(1000));
        assert_eq!(store.clone().head(&key).await.unwrap(), Some(1000));
        store.delete(&key).await.unwrap();
        store.delete(&key).await.unwrap();
        assert_eq!(store.head(&key).await.unwrap(), None);
        store.put(&key, Bytes::new()).await.unwrap();
        assert_eq!(store.head(&key).await.unwrap(), Some(0));
    }
}

#[tokio::test]
async fn the_same_length_is_left_alone_and_another_is_replaced() {
    let (_folder, stores) = stores().await;
    for store in stores {
        let key = ObjectKey::display(&digest(1));
        store.put(&key, Bytes::from_static(b"first")).await.unwrap();
        store.put(&key, Bytes::from_static(b"again")).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), "first");
        store.put(&key, Bytes::from_static(b"longer one")).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), "longer one");
    }
}

#[tokio::test]
async fn simultaneous_writers_of_one_object_all_succeed() {
    let (_folder, stores) = stores().await;
    for store in stores {
        let writers: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.put(&original(7), bytes(50_000)).await })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        assert_eq!(store.get(&original(7)).await.unwrap(), bytes(50_000));
        assert_eq!(store.list("", None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn pages_give_every_key_once_and_in_order() {
    let (_folder, stores) = stores().await;
    let mut keys: Vec<ObjectKey> = (0..40).map(original).collect();
    keys.extend((0..5).map(|seed| ObjectKey::thumbnail(&digest(seed))));
    keys.extend((0..5).map(|seed| ObjectKey::display(&digest(seed))));
    keys.extend(
        (0..5).map(|seed| ObjectKey::playback(&digest(seed), ["mp4", "mov"][usize::from(seed % 2)]).unwrap()),
    );
    for store in stores {
        for (length, key) in keys.iter().enumerate() {
            store.put(key, bytes(length)).await.unwrap();
        }
        for prefix in ["", "o", "original/", "original/1", "thumbnail/00/", "none/", "../", "original/ff/zz"]
        {
            let mut wanted: Vec<(String, u64)> = (keys.iter().enumerate())
                .filter(|(_, key)| key.as_str().starts_with(prefix))
                .map(|(length, key)| (key.to_string(), length as u64))
                .collect();
            wanted.sort();
            let mut seen: Vec<(String, u64)> = Vec::new();
            loop {
                let after = seen.last().map(|(key, _)| key.clone());
                let page = store.list(prefix, after.as_deref(), 7).await.unwrap();
                assert!(page.len() <= 7);
                if page.is_empty() {
                    break;
                }
                seen.extend(page);
            }
            assert_eq!(seen, wanted, "{prefix:?}");
        }
        assert_eq!(store.list("", Some("zzz"), 7).await.unwrap(), []);
        assert_eq!(
            store.list("original/", Some("a"), 100).await.unwrap().len(),
            40,
            "after lies before the prefix"
        );
        assert_eq!(store.list("", None, 0).await.unwrap(), []);
        assert_eq!(store.list("", None, usize::MAX).await.unwrap().len(), keys.len());
    }
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_what_it_has() {
    let store = PhotoStore::Memory(MemoryStore::with_capacity(100));
    store.put(&original(1), bytes(60)).await.unwrap();
    assert!(matches!(store.put(&original(2), bytes(41)).await, Err(StoreError::NoSpace)));
    store.put(&original(1), bytes(90)).await.unwrap();
    assert_eq!(store.head(&original(1)).await.unwrap(), Some(90));
    let full = std::io::Error::from_raw_os_error(28);
    assert!(matches!(StoreError::during("write")(full), StoreError::NoSpace), "ENOSPC of the system");
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert!(matches!(StoreError::during("write")(denied), StoreError::Io { action: "write", .. }));
}

#[tokio::test]
async fn a_reopened_folder_has_its_objects_and_no_leftovers() {
    let folder = tempfile::tempdir().unwrap();
    let open = || PhotoStore::Local(LocalStore::open(folder.path()).unwrap());
    open().put(&original(1), bytes(10)).await.unwrap();
    let leftover = |name: &str, age: u64| {
        let file = std::fs::File::create(folder.path().join("tmp").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    leftover("old", 7200);
    leftover("young", 10);
    let store = open();
    assert_eq!(store.sweep(Duration::from_secs(3600)).await.unwrap(), 1);
    assert!(folder.path().join("tmp/young").exists() && !folder.path().join("tmp/old").exists());
    assert_eq!(store.get(&original(1)).await.unwrap(), bytes(10));
    std::fs::write(folder.path().join("original/stray.txt"), "x").unwrap();
    assert_eq!(store.list("", None, 10).await.unwrap().len(), 1, "neither leftovers nor strays are objects");
}

#[tokio::test]
async fn a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = PhotoStore::Local(LocalStore::open(folder.path()).unwrap());
    // A file where a folder must be: the system refuses, whoever runs the test.
    std::fs::write(folder.path().join("thumbnail"), "x").unwrap();
    let refused = store.put(&ObjectKey::thumbnail(&digest(1)), bytes(10)).await;
    assert!(matches!(refused, Err(StoreError::Io { action: "write an object", .. })), "{refused:?}");
    assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    assert!(LocalStore::open(folder.path().join("thumbnail")).is_err(), "a file is no folder");
    assert!(LocalStore::open(folder.path().join("thumbnail/below")).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("photos");
    let store = PhotoStore::Local(LocalStore::open(&root).unwrap());
    let key = original(3);
    store.put(&key, bytes(10)).await.unwrap();
    let file = root.join(key.as_str());
    assert_eq!(mode(&file), 0o600);
    for above in file.ancestors().skip(1).take_while(|path| *path != folder.path()) {
        assert_eq!(mode(above), 0o700, "{}", above.display());
    }
    assert_eq!(mode(&root.join("tmp")), 0o700);
}

#[tokio::test]
async fn files_in_a_bucket_lie_below_their_prefix_and_photos_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let address = s3_server::serve(&folder.path().join("buckets")).await;
    let open = |prefix: &str| {
        S3Files::open(s3_server::settings(address, &folder.path().join("spool")), prefix).unwrap()
    };
    let (files, other) = (open("backups/a"), open("backups/b"));
    assert!(files.is_empty().await.unwrap());
    // More than two parts, and an empty one.
    let (large, empty) = (folder.path().join("large"), folder.path().join("empty"));
    std::fs::write(&large, bytes(17 << 20)).unwrap();
    std::fs::write(&empty, b"").unwrap();
    files.put("database", &large).await.unwrap();
    files.put("keys/none", &empty).await.unwrap();
    assert!(!files.is_empty().await.unwrap() && other.is_empty().await.unwrap());
    for (name, from) in [("database", &large), ("keys/none", &empty)] {
        let to = folder.path().join("fetched");
        assert!(files.get(name, &to).await.unwrap(), "{name}");
        assert!(std::fs::read(&to).unwrap() == std::fs::read(from).unwrap(), "{name}");
        std::fs::remove_file(to).unwrap();
    }
    let absent = folder.path().join("absent");
    assert!(!other.get("database", &absent).await.unwrap() && !absent.exists());

    let (photos, plain) = (files.photos("photos"), PhotoStore::S3(s3_server::store(address, folder.path())));
    for number in 0..3 {
        photos.put(&original(number), bytes(10)).await.unwrap();
    }
    assert_eq!(plain.list("", None, 10).await.unwrap(), [], "they are below the prefix");
    let listed = photos.list("original/", None, 2).await.unwrap();
    assert_eq!(listed.len(), 2);
    let rest = photos.list("original/", Some(&listed[1].0), 10).await.unwrap();
    assert_eq!(rest.len(), 1);
    let key = rest[0].0.parse().unwrap();
    assert_eq!(photos.get(&key).await.unwrap(), bytes(10));
    photos.delete(&key).await.unwrap();
    assert_eq!(photos.head(&key).await.unwrap(), None);
}

#[test]
fn a_key_is_what_a_constructor_makes_and_nothing_else() {
    let hex = hex::encode(digest(5));
    let good = format!("original/{}/{}/{hex}.jpg", &hex[..2], &hex[2..4]);
    assert_eq!(original(5).as_str(), good);
    assert_eq!(good.parse(), Ok(original(5)));
    for bad in [
        String::new(),
        "original".into(),
        format!("original/../../{hex}.jpg"),
        format!("original/00/00/{hex}.jpg"),
        good.replace("original", "private"),
        good.replace("original", "ORIGINAL"),
        good.replace(".jpg", ""),
        good.replace(".jpg", ".JPG"),
        good.replace(".jpg", ".jpg/.."),
        good.replace(".jpg", ".tar.gz"),
        good.replace(&hex, &hex.to_uppercase()),
        good.replace("original", "display").replace(".jpg", ".png"),
        format!("/{good}"),
        format!("{good}\0"),
    ] {
        assert_eq!(bad.parse::<ObjectKey>(), Err(BadKey), "{bad:?}");
    }
    for extension in ["", "toolong", "../a", "JPG", "j/g", "图"] {
        assert_eq!(ObjectKey::original(&digest(5), extension), Err(BadKey));
    }
}

proptest! {
    #[test]
    fn keys_survive_their_text(sha256: [u8; 32], extension in "[a-z0-9]{1,5}") {
        for key in [
            ObjectKey::original(&sha256, &extension).unwrap(),
            ObjectKey::display(&sha256),
            ObjectKey::thumbnail(&sha256),
            ObjectKey::playback(&sha256, "mov").unwrap(),
            ObjectKey::upload(&sha256),
        ] {
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn no_text_parses_into_a_way_out(text in "[a-z./\\\\0-9\0-]{0,100}") {
        if let Ok(key) = text.parse::<ObjectKey>() {
            prop_assert!(Path::new(key.as_str()).components().all(|c| matches!(c, std::path::Component::Normal(_))));
        }
    }
}
