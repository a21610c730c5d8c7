//! What a client gets instead of the answer: a problem by RFC 9457, with a stable code, in its own language.

mod render;
mod table;

use std::error::Error;
use std::fmt;

pub use render::{FieldBody, ProblemBody, localise};
use serde_json::{Map, Value};
pub use table::{Code, all_codes};

use crate::http::rate::Standing;
use crate::lang::{Lang, Text};

/// A refusal on its way to the client.
///
/// Boxed, because it is the error of nearly every function that answers a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    code: Code,
    detail: Option<Text>,
    fields: Vec<FieldProblem>,
    extra: Map<String, Value>,
    retry_after: Option<u32>,
    allow: Option<String>,
    length: Option<u64>,
    standing: Option<Standing>,
    cause: Option<String>,
}

/// One wrong part of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldProblem {
    /// Where: a JSON pointer (RFC 6901) such as `/place/lng` into the body, or the name of a parameter or header.
    pub pointer: String,
    /// What kind of mistake, such as `missing` or `wrong_type`; stable.
    pub code: &'static str,
    /// What to mend.
    pub message: Text,
}

/// Members that RFC 9457 or this API defines; an extra member must not replace them.
const RESERVED: [&str; 8] = ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"];

impl Problem {
    /// A problem of this kind with nothing more to say.
    pub fn new(code: Code) -> Self {
        let extra = Map::new();
        Self(Box::new(Parts {
            code,
            detail: None,
            fields: Vec::new(),
            extra,
            retry_after: None,
            allow: None,
            length: None,
            standing: None,
            cause: None,
        }))
    }

    /// A failure that is not the caller's: logged here once with all its causes, and answered with a constant body.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        let mut causes = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            causes = format!("{causes}: {cause}");
            next = cause.source();
        }
        tracing::error!(error = causes, "a request failed");
        Self::new(Code::Internal).caused_by(causes)
    }

    /// Keeps what failed inside, for operators; clients are never told.
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The problem with what failed inside, for an operator.
    pub fn with_cause(&self) -> String {
        match &self.0.cause {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// Says what is wrong in this very case.
    pub fn detail(mut self, detail: Text) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Adds a wrong part of the input.
    pub fn field(mut self, pointer: impl Into<String>, code: &'static str, message: Text) -> Self {
        self.0.fields.push(FieldProblem { pointer: pointer.into(), code, message });
        self
    }

    /// Adds wrong parts of the input.
    pub fn fields(mut self, fields: impl IntoIterator<Item = FieldProblem>) -> Self {
        self.0.fields.extend(fields);
        self
    }

    /// Adds a member of its own, such as the current state of a ticket. A name that is defined already is ignored.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !RESERVED.contains(&name) {
            self.0.extra.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Says when to try again, in seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Says which methods the address takes, as the value of `Allow`.
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.0.allow = Some(methods.into());
        self
    }

    /// Says how long the body is of which a part was asked for, as the value of `Content-Range`.
    pub fn length(mut self, bytes: u64) -> Self {
        self.0.length = Some(bytes);
        self
    }

    /// Names the limit that was exceeded.
    pub fn limited(mut self, standing: Standing) -> Self {
        self.0.standing = Some(standing);
        self
    }

    /// The limit that was exceeded.
    pub fn standing(&self) -> Option<Standing> {
        self.0.standing
    }

    /// The problem in English words for an operator, without its code, which is for programs.
    pub fn in_words(&self) -> String {
        let detail = self.0.detail.as_ref().map(|detail| detail.get(Lang::En).to_owned());
        detail.unwrap_or_else(|| self.0.code.title(Lang::En).to_owned())
    }

    /// What is wrong in this very case.
    pub fn said(&self) -> Option<&Text> {
        self.0.detail.as_ref()
    }

    /// The kind.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The wrong parts of the input.
    pub fn field_problems(&self) -> &[FieldProblem] {
        &self.0.fields
    }

    /// The challenge that a 401 must carry (RFC 6750, section 3).
    fn www_authenticate(&self) -> Option<&'static str> {
        match self.0.code {
            Code::TokenInvalid | Code::TokenExpired => {
                Some("Bearer realm=\"suishoupai\", error=\"invalid_token\"")
            }
            code if code.status() == actix_web::http::StatusCode::UNAUTHORIZED => {
                Some("Bearer realm=\"suishoupai\"")
            }
            _ => None,
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.code.as_str())?;
        self.0.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {}", detail.get(Lang::En)))
    }
}

impl Error for Problem {}

#[cfg(test)]
mod tests;
