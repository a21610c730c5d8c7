//! The programs of PostgreSQL: found, and run without a password on their command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::password;
use crate::db::error::DbError;

/// Folders, one for each version, in which distributions put the programs.
const FOLDERS: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];
/// How much of what a program complained is told, in bytes: its end, where the reason stands.
const COMPLAINT: usize = 2000;

/// The program of the lowest version that is not older than the server: an older one refuses to work, and a much newer
/// one may say things that the server does not know.
///
/// # Errors
/// [`DbError::Refused`] where there is none.
pub(super) fn find(name: &str, server: u32) -> Result<PathBuf, DbError> {
    let found: Vec<(u32, PathBuf)> = folders()
        .map(|folder| folder.join(name))
        .filter_map(|program| Some((version(&program)?, program)))
        .collect();
    choose(name, server, found)
}

fn choose(name: &str, server: u32, found: Vec<(u32, PathBuf)>) -> Result<PathBuf, DbError> {
    let newest = found.iter().map(|(version, _)| *version).max();
    let fit = found.into_iter().filter(|(version, _)| *version >= server).min_by_key(|(version, _)| *version);
    fit.map(|(_, program)| program).ok_or_else(|| {
        let how = newest.map_or("was not found".to_owned(), |version| format!("is of version {version}"));
        DbError::Refused(format!(
            "the server is PostgreSQL {server}, and {name} {how}; install its client programs (on Debian: \
             postgresql-client-{server}) so that {name} is in PATH or /usr/lib/postgresql/{server}/bin"
        ))
    })
}

/// The folders of PATH first.
fn folders() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versioned = FOLDERS.iter().flat_map(|(above, prefix)| {
        let entries = std::fs::read_dir(above).into_iter().flatten().filter_map(Result::ok);
        let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        names.map(|entry| entry.path().join("bin")).collect::<Vec<_>>()
    });
    in_path.into_iter().chain(versioned)
}

/// The major version that a program says it has; none where it cannot be run.
fn version(program: &Path) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in a line such as `pg_dump (PostgreSQL) 17.2 (Debian 17.2-1)`.
fn major(line: &str) -> Option<u32> {
    let word = line.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let digits = word.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Runs a program on the database of a URL and waits for its end.
///
/// # Errors
/// [`DbError::Refused`] with the end of what it complained.
pub(super) fn run(program: &Path, url: &str, options: &[&str], last: &[&OsStr]) -> Result<(), DbError> {
    let (url, password) = password::apart(url);
    let mut command = Command::new(program);
    command.args(options).args(["--no-password", "--dbname", &url]).args(last);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let failed = |why: &str| DbError::Refused(format!("{} failed: {why}", program.display()));
    let output = command.output().map_err(|error| failed(&error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let start = output.stderr.len().saturating_sub(COMPLAINT);
    let complaint = String::from_utf8_lossy(output.stderr.get(start..).unwrap_or_default()).into_owned();
    Err(failed(complaint.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("pg_restore (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("command not found"), None);
    }

    #[test]
    fn the_closest_version_that_is_not_older_is_taken() {
        let all = || [13, 17, 15, 16].map(|version| (version, PathBuf::from(format!("/{version}")))).to_vec();
        assert_eq!(choose("pg_dump", 15, all()).unwrap(), Path::new("/15"));
        assert_eq!(choose("pg_dump", 14, all()).unwrap(), Path::new("/15"));
        let older = choose("pg_dump", 18, all()).unwrap_err().to_string();
        assert!(older.contains("is of version 17") && older.contains("postgresql-client-18"), "{older}");
        let none = choose("pg_dump", 18, Vec::new()).unwrap_err().to_string();
        assert!(none.contains("was not found"), "{none}");
    }

    #[test]
    fn a_failing_program_is_told_with_its_reason_and_without_the_password() {
        let error =
            run("/bin/sh".as_ref(), "postgres://u:hunter2@h/d", &["-c", "echo no $0 >&2; exit 1"], &[]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("/bin/sh failed: no ") && !error.contains("hunter2"), "{error}");
        let error = run("/nonexistent/pg_dump".as_ref(), "postgres://h/d", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/pg_dump failed"), "{error}");
    }
}
