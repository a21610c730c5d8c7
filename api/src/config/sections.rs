//! Every setting: name, type, default, range and meaning.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Secret;
use super::table::section;

section! {
    /// The listener and its bounds.
    http as Http {
        /// Address and port to listen on; port 0 takes any free one.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        /// The address under which phones reach the server, such as `https://paizhao.example.cn`; used in links.
        public_url: Option<String> = None;
        /// Largest JSON body, in bytes. Photos have their own bound.
        body_limit_bytes: usize = 1 << 20, 1024 to 67_108_864;
        /// Threads that answer requests; 0 takes one for each core.
        workers: usize = 0, 0 to 1024;
        /// How long answers under way may take once the server takes no more requests, in seconds.
        drain_seconds: u64 = 10, 0 to 3600;
        /// How long a server that gets SIGTERM goes on serving while /readyz says that it is leaving, so that balancers
        /// can turn to another one, in seconds.
        drain_lead_seconds: u64 = 5, 0 to 300;
        /// How long a client may take to send the head of a request, in seconds.
        client_timeout_seconds: u64 = 15, 1 to 3600;
        /// How long a client may pause while it sends the body of a request, in seconds.
        body_timeout_seconds: u64 = 30, 1 to 3600;
        /// Longest address of a request with its query, in bytes.
        address_limit_bytes: usize = 8192, 1024 to 65_536;
        /// Pages of other origins that may call the API, such as `https://paizhao.example.cn`, separated by commas; without
        /// it, none.
        cors_origins: Option<String> = None;
        /// Whether to believe X-Forwarded-For; only behind a proxy that overwrites it.
        trust_forwarded_for: bool = false;
    }
}

section! {
    /// The data directory and the database.
    data as Data {
        /// The folder for the database, photos and keys; relative to the working directory.
        dir: PathBuf = PathBuf::from("suishoupai-data");
        /// The database, sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME; without it, DIR/suishoupai.db.
        database_url: Option<Secret> = None;
        /// Whether a server migrates the schema when it starts; without it, that is left to suishoupai migrate.
        migrate_at_start: bool = true;
        /// How long a server that starts waits for a database that is not there yet, in seconds.
        start_wait_seconds: u64 = 30, 0 to 3600;
        /// Connections to the database.
        pool_size: u32 = 8, 1 to 1024;
        /// How many waiting writes SQLite commits together; 1 commits each alone.
        group_commit_max: usize = 64, 1 to 1024;
    }
}

section! {
    /// Bounds on photos.
    photos as Photos {
        /// Largest photo, in bytes.
        max_bytes: u64 = 33_554_432, 65_536 to 1_073_741_824;
        /// Most pixels of a photo.
        max_pixels: u64 = 64_000_000, 65_536 to 1_000_000_000;
        /// Longest side of a photo, in pixels.
        max_side: u32 = 16_384, 256 to 65_535;
        /// Threads that make the public renditions; 0 takes one for each core.
        render_workers: usize = 0, 0 to 256;
        /// Memory that photos may take while renditions are made, in MiB. What needs more is rendered alone.
        render_memory_mib: u64 = 512, 16 to 1_048_576;
        /// How long the renditions of one photo may take, in seconds.
        render_seconds: u64 = 10, 1 to 600;
        /// Of how many photos near ones are found; each takes 32 bytes of memory, the oldest make room.
        near_most: usize = 12_000_000, 1000 to 100_000_000;
        /// How long the link to a rendition is good, in minutes.
        rendition_url_minutes: u32 = 60, 1 to 10_080;
    }
}

section! {
    /// Bounds on videos, and their posters.
    videos as Videos {
        /// Largest video, in bytes.
        max_bytes: u64 = 52_428_800, 65_536 to 1_073_741_824;
        /// Longest video, in seconds.
        max_seconds: u32 = 60, 1 to 600;
        /// The program ffmpeg, which makes a poster of the first frame; without it a placeholder is drawn.
        ffmpeg: Option<String> = None;
        /// How long ffmpeg may take for a poster, in seconds.
        poster_seconds: u64 = 10, 1 to 60;
    }
}

