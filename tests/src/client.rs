//! Clients by role, over HTTP.

use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use reqwest::blocking::{Body, Client, RequestBuilder};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use suishoupai_api::demo::{PASSWORD, POINT};

use crate::{codes, spoken};

/// No connection is kept, so that a server which stops need not wait for one.
pub(crate) static HTTP: LazyLock<Client> = LazyLock::new(|| {
    let builder = Client::builder().pool_max_idle_per_host(0).no_proxy().redirect(Policy::none());
    builder.timeout(Duration::from_secs(60)).build().unwrap()
});

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// What was asked, for the words of a failed test.
    pub(crate) asked: String,
    /// The status.
    pub status: u16,
    /// The head.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of an answer that must have this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self.json()
    }

    /// The problem that the answer must be: its status, code and form.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}, expected {code}: {}", self.asked, self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}: {problem}", self.asked);
        assert_eq!(problem["status"], status, "{}: {problem}", self.asked);
        assert!(!problem["title"].as_str().unwrap().is_empty(), "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem}");
        problem
    }
}

/// Somebody who calls the server.
#[derive(Clone, Debug)]
pub struct Caller {
    base: String,
    token: Option<String>,
    lang: &'static str,
}

/// Somebody who is not signed in.
pub fn caller(base: &str) -> Caller {
    Caller { base: base.to_owned(), token: None, lang: "zh-CN" }
}

impl Caller {
    /// The same caller who prefers English.
    pub fn in_english(&self) -> Self {
        Self { lang: "en", ..self.clone() }
    }

    /// The same caller with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller at another server of the installation.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A request, to be completed and given to [`send`](Self::send). A path without `/` before it is one of the API; a
    /// whole address is that of somebody else, who is not told the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        if path.starts_with("http://") {
            return HTTP.request(method, path);
        }
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.base),
            None => format!("{}/api/v1/{path}", self.base),
        };
        let request = HTTP.request(method, url).header("accept-language", self.lang);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A request by the protocol tus.
    pub fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("tus-resumable", "1.0.0")
    }

    /// Creates a resumable upload of so many bytes; the answer, whatever it is.
    pub fn try_create(&self, length: usize, metadata: &str) -> Reply {
        let request = self.tus(Method::POST, "uploads").header("upload-length", length);
        Self::send(if metadata.is_empty() { request } else { request.header("upload-metadata", metadata) })
    }

    /// Creates a resumable upload of so many bytes; its path.
    pub fn create(&self, length: usize, metadata: &str) -> String {
        let reply = self.try_create(length, metadata);
        assert_eq!((reply.status, reply.body.len()), (201, 0), "{}", reply.text());
        reply.header("location").to_owned()
    }

    /// Sends bytes of a resumable upload; the answer, whatever it is.
    pub fn try_append(&self, path: &str, offset: usize, bytes: &[u8]) -> Reply {
        let request = self.tus(Method::PATCH, path).header("upload-offset", offset);
        Self::send(request.header("content-type", "application/offset+octet-stream").body(bytes.to_vec()))
    }

    /// Sends bytes of a resumable upload, which must be taken; the answer.
    pub fn append(&self, path: &str, offset: usize, bytes: &[u8]) -> Reply {
        let reply = self.try_append(path, offset, bytes);
        assert_eq!(reply.status, 204, "{}", reply.text());
        assert_eq!(reply.header("upload-offset"), (offset + bytes.len()).to_string());
        reply
    }

    /// How many bytes of a resumable upload the server has.
    pub fn offset(&self, path: &str) -> usize {
        let reply = Self::send(self.tus(Method::HEAD, path));
        assert_eq!(reply.status, 200, "HEAD {path}");
        reply.header("upload-offset").parse().unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub fn send(request: RequestBuilder) -> Reply {
        Self::try_send(request).unwrap_or_else(|words| panic!("{words}"))
    }

    /// Sends a request to a server that may be killed before it has answered.
    ///
    /// # Errors
    /// In words, where no whole answer comes.
    pub fn try_send(request: RequestBuilder) -> Result<Reply, String> {
        let request = request.build().unwrap();
        let asked = format!("{} {}", request.method(), request.url());
        let authorization = request.headers().get("authorization").map(HeaderValue::as_bytes);
        spoken::told(authorization, request.body().and_then(Body::as_bytes).unwrap_or_default());
        let failed = |error: reqwest::Error| format!("{asked}: {error:?}");
        let answer = HTTP.execute(request).map_err(failed)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        // A stream of events has no end; its head is the answer.
        let is_stream = headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let body = if is_stream { Vec::new() } else { answer.bytes().map_err(failed)?.to_vec() };
        spoken::told(None, &body);
        Ok(Reply { asked, status, headers, body })
    }

    /// GET
    pub fn get(&self, path: &str) -> Reply {
        Self::send(self.request(Method::GET, path))
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        Self::send(self.request(Method::POST, path).json(body))
    }

    /// POST of bytes.
    pub fn post_bytes(&self, path: &str, media_type: &str, bytes: &[u8]) -> Reply {
        let request = self.request(Method::POST, path).header("content-type", media_type);
        Self::send(request.body(bytes.to_vec()))
    }

    /// Announces a photo to be sent straight to the store; the answer, whatever it is.
    pub fn try_announce(&self, media_type: &str, bytes: &[u8]) -> Reply {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let body = json!({ "media_type": media_type, "bytes": bytes.len(), "sha256": sha256 });
        self.post("photos/uploads", &body)
    }

    /// Posts the form of an announced upload with these bytes; the answer, whoever gives it.
    pub fn send_form(&self, upload: &Value, bytes: &[u8]) -> Reply {
        let mut form = Form::new();
        for (name, value) in upload["fields"].as_object().unwrap() {
            form = form.text(name.clone(), value.as_str().unwrap().to_owned());
        }
        let file = Part::bytes(bytes.to_vec()).file_name("photo");
        let form = form.part(upload["file_field"].as_str().unwrap().to_owned(), file);
        let nobody = Self { token: None, ..self.clone() };
        Self::send(nobody.request(Method::POST, upload["url"].as_str().unwrap()).multipart(form))
    }

    /// Completes an announced upload; the answer, whatever it is.
    pub fn complete(&self, upload: &Value) -> Reply {
        Self::send(self.request(Method::POST, &format!("photos/uploads/{}/complete", upload["id"])))
    }

    /// Uploads a photo; its key.
    pub fn upload(&self, bytes: &[u8]) -> i64 {
        let reply = self.post_bytes("photos", "image/jpeg", bytes);
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        reply.json()["id"].as_i64().unwrap()
    }

    /// Uploads a small photo of its own; its key.
    pub fn upload_any(&self) -> i64 {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shade = NEXT.fetch_add(1, Ordering::Relaxed);
        // A scenery of its own: what several people send is suspected.
        self.upload(&crate::pictures::jpeg_taken((32 + shade % 64, 24 + shade / 64), None, None))
    }
}

