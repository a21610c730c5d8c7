//! What uploads were found to be, until their renditions are made a moment later.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use suishoupai_storage::picture::Inspected;

/// How many are remembered; what is forgotten, or was found by another process, is looked at again.
const MOST: usize = 256;

/// What the last pictures were found to be, by the digest of their bytes: the job that renders them need not search
/// megabytes a second time.
#[derive(Debug, Default)]
pub struct LookedAt {
    last: Mutex<VecDeque<([u8; 32], Inspected)>>,
}

impl LookedAt {
    /// Remembers one, and forgets the oldest where there are too many.
    pub fn note(&self, sha256: [u8; 32], inspected: Inspected) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= MOST {
            last.pop_front();
        }
        last.push_back((sha256, inspected));
    }

    /// What the picture was found to be, and forgets it.
    pub fn take(&self, sha256: &[u8; 32]) -> Option<Inspected> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let at = last.iter().position(|(known, _)| known == sha256)?;
        last.remove(at).map(|(_, inspected)| inspected)
    }
}

#[cfg(test)]
mod tests {
    use suishoupai_storage::picture::PictureKind;

    use super::*;

    fn picture(width: u32) -> Inspected {
        Inspected {
            kind: PictureKind::Jpeg,
            width,
            height: 1,
            orientation: 1,
            taken_at: None,
            taken_at_has_offset: false,
            gps: None,
            camera: None,
            memory: 0,
        }
    }

    #[test]
    fn each_is_taken_once_and_the_oldest_are_forgotten() {
        let looked_at = LookedAt::default();
        let digest = |n: usize| [(n / 256) as u8, (n % 256) as u8].repeat(16).try_into().unwrap();
        for n in 0..MOST + 2 {
            looked_at.note(digest(n), picture(n as u32));
        }
        assert_eq!(looked_at.take(&digest(0)), None);
        assert_eq!(looked_at.take(&digest(1)), None);
        assert_eq!(looked_at.take(&digest(2)), Some(picture(2)));
        assert_eq!(looked_at.take(&digest(2)), None);
        assert_eq!(looked_at.take(&digest(MOST + 1)), Some(picture(MOST as u32 + 1)));
    }
}