section! {
    /// Where photos are kept.
    store as Store {
        /// folder keeps them in DIR/photos, s3 in a bucket of any server that speaks S3.
        kind: StoreKind = StoreKind::Folder;
        /// The bucket; it must exist.
        bucket: Option<String> = None;
        /// The region of the bucket.
        region: String = "us-east-1".to_owned();
        /// The server, such as `https://minio.example.cn:9000`; without it, that of AWS for the region.
        endpoint: Option<String> = None;
        /// Whether the bucket stands in the path of an address; most servers other than AWS need it.
        path_style: bool = false;
        /// The access key; without it, AWS_ACCESS_KEY_ID, the profile file or the role of the machine.
        access_key: Option<Secret> = None;
        /// The secret that belongs to the access key.
        secret_key: Option<Secret> = None;
        /// stream sends photos through this server, redirect sends readers on to the bucket by signed addresses.
        reading: StoreReading = StoreReading::Stream;
        /// How long a signed address of the bucket is good, in minutes.
        redirect_minutes: u32 = 10, 1 to 1440;
        /// How long a client may take from announcing an upload to completing it, in minutes.
        upload_minutes: u32 = 15, 1 to 1440;
        /// How long the bucket may take to begin an answer, in seconds.
        try_timeout_seconds: u64 = 10, 1 to 300;
        /// How long all tries of one request to the bucket may take together, in seconds.
        total_timeout_seconds: u64 = 30, 1 to 3600;
    }
}

section! {
    /// Uploads that may be interrupted.
    uploads as Uploads {
        /// How long an unfinished upload is kept, in hours.
        keep_hours: u32 = 24, 1 to 720;
        /// Most unfinished uploads of one account.
        max_open: u32 = 20, 1 to 1000;
        /// Most bytes that the unfinished uploads of one account will have together.
        max_open_bytes: u64 = 536_870_912, 1_048_576 to 2_147_483_647;
    }
}

