//! One suite for every store, and what only a folder can get wrong.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use proptest::prelude::*;

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
fn stores() -> (tempfile::TempDir, Vec<PhotoStore>) {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalStore::open(folder.path().join("a/b")).unwrap();
    (folder, vec![PhotoStore::Local(local), PhotoStore::Memory(MemoryStore::default())])
}

#[tokio::test]
async fn what_is_put_can_be_got_until_it_is_deleted() {
    let (_folder, stores) = stores();
    for store in stores {
        let key = original(1);
        assert!(matches!(store.get(&key).await, Err(StoreError::NotFound { .. })));
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
    let (_folder, stores) = stores();
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
    let (_folder, stores) = stores();
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
    let (_folder, stores) = stores();
    let mut keys: Vec<ObjectKey> = (0..40).map(original).collect();
    keys.extend((0..5).map(|seed| ObjectKey::thumbnail(&digest(seed))));
    keys.extend((0..5).map(|seed| ObjectKey::display(&digest(seed))));
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
        assert_eq!(store.list("", None, usize::MAX).await.unwrap().len(), 50);
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
