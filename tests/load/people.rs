//! Who sends requests: residents with photos already up, and officials.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::try_join_all;
use hyper::body::Bytes;
use serde_json::{Value, json};
use suishoupai_api::demo;
use suishoupai_core::geo::LonLat;

use crate::client::{Answer, Client};
use crate::fault::{Fault, Outcome, fault};
use crate::server::Server;

/// Photos of each resident.
const PHOTOS: u8 = 2;
/// Renditions of small pictures take milliseconds; this only bounds the waiting.
const RENDERED: Duration = Duration::from_secs(60);

pub(crate) struct Resident {
    pub(crate) client: Client,
    /// Those that are up; each report names the next two.
    pub(crate) photos: Vec<i64>,
    sent: u64,
}

impl Resident {
    /// The same resident at another server, with these photos.
    pub(crate) async fn at(&self, address: SocketAddr, photos: Vec<i64>) -> Outcome<Self> {
        Ok(Self { client: self.client.at(address).await?, photos, sent: self.sent })
    }

    /// Uploads a photo that nobody has sent before; says nothing of its rendition.
    pub(crate) async fn photograph(&mut self, number: u32) -> Outcome<()> {
        let answer = self.client.upload("/api/v1/photos", numbered_picture(number)?).await?;
        answer.expect(201).map(drop)
    }

    /// A report at the demonstration's point, different each time; what the server answers.
    pub(crate) async fn report(&mut self, with_photos: bool) -> Outcome<Value> {
        self.send(with_photos).await?.expect(201)
    }

    /// As [`Resident::report`], where only the status of the answer is looked at: the client takes no more of the
    /// processors than it must.
    pub(crate) async fn reported(&mut self, with_photos: bool) -> Outcome<bool> {
        Ok(self.send(with_photos).await?.status == 201)
    }

    async fn send(&mut self, with_photos: bool) -> Outcome<Answer> {
        let pair = usize::from(PHOTOS);
        let first = pair * (usize::try_from(self.sent)? % self.photos.len().div_ceil(pair).max(1));
        let photos = self.photos.iter().skip(first).take(if with_photos { pair } else { 0 });
        let photos: Vec<String> = photos.map(i64::to_string).collect();
        self.sent += 1;
        let LonLat { lon, lat } = demo::POINT;
        let body = format!(
            "{{\"text\":\"路面破损，雨天积水，请尽快修补。第 {} 次\",\"place\":{{\"lon\":{lon},\"lat\":{lat},\"datum\":\"wgs84\"}},\
             \"address\":\"鸿山社区路口\",\"photo_ids\":[{}]}}",
            self.sent,
            photos.join(","),
        );
        self.client.post_json("/api/v1/reports", body).await
    }
}

fn token(session: &Value) -> Outcome<&str> {
    session["access_token"].as_str().ok_or_else(|| fault("a session has no access_token"))
}

/// A token of an account of the demonstration.
pub(crate) async fn official(server: &Server, name: &str) -> Outcome<String> {
    let mut client = Client::connect(server.address, None).await?;
    let body = json!({ "name": name, "password": demo::PASSWORD });
    let session = client.post("/api/v1/auth/password", &body).await?.expect(200)?;
    Ok(token(&session)?.to_owned())
}

/// So many residents, each with a connection, signed in by the codes in the server's log.
pub(crate) async fn residents(
    server: &mut Server,
    count: usize,
    with_photos: bool,
) -> Outcome<Vec<Resident>> {
    let mut all = Vec::with_capacity(count);
    for n in 0..count {
        let phone = format!("139{n:08}");
        let mut client = Client::connect(server.address, None).await?;
        client.post("/api/v1/auth/codes", &json!({ "phone": phone })).await?.expect(202)?;
        let code = tokio::time::timeout(Duration::from_secs(5), server.codes.recv()).await;
        let code = code.ok().flatten().ok_or_else(|| fault("the code is not in the server's log"))?;
        let session = client.post("/api/v1/auth/phone", &json!({ "phone": phone, "code": code })).await?;
        let session = session.expect(200)?;
        let mut client = Client::connect(server.address, Some(token(&session)?)).await?;
        let mut photos = Vec::new();
        for shade in (0..PHOTOS).filter(|_| with_photos) {
            let answer = client.upload("/api/v1/photos", picture(shade)?).await?.expect(201)?;
            photos.extend(answer["id"].as_i64());
        }
        all.push(Resident { client, photos, sent: 0 });
    }
    idle(server).await?;
    Ok(all)
}

/// Waits until no job is left, so that none runs beside what is measured.
pub(crate) async fn idle(server: &Server) -> Outcome<()> {
    idle_within(server, RENDERED).await
}

/// As [`idle`], where there may be much to do.
pub(crate) async fn idle_within(server: &Server, patience: Duration) -> Outcome<()> {
    let begun = std::time::Instant::now();
    let mut client = Client::connect(server.address, None).await?;
    while begun.elapsed() < patience {
        if client.get("/readyz").await?.json()?["jobs_waiting"].as_i64() == Some(0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(fault("jobs were left undone"))
}

/// A small grey PNG.
fn picture(shade: u8) -> Outcome<Bytes> {
    png(&[shade; 64 * 48])
}

/// A small PNG with a number in its first pixels.
pub(crate) fn numbered_picture(number: u32) -> Outcome<Bytes> {
    let mut pixels = [90; 64 * 48];
    pixels[..4].copy_from_slice(&number.to_be_bytes());
    png(&pixels)
}

fn png(pixels: &[u8]) -> Outcome<Bytes> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, 64, 48);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.set_depth(::png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes.into())
}

/// Sends `count` reports, shared among the residents, and gives the keys of their tickets.
pub(crate) async fn fill(residents: &mut [Resident], count: usize) -> Outcome<Vec<i64>> {
    let everybody = residents.len().max(1);
    let shares = residents.iter_mut().enumerate().map(|(n, resident)| async move {
        let mut tickets = Vec::new();
        for _ in (n..count).step_by(everybody) {
            let created = resident.report(false).await?;
            tickets.push(created["ticket_id"].as_i64().ok_or_else(|| fault("a receipt has no ticket_id"))?);
        }
        Ok::<_, Fault>(tickets)
    });
    let mut tickets = try_join_all(shares).await?.concat();
    tickets.sort_unstable();
    Ok(tickets)
}