section! {
    /// Sign-in and keys.
    auth as Auth {
        /// How long an access token is good, in minutes; clients get the next one with their refresh token.
        token_minutes: u32 = 15, 1 to 10_080;
        /// How long a resident stays signed in on a device, in days.
        resident_days: u32 = 90, 1 to 3650;
        /// How long an official stays signed in on a device, in hours.
        official_hours: u32 = 24, 1 to 8760;
        /// How long a refresh token that was just exchanged is taken once more, of a client that lost the answer, in seconds.
        refresh_grace_seconds: u32 = 60, 0 to 3600;
        /// The roles that need a second factor, such as administrator,duty_chief; all, or none. Without it, administrator,
        /// but nobody in a demonstration.
        second_factor_roles: Option<String> = None;
        /// Failed sign-ins of officials from one address within 15 minutes after which further ones are refused.
        address_failures: u32 = 200, 1 to 1_000_000;
        /// Most codes that are sent to one phone within 24 hours.
        phone_codes_a_day: u32 = 10, 1 to 1000;
        /// Most codes that are asked for from one address within an hour; many residents may share one.
        address_codes_an_hour: u32 = 2000, 1 to 10_000_000;
        /// Most codes that are asked for within an hour from one device that says which it is.
        device_codes_an_hour: u32 = 20, 1 to 1_000_000;
        /// Wrong codes from one address within 15 minutes after which further ones are refused; many residents may share one.
        address_wrong_codes: u32 = 2000, 1 to 10_000_000;
        /// How long a code sent to a phone is good, in minutes.
        code_minutes: u32 = 5, 1 to 60;
        /// Wrong tries after which a code is dead.
        code_tries: u32 = 5, 1 to 20;
        /// Least time between two codes to one phone, in seconds.
        code_interval_seconds: u32 = 60, 1 to 3600;
        /// How codes are sent: log writes them to the log (trials only), none refuses sign-in by phone.
        code_sender: CodeSender = CodeSender::Log;
        /// Where the platform of the mini-program tells whose a code is, such as
        /// `https://api.weixin.qq.com/sns/jscode2session`; without it, nobody signs in by one.
        mini_program_url: Option<String> = None;
        /// The mini-program's name at its platform.
        mini_program_id: Option<String> = None;
        /// The secret that belongs to it.
        mini_program_secret: Option<Secret> = None;
        /// The identity provider at which officials may sign in (OpenID Connect), such as `https://sso.example.cn`; without it,
        /// nobody signs in by one.
        oidc_issuer: Option<String> = None;
        /// The name by which the provider knows this server.
        oidc_client_id: Option<String> = None;
        /// The secret that belongs to it; a provider may do without one.
        oidc_client_secret: Option<Secret> = None;
        /// The page to which the provider sends the browser back, as it is registered there.
        oidc_redirect_url: Option<String> = None;
        /// What the provider is asked for, separated by blanks.
        oidc_scopes: String = "openid profile".to_owned();
        /// The claim that holds the sign-in name by which an official is found the first time. Nobody may be able to choose it
        /// at the provider.
        oidc_login_claim: String = "preferred_username".to_owned();
        /// The key that signs access tokens, 32 bytes in base64; without it, DIR/keys/token.key is made.
        token_key: Option<Secret> = None;
        /// More keys whose access tokens are good, separated by commas: the last one, and the next one before it signs.
        token_keys_also: Option<Secret> = None;
        /// The key ring that seals personal data: keys of 32 bytes in base64, oldest first, between commas; without it, that
        /// of auth.data_key_file.
        data_key: Option<Secret> = None;
        /// The file of the key ring that seals personal data, one key on a line, oldest first; without it, DIR/keys/data.key,
        /// which is made.
        data_key_file: Option<String> = None;
        /// Which key of the ring seals, from 1 for the oldest; 0 is the newest. Where several processes get a new key one after
        /// the other, it stays at the old one until all of them have it.
        data_key_seals: u32 = 0, 0 to 255;
        /// The key that signs packages of evidence, 32 bytes in base64; without it, DIR/keys/evidence.key is made.
        evidence_key: Option<Secret> = None;
    }
}

section! {
    /// Reports of residents.
    reports as Reports {
        /// How far outside its grid cells a district still takes a report, in metres.
        reach_m: f64 = 200.0, 0 to 5000;
        /// For how many days after closing a reporter may say that it is not fixed.
        not_fixed_days: u32 = 7, 1 to 365;
        /// Most reports that one person sends within an hour; keys of other systems are not counted.
        account_reports_an_hour: u32 = 600, 1 to 1_000_000_000;
        /// Most photos of one report.
        max_photos: u32 = 9, 1 to 50;
        /// How long the first answer to an Idempotency-Key is kept, in hours.
        idempotency_hours: u32 = 24, 1 to 720;
        /// How many reports that come in at the same time share a transaction at the most. Larger ones share a way to the disk
        /// among more, but whoever comes while one is being written waits for all of it. 0 takes what suits the database.
        group_max: usize = 0, 0 to 1024;
        /// How many such transactions there are at the same time; more than one where database and servers have cores to spare.
        groups_at_once: u32 = 1, 1 to 64;
    }
}

section! {
    /// Reports that are suspected of being no reports, and that the centre looks at first.
    spam as Spam {
        /// Whether texts are held that are nothing but links, advertising or nothing that could be read.
        texts: bool = true;
        /// The same text of one person so many times is held; 0 holds none.
        same_text: u32 = 10, 0 to 1000;
        /// Within how many hours.
        same_text_hours: u32 = 24, 1 to 168;
        /// A picture that is in so many tickets of others is held; 0 holds none.
        photo_tickets: u32 = 3, 0 to 32;
        /// After so many reports of a person that were refused as false or as spam, further ones are held; 0 holds none.
        false_reports: u32 = 3, 0 to 1000;
        /// Within how many days.
        false_days: u32 = 30, 1 to 3650;
    }
}