/// 居民
#[derive(Clone, Debug)]
pub struct Resident {
    caller: Caller,
    /// The mobile number.
    pub phone: String,
}

impl Deref for Resident {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// A number that no other test signs in with: codes are told by the last four digits alone.
pub fn new_phone() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("1390592{:04}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Resident {
    /// A new phone, signed in by the code that was sent to it.
    pub fn sign_in(base: &str) -> Self {
        let phone = new_phone();
        let nobody = caller(base);
        nobody.post("auth/codes", &json!({ "phone": phone })).expect(202);
        let code = codes::wait_for(&phone);
        let session = nobody.post("auth/phone", &json!({ "phone": phone, "code": code })).expect(200);
        Self { caller: nobody.with_token(session["access_token"].as_str().unwrap()), phone }
    }

    /// The body of a report in the grid of `grid1`.
    pub fn draft(text: &str) -> Value {
        let place = json!({ "lon": POINT.lon, "lat": POINT.lat, "datum": "wgs84" });
        json!({ "text": text, "place": place })
    }

    /// Sends a report from the grid of `grid1`.
    pub fn report(&self, text: &str) -> Value {
        self.post("reports", &Self::draft(text)).expect(201)
    }

    /// Sends a report from another place, WGS-84.
    pub fn report_at(&self, text: &str, (lon, lat): (f64, f64)) -> Value {
        let mut draft = Self::draft(text);
        draft["place"] = json!({ "lon": lon, "lat": lat, "datum": "wgs84" });
        self.post("reports", &draft).expect(201)
    }

    /// An own report as it stands.
    pub fn own(&self, report: &Value) -> Value {
        self.get(&format!("reports/{}", report["id"])).expect(200)
    }

    /// Says something about an own report.
    pub fn say(&self, report: &Value, what: &str, body: &Value) -> Reply {
        self.post(&format!("reports/{}/{what}", report["id"]), body)
    }
}

/// Somebody with a post in the district.
#[derive(Clone, Debug)]
pub struct Official {
    caller: Caller,
}

impl Deref for Official {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Official {
    /// Signs in with the password of the demonstration.
    pub fn sign_in(base: &str, login: &str) -> Self {
        let nobody = caller(base);
        let body = json!({ "name": login, "password": PASSWORD });
        let session = nobody.post("auth/password", &body).expect(200);
        Self { caller: nobody.with_token(session["access_token"].as_str().unwrap()) }
    }

    /// Somebody who has a token already.
    pub(crate) fn with_token(base: &str, token: &str) -> Self {
        Self { caller: caller(base).with_token(token) }
    }

    /// A ticket as it stands.
    pub fn ticket(&self, id: i64) -> Value {
        self.get(&format!("tickets/{id}")).expect(200)
    }

    /// Gives a command with the version of the moment; the answer, whatever it is.
    pub fn try_command(&self, ticket: i64, verb: &str, body: Value) -> Reply {
        let mut body = body;
        body["version"] = self.ticket(ticket)["version"].clone();
        self.post(&format!("tickets/{ticket}/{verb}"), &body)
    }

    /// Gives a command that must succeed; the ticket afterwards.
    pub fn command(&self, ticket: i64, verb: &str, body: Value) -> Value {
        self.try_command(ticket, verb, body).expect(200)
    }

    /// Claims a ticket and files it.
    pub fn claim_and_file(&self, ticket: i64, category: &str) -> Value {
        self.command(ticket, "claim", json!({}));
        self.command(ticket, "file", json!({ "category": category }))
    }

    /// Checks a result from elsewhere, with a photo and a reason for it; the answer, whatever it is.
    pub fn try_check(&self, ticket: i64, verb: &str, body: Value) -> Reply {
        let mut body = body;
        body["photo_ids"] = json!([self.upload_any()]);
        body["off_spot_reason"] = json!("视频核查");
        self.try_command(ticket, verb, body)
    }

    /// Closes after a check from elsewhere; the ticket afterwards.
    pub fn close(&self, ticket: i64) -> Value {
        self.try_check(ticket, "close", json!({})).expect(200)
    }

    /// Sends back after a check from elsewhere; the ticket afterwards.
    pub fn rework(&self, ticket: i64, reason: &str) -> Value {
        self.try_check(ticket, "rework", json!({ "reason": reason })).expect(200)
    }

    /// Finishes with a photo taken afterwards.
    pub fn finish(&self, ticket: i64, answer: &str) -> Value {
        let photo = self.upload_any();
        self.command(ticket, "finish", json!({ "answer": answer, "photo_ids": [photo] }))
    }
}
