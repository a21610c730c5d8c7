//! Key files: 32 random bytes in base64, made on the first start and never replaced.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::config::Secret;

/// So many keys beside the one in use are read at the most.
const MOST_OTHERS: usize = 16;

/// A key of 32 bytes. It is not printed.
pub type KeyBytes = [u8; 32];

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or its folder cannot be read or made.
    #[error("cannot use the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is there and holds something else. It is left as it is: what was sealed with the right key can only be
    /// opened with that key.
    #[error("the key file {} does not hold 32 bytes in base64; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The folder of the key files within the data directory.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("keys")
}

/// The key in `DIR/keys/NAME.key`; made if there is none, readable by its owner only.
///
/// Safe against a second process that starts at the same time: both get the key of whoever was first.
///
/// # Errors
/// [`KeyError`] when the file can be neither read nor made, or holds something else.
pub fn read_or_create(data_dir: &Path, name: &str) -> Result<KeyBytes, KeyError> {
    let path = folder(data_dir).join(format!("{name}.key"));
    let failed = |source| KeyError::File { path: path.clone(), source };
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    create(&path).map_err(failed)?;
    read(&path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
}

/// Keys of the same kind that are not used any more, or not yet: those of the files `DIR/keys/NAME-*.key`, at most
/// 16.
///
/// # Errors
/// [`KeyError`] when one cannot be read, or holds something else.
pub fn others(data_dir: &Path, name: &str) -> Result<Vec<KeyBytes>, KeyError> {
    let folder = folder(data_dir);
    let failed = |source| KeyError::File { path: folder.clone(), source };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let is_one = path.file_name().and_then(|file| file.to_str()).is_some_and(|file| {
            file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".key"))
        });
        if is_one {
            paths.push(path);
        }
    }
    paths.sort();
    let keys = paths.iter().take(MOST_OTHERS).map(|path| read(path));
    keys.filter_map(Result::transpose).collect()
}

/// Renames `DIR/keys/NAME.key` to `DIR/keys/NAME-….key`, so that the next start makes a new key and still knows this one;
/// gives the new path.
///
/// # Errors
/// [`KeyError`] when there is no key, or the file cannot be renamed.
pub fn set_aside(data_dir: &Path, name: &str) -> Result<PathBuf, KeyError> {
    let path = folder(data_dir).join(format!("{name}.key"));
    let failed = |source| KeyError::File { path: path.clone(), source };
    let key = read(&path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))?;
    // Of the digest, so that the same key never lies there under two names.
    let digest = hex::encode(Sha256::digest(key));
    let kept = path.with_file_name(format!("{name}-{}.key", digest.get(..12).unwrap_or_default()));
    std::fs::rename(&path, &kept).map_err(failed)?;
    File::open(folder(data_dir)).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(kept)
}

/// The key ring in a file that an operator has named.
///
/// # Errors
/// [`KeyError`] when the file cannot be read, or holds something else.
pub fn read_ring(path: &Path) -> Result<Vec<Option<KeyBytes>>, KeyError> {
    let missing = || KeyError::File { path: path.to_owned(), source: ErrorKind::NotFound.into() };
    ring_of(path, read_text(path)?.ok_or_else(missing)?)
}

/// The key ring in `DIR/keys/NAME.key`; made with one key if there is none, readable by its owner only.
///
/// # Errors
/// [`KeyError`] when the file can be neither read nor made, or holds something else.
pub fn read_or_create_ring(data_dir: &Path, name: &str) -> Result<Vec<Option<KeyBytes>>, KeyError> {
    let path = ring_path(data_dir, name);
    if let Some(text) = read_text(&path)? {
        return ring_of(&path, text);
    }
    Ok(vec![Some(read_or_create(data_dir, name)?)])
}

/// Where the ring of a name is.
pub fn ring_path(data_dir: &Path, name: &str) -> PathBuf {
    folder(data_dir).join(format!("{name}.key"))
}

fn ring_of(path: &Path, text: String) -> Result<Vec<Option<KeyBytes>>, KeyError> {
    Secret::new(text).keys().map_err(|_| KeyError::Damaged { path: path.to_owned() })
}