section! {
    /// Personal data: how long it is shown and kept.
    privacy as Privacy {
        /// Days after the end of a ticket from which on nobody is shown who reported it, nor can have it revealed.
        close_off_days: u32 = 180, 1 to 36_500;
        /// Days after the end of a ticket from which on the personal data of its reports are removed.
        anonymise_days: u32 = 1095, 1 to 36_500;
        /// Days for which the audit trail keeps addresses and reasons; its lines are kept for ever.
        audit_days: u32 = 1095, 180 to 36_500;
        /// Days for which what a resident asked to be exported can be fetched.
        export_days: u32 = 7, 1 to 90;
        /// Decimals of degrees to which places are rounded for whoever is not signed in; 3 are about 100 m.
        public_decimals: u32 = 3, 0 to 7;
        /// Whether the map is shown to whoever is not signed in: numbers by squares, without anything that is kept from the
        /// public.
        public_map: bool = true;
        /// The version of the notice on personal data that reporters agree to, such as 2026-11; a report that names
        /// another one is refused. Without it, what reports name is only stored.
        consent_version: Option<String> = None;
    }
}

section! {
    /// Claims of grid workers.
    claims as Claims {
        /// How long a claimed ticket stays with the claimer without any progress, in minutes.
        lease_minutes: u32 = 30, 1 to 1440;
    }
}

section! {
    /// What is logged, and how.
    log as Log {
        /// A level (error, warn, info, debug, trace), or filters such as info,suishoupai_api=debug.
        level: String = "info".to_owned();
        /// text for people, json for machines.
        format: LogFormat = LogFormat::Text;
    }
}

section! {
    /// Counts for Prometheus.
    metrics as Metrics {
        /// Address and port on which GET /metrics answers, such as 127.0.0.1:9090; without it, nowhere. Keep it private.
        listen: Option<SocketAddr> = None;
        /// How old the counts of tickets and jobs, which are made in the database, may be, in seconds.
        refresh_seconds: u64 = 30, 0 to 3600;
    }
}

section! {
    /// Traces for OpenTelemetry.
    telemetry as Telemetry {
        /// The collector, such as `http://127.0.0.1:4318`; without it, no traces are sent.
        otlp_endpoint: Option<String> = None;
        /// Which share of the requests is traced that no caller has decided about.
        sample_share: f64 = 1.0, 0 to 1;
        /// The name of this server in the traces.
        service_name: String = "suishoupai".to_owned();
    }
}

section! {
    /// Background jobs.
    jobs as Jobs {
        /// How often to look for jobs that are due and for changes by other processes, in milliseconds.
        poll_milliseconds: u64 = 500, 10 to 60_000;
        /// How long a process holds a job before another may take it over, in seconds; renewed while it runs.
        lease_seconds: u64 = 60, 5 to 3600;
        /// Tries after which a failing job is set aside.
        max_attempts: u32 = 8, 1 to 100;
    }
}

section! {
    /// Streams of changes.
    live as Live {
        /// Most streams that one process keeps open.
        connections: usize = 10_000, 1 to 1_000_000;
        /// Most streams of one account.
        per_account: usize = 8, 1 to 1_000_000;
        /// How often an idle stream says that it is there, in seconds.
        heartbeat_seconds: u64 = 20, 1 to 300;
        /// How long changes of other processes may take to be seen where nobody tells of them, in milliseconds.
        poll_milliseconds: u64 = 500, 10 to 60_000;
        /// For how long a client that was away can read on without a gap, in hours.
        keep_hours: u32 = 72, 1 to 720;
    }
}

/// What kind of place keeps the photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A folder of this machine.
    Folder,
    /// A bucket of S3.
    S3,
}

/// How readers get the bytes of photos from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreReading {
    /// Through this server.
    Stream,
    /// From the bucket, by a signed address.
    Redirect,
}

/// How the codes for sign-in by phone are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeSender {
    /// Written to the server's log; for trials.
    Log,
    /// Not at all: sign-in by phone is refused.
    None,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

/// A database address whose engine is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The path of an SQLite file.
    Sqlite(PathBuf),
    /// The whole address of a PostgreSQL database; holds a password.
    Postgres(Secret),
}
