//! What residents sign in with: a number, a code, and what their device is called.

use serde::Deserialize;
use utoipa::ToSchema;

/// A Chinese mobile number: 11 digits, beginning with 1.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^1[3-9][0-9]{9}$", example = "13800000013")]
pub(crate) struct Phone(pub(super) String);

impl TryFrom<String> for Phone {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.as_bytes();
        let fits = bytes.len() == 11
            && bytes[0] == b'1'
            && (b'3'..=b'9').contains(&bytes[1])
            && bytes.iter().all(u8::is_ascii_digit);
        if fits { Ok(Self(text)) } else { Err("must be a mobile number of 11 digits, such as 13800000013") }
    }
}

/// A code of 6 digits.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9]{6}$", example = "042719")]
pub(crate) struct SixDigits(pub(super) String);

impl TryFrom<String> for SixDigits {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err("must be 6 digits") }
    }
}

/// What an application calls its device: 8 to 128 visible ASCII characters.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[!-~]+$", min_length = 8, max_length = 128,
    example = "9f1c2a4e-5b6d-4c7e-8f90-a1b2c3d4e5f6")]
pub(crate) struct DeviceId(pub(super) String);

impl TryFrom<String> for DeviceId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = (8..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err("must be 8 to 128 visible ASCII characters") }
    }
}
