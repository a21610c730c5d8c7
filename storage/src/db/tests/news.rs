//! What one process tells the others, on PostgreSQL.

use std::sync::mpsc::channel;
use std::time::Duration;

use super::engine::Engine;
use crate::db::news::{News, listen, tell};
use crate::db::{Conn, DbError};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_change_is_heard_and_no_other() {
    let engine = Engine::postgres();
    let (said, heard) = channel();
    let listener = listen(&engine.target(), move |news| said.send(news).unwrap_or_default()).unwrap();
    assert_eq!(
        heard.recv_timeout(PATIENCE),
        Ok(News::Reference),
        "at first, as anything may have been missed"
    );
    let db = engine.db();
    let undone = |conn: &mut Conn| {
        tell(conn, News::Reference)?;
        Err::<(), _>(DbError::Corrupt("refused".to_owned()))
    };
    assert!(db.write(undone).await.is_err());
    db.write(|conn| tell(conn, News::Jobs)).await.unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(News::Jobs));
    drop(listener);
    // The thread ends, and with it what it tells.
    assert!(
        heard.recv_timeout(PATIENCE).is_err_and(|end| end == std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn nobody_tells_anything_on_sqlite() {
    assert!(listen(&Engine::sqlite().target(), |_| ()).unwrap().is_none());
}
