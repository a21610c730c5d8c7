//! 密钥轮换: what older keys have sealed is sealed with the present one.

use suishoupai_core::audit::AuditKind;
use suishoupai_storage::db::audit as audit_rows;
use suishoupai_storage::db::privacy::{self, COLUMNS, Resealed, Run};

use super::done;
use crate::audit;
use crate::fail::Fail;
use crate::services::Services;

pub(super) async fn carry_out(services: &Services, run: Run) -> Result<(), Fail> {
    let mut seen = Resealed::default();
    for column in 0..COLUMNS {
        let mut after = Some(i64::MIN);
        while let Some(last) = after {
            let (sealer, so_far) = (services.sealer.clone(), seen);
            (after, seen) = services
                .db
                .write(move |conn| {
                    let mut seen = so_far;
                    let after = privacy::reseal_page(conn, &sealer, column, last, &mut seen)?;
                    Ok::<_, Fail>((after, seen))
                })
                .await?;
        }
    }
    let now = services.now();
    let line = audit::entry(AuditKind::KeyRotation, super::super::trail::first_district(services), now);
    let line = audit::with(line, "key", services.sealer.version());
    let line = audit::with(line, "values", seen.values);
    let line = audit::with(line, "unreadable", seen.unreadable);
    let finished = done(run, now, &[("values", seen.values), ("unreadable", seen.unreadable)]);
    tracing::info!(values = seen.values, unreadable = seen.unreadable, "sealed anew with the present key");
    services
        .db
        .write(move |conn| {
            privacy::finish(conn, &finished)?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(())
        })
        .await
}
