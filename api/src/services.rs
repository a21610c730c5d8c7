//! What every handler and job works with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::{Db, reference};
use suishoupai_storage::picture::{Limits, Pool};
use suishoupai_storage::seal::Sealer;
use suishoupai_storage::store::PhotoStore;
use suishoupai_storage::video::VideoLimits;

use crate::audit::Trail;
use crate::callers::Callers;
use crate::clock::Clock;
use crate::config::Config;
use crate::fail::Fail;
use crate::http::leaving::Leaving;
use crate::jobs::Held;
use crate::links::LinkSigner;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::password::Passwords;
use crate::registry::Registry;
use crate::service::orphans::Walk;
use crate::service::photos::LookedAt;
use crate::service::pictures::{Lookups, Pictures};
use crate::service::readiness::StoreAnswer;
use crate::service::reports::{Group, Pace, Repeats};
use crate::service::sign_in::sso::Provider;
use crate::together::Turns;
use crate::token::TokenKeys;

/// The parts of a running server; cheap to clone.
#[derive(Clone)]
pub struct Services {
    parts: Arc<Parts>,
}

/// The parts themselves.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// Where photos are.
    pub store: PhotoStore,
    /// Reference data, swapped whole.
    pub registry: ArcSwap<Registry>,
    /// Keys of access tokens.
    pub tokens: TokenKeys,
    /// Password hashing, bounded.
    pub passwords: Passwords,
    /// Signed links to renditions.
    pub links: LinkSigner,
    /// Personal data at rest.
    pub sealer: Sealer,
    /// What the identity provider has published of itself.
    pub sso: Provider,
    /// Where what is done together takes its turns.
    pub turns: Turns,
    /// Accounts of callers that are read together.
    pub callers: Callers,
    /// Reports that are written together.
    pub intake: Group,
    /// How many reports accounts have sent lately.
    pub pace: Pace,
    /// What accounts have sent lately.
    pub repeats: Repeats,
    /// Lines of the audit trail that are written together.
    pub trail: Trail,
    /// Requests whose pictures are looked up together.
    pub lookups: Lookups,
    /// What was found when photos were uploaded that wait for their renditions.
    pub looked_at: LookedAt,
    /// Makes the renditions of photos, within bounds.
    pub renderer: Pool,
    /// What near pictures are found in.
    pub pictures: Pictures,
    /// How far the walk for orphans in the photo store has come.
    pub orphans: Walk,
    /// What the photo store said when it was last asked whether it is there.
    pub store_answer: StoreAnswer,
    /// Whether the server is about to stop.
    pub leaving: Leaving,
    /// Who follows changes of tickets.
    pub live: Live,
    /// What the server counts of itself.
    pub metrics: Metrics,
    /// Woken when a job has been put in the queue.
    pub jobs_waiting: tokio::sync::Notify,
    /// Woken when another process may have changed the reference data.
    pub reference_changed: tokio::sync::Notify,
    /// The jobs that this process holds.
    pub held: Held,
    /// Held while the reference data is read again, so that nobody puts an older one in place of a newer one.
    pub refreshing: tokio::sync::Mutex<()>,
}

impl std::ops::Deref for Services {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Services {
    /// Wraps the parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// The present instant.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The reference data as of now.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.load_full()
    }

    /// What is accepted as a photo.
    pub fn photo_limits(&self) -> Limits {
        self.config.photos.limits()
    }

    /// What is accepted as a video.
    pub fn video_limits(&self) -> VideoLimits {
        let videos = &self.config.videos;
        VideoLimits::new(videos.max_bytes, u64::from(videos.max_seconds))
    }

    /// The longest file that is accepted as anything, bytes.
    pub fn upload_limit(&self) -> u64 {
        self.config.photos.max_bytes.max(self.config.videos.max_bytes)
    }

    /// Reads the reference data again if it has changed since.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh_registry(&self) -> Result<bool, Fail> {
        let _alone = self.refreshing.lock().await;
        let revision = self.db.read(reference::revision).await?;
        if revision == self.registry.load().revision {
            return Ok(false);
        }
        let data = self.db.read(reference::load).await?;
        let config = self.config.clone();
        // Building the mesh of a whole city takes a while; requests go on with the old one meanwhile.
        let fresh = tokio::task::spawn_blocking(move || Registry::build(data, &config))
            .await
            .map_err(|error| Fail::internal(&error))?
            .map_err(|error| Fail::internal(&error))?;
        self.registry.store(Arc::new(fresh));
        Ok(true)
    }
}
