//! Short-lived signed links to renditions, so that an `<img>` can show a photo without a token.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use suishoupai_core::time::Moment;

/// The word that stands for an upload where links have that of a rendition.
const UPLOAD: &str = "upload";

/// Signs links to renditions, and forms of uploads.
#[derive(Clone)]
pub struct LinkSigner {
    key: [u8; 32],
    minutes: i64,
}

impl std::fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSigner([redacted])")
    }
}

impl LinkSigner {
    /// A signer whose key is derived from the data key; links are good for at least `minutes`.
    pub fn new(data_key: &[u8; 32], minutes: u32) -> Self {
        Self { key: mac(data_key, "suishoupai rendition links v1"), minutes: i64::from(minutes) }
    }

    /// The path and query of a rendition with the mask of a version. Links made within the same hour are equal, so that a
    /// phone's cache works; a photo that is masked anew has other links, and those of before lead nowhere.
    pub fn link(&self, photo: i64, rendition: &str, mask_version: i64, now: Moment) -> String {
        let hour = 3_600_000;
        let expires = (now.millis() / hour + 1) * hour / 1000 + self.minutes * 60;
        let signature = self.signature(photo, &versioned(rendition, mask_version), expires);
        format!("/api/v1/photos/{photo}/{rendition}?expires={expires}&signature={signature}")
    }

    /// Whether a signature is good for this rendition with the mask of this version now.
    pub fn verify(
        &self,
        photo: i64,
        (rendition, mask_version): (&str, i64),
        expires: i64,
        signature: &str,
        now: Moment,
    ) -> bool {
        let expected = self.signature(photo, &versioned(rendition, mask_version), expires);
        let equal: bool = expected.as_bytes().ct_eq(signature.as_bytes()).into();
        equal && now.millis() / 1000 <= expires
    }

    /// The signature for sending the bytes of an announced upload to this server until `expires`, seconds.
    pub fn sign_upload(&self, upload: i64, expires: i64) -> String {
        self.signature(upload, UPLOAD, expires)
    }

    /// Whether a signature is good for sending this upload now.
    pub fn verify_upload(&self, upload: i64, expires: i64, signature: &str, now: Moment) -> bool {
        self.verify(upload, (UPLOAD, 0), expires, signature, now)
    }

    fn signature(&self, photo: i64, rendition: &str, expires: i64) -> String {
        hex::encode(&mac(&self.key, &format!("{photo}/{rendition}/{expires}"))[..16])
    }
}

fn versioned(rendition: &str, mask_version: i64) -> std::borrow::Cow<'_, str> {
    match mask_version {
        0 => rendition.into(),
        version => format!("{rendition}.{version}").into(),
    }
}

fn mac(key: &[u8; 32], message: &str) -> [u8; 32] {
    // HMAC pads a short key with zeros to its block of 64 bytes; doing it here keeps the length right by type.
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(key);
    let mut hmac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    hmac.update(message.as_bytes());
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_for_one_rendition_of_one_photo_until_it_expires() {
        let signer = LinkSigner::new(&[3; 32], 60);
        let now = Moment::from_millis(1_800_000_000_000);
        let link = signer.link(7, "display", 0, now);
        let (_, query) = link.split_once("?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        let expires: i64 = expires.parse().unwrap();
        assert!(signer.verify(7, ("display", 0), expires, signature, now));
        assert!(signer.verify(7, ("display", 0), expires, signature, now.plus_seconds(3600)));
        assert!(!signer.verify(7, ("display", 0), expires, signature, now.plus_seconds(2 * 3600 + 1)));
        assert!(!signer.verify(8, ("display", 0), expires, signature, now));
        assert!(!signer.verify(7, ("thumbnail", 0), expires, signature, now));
        assert!(!signer.verify(7, ("display", 1), expires, signature, now), "masked since");
        assert!(!signer.verify(7, ("display", 0), expires + 1, signature, now));
        assert!(!LinkSigner::new(&[4; 32], 60).verify(7, ("display", 0), expires, signature, now));
        assert_eq!(signer.link(7, "display", 0, now.plus_seconds(1)), link, "stable within the hour");
    }
}
