//! Reads the parts of a request into types, and says of a wrong part where it is and what to mend.

mod explain;
mod form;
mod json;
mod path;
mod query;
mod upload;

pub use form::{Form, FormLimit};
pub use json::{Json, JsonLimit};
pub use path::Path;
pub use query::Query;
pub use upload::Upload;

use crate::lang::Text;

/// PostgreSQL cannot store this character in a text, so both engines are spared it.
const NUL: char = '\0';

fn nul_text() -> Text {
    Text::new("不得含有空字符（U+0000）", "must not contain the character U+0000")
}