/// Puts a new key at the end of the ring in a file; its place in the ring. The file is replaced as a whole, so that it is
/// never seen half written.
///
/// # Errors
/// [`KeyError`] when the file cannot be read or replaced, or is no ring.
pub fn add_to_ring(path: &Path) -> Result<usize, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let keys = read_ring(path)?;
    let mut text = String::new();
    for key in &keys {
        text.push_str(&key.map_or_else(|| "-".to_owned(), |key| STANDARD.encode(key)));
        text.push('\n');
    }
    text.push_str(&STANDARD.encode(rand::random::<KeyBytes>()));
    text.push('\n');
    // A ring that would be too long must not be written.
    ring_of(path, text.clone())?;
    let draft = path.with_extension(format!("draft-{}", hex::encode(rand::random::<[u8; 8]>())));
    write_private_text(&draft, &text).and_then(|()| std::fs::rename(&draft, path)).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(keys.len() + 1)
}

/// The key in the file, or `None` if there is no file.
fn read(path: &Path) -> Result<Option<KeyBytes>, KeyError> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    let key = Secret::new(text).key_bytes().ok();
    key.map(Some).ok_or_else(|| KeyError::Damaged { path: path.to_owned() })
}

/// The text of the file, or `None` if there is no file. A ring of 255 keys has less than 16 KiB.
fn read_text(path: &Path) -> Result<Option<String>, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    warn_if_others_can_read(path, &file);
    let mut bytes = Vec::new();
    file.take(16 << 10).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| KeyError::Damaged { path: path.to_owned() })?;
    Ok(Some(text))
}

/// Writes a new key beside the file and links it into place, which fails if somebody else was first; then theirs counts.
/// So a key file is never seen half written, not even after a power cut.
fn create(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let draft = path.with_extension(format!("draft-{}", hex::encode(rand::random::<[u8; 8]>())));
    let written = write_private(&draft).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = std::fs::remove_file(&draft);
    written?;
    removed?;
    File::open(folder)?.sync_all()
}

fn write_private(path: &Path) -> std::io::Result<()> {
    write_private_text(path, &format!("{}\n", STANDARD.encode(rand::random::<KeyBytes>())))
}

fn write_private_text(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn create_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A warning only: where secrets are mounted into a container, the owner often cannot choose the mode.
fn warn_if_others_can_read(path: &Path, file: &File) {
    #[cfg(unix)]
    if let Ok(metadata) = file.metadata()
        && std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "others can read this key file; chmod 600 it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let first = read_or_create(dir.path(), "token").unwrap();
        assert_eq!(read_or_create(dir.path(), "token").unwrap(), first);
        assert_ne!(read_or_create(dir.path(), "data").unwrap(), first);
        let names: Vec<_> =
            std::fs::read_dir(folder(dir.path())).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no draft is left: {names:?}");
    }

    #[test]
    fn a_ring_grows_at_its_end_and_stays_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let first = read_or_create_ring(dir.path(), "data").unwrap();
        let path = ring_path(dir.path(), "data");
        assert_eq!((first.len(), add_to_ring(&path).unwrap(), add_to_ring(&path).unwrap()), (1, 2, 3));
        let ring = read_or_create_ring(dir.path(), "data").unwrap();
        assert_eq!((ring.len(), ring[0]), (3, first[0]));
        assert!(ring.iter().all(Option::is_some) && ring[1] != ring[2]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder(dir.path())).unwrap().count(), 1, "no draft is left");

        let lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        std::fs::write(&path, format!("{}\n-\n{}\n", lines[0], lines[2])).unwrap();
        assert_eq!(read_ring(&path).unwrap(), [ring[0], None, ring[2]]);
        for bad in
            [format!("-\n{}", lines[0]), format!("{}\n-\n", lines[0]), "AAAA".to_owned(), String::new()]
        {
            std::fs::write(&path, &bad).unwrap();
            assert!(read_ring(&path).unwrap_err().to_string().contains("data.key"), "{bad}");
            assert!(add_to_ring(&path).is_err());
        }
        assert!(read_ring(&dir.path().join("none.key")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        read_or_create(dir.path(), "token").unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder(dir.path()).join("token.key")), 0o600);
        assert_eq!(mode(folder(dir.path())), 0o700);
    }

    #[test]
    fn starts_at_the_same_time_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let keys: Vec<KeyBytes> = std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..8).map(|_| scope.spawn(|| read_or_create(dir.path(), "data").unwrap())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder(dir.path())).unwrap();
        let path = folder(dir.path()).join("data.key");
        for text in ["", "short", "AAAA", "\u{e9}"] {
            std::fs::write(&path, text).unwrap();
            let error = read_or_create(dir.path(), "data").unwrap_err().to_string();
            assert!(error.contains("data.key") && error.contains("backup"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("keys"), "a file").unwrap();
        let error = read_or_create(dir.path(), "data").unwrap_err();
        assert!(matches!(error, KeyError::File { .. }), "{error}");
    }
}
