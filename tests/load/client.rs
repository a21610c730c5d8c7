//! One keep-alive connection to the server, over which one request follows another.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::fault::{Outcome, fault};

/// An answer that takes longer counts as an error.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    address: SocketAddr,
    /// What each request says of where it goes.
    host: HeaderValue,
    token: Option<String>,
    /// The same as each request says it.
    bearer: Option<HeaderValue>,
    sender: SendRequest<Parts>,
}

/// A body of several parts, one after the other, so that what all uploads have in common is not copied for each.
pub(crate) struct Parts(VecDeque<Bytes>);

impl From<Bytes> for Parts {
    fn from(whole: Bytes) -> Self {
        Self([whole].into())
    }
}

impl<const N: usize> From<[Bytes; N]> for Parts {
    fn from(parts: [Bytes; N]) -> Self {
        Self(parts.into())
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|part| part.len() as u64).sum())
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Outcome<Value> {
        serde_json::from_slice(&self.body).map_err(|error| fault(format!("an answer is not JSON: {error}")))
    }

    /// The answer's JSON if the status is the expected one, else what the server said.
    pub(crate) fn expect(self, status: u16) -> Outcome<Value> {
        if self.status == status {
            return self.json();
        }
        let said = String::from_utf8_lossy(&self.body).chars().take(500).collect::<String>();
        Err(fault(format!("status {} instead of {status}: {said}", self.status)))
    }
}

async fn dial(address: SocketAddr) -> Outcome<SendRequest<Parts>> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; how it ended is told to whoever sends.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn host(address: SocketAddr) -> Outcome<HeaderValue> {
    Ok(HeaderValue::try_from(address.to_string())?)
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, token: Option<&str>) -> Outcome<Self> {
        let sender = dial(address).await?;
        let mut client = Self { address, host: host(address)?, token: None, bearer: None, sender };
        client.be(token)?;
        Ok(client)
    }

    /// The same caller at another server.
    pub(crate) async fn at(&self, address: SocketAddr) -> Outcome<Self> {
        Self::connect(address, self.token.as_deref()).await
    }

    /// Speaks for somebody else from now on.
    pub(crate) fn be(&mut self, token: Option<&str>) -> Outcome<()> {
        self.bearer = token.map(|token| HeaderValue::try_from(format!("Bearer {token}"))).transpose()?;
        self.token = token.map(str::to_owned);
        Ok(())
    }

    /// For whom it speaks.
    pub(crate) fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Speaks to a server at another address from now on.
    pub(crate) async fn go_to(&mut self, address: SocketAddr) -> Outcome<()> {
        self.address = address;
        self.host = host(address)?;
        self.sender = dial(address).await?;
        Ok(())
    }

    pub(crate) async fn get(&mut self, path: &str) -> Outcome<Answer> {
        self.send(Method::GET, path, "", Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Outcome<Answer> {
        self.post_json(path, body.to_string()).await
    }

    /// As [`Client::post`], where the body has been written already.
    pub(crate) async fn post_json(&mut self, path: &str, body: String) -> Outcome<Answer> {
        self.send(Method::POST, path, "application/json", Bytes::from(body)).await
    }

    pub(crate) async fn upload(&mut self, path: &str, body: impl Into<Parts>) -> Outcome<Answer> {
        self.send(Method::POST, path, "image/png", body).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        kind: &str,
        body: impl Into<Parts>,
    ) -> Outcome<Answer> {
        // The server closes a connection that was idle while something else was measured.
        if self.sender.is_closed() {
            self.sender = dial(self.address).await?;
        }
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.host.clone());
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request.body(body.into())?;
        let exchange = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            Ok(Answer { status, body })
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| fault(format!("no answer within {} s", PATIENCE.as_secs())))?
    }
}
