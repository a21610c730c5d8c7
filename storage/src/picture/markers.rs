//! Where the markers of a JPEG stand, noted while its bytes pass by, so that they need not be searched for a second time.

use super::source::marker_in;

/// Most positions that are noted; a file with more of them is searched when it is looked at.
const MOST: usize = if cfg!(test) { 32 } else { 8_192 };

/// The markers of a file that begins as a JPEG does: every 0xff before a byte that is neither a stuffed zero nor 0xff.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    /// In order.
    at: Vec<usize>,
    /// How many bytes have passed.
    length: usize,
    /// The last byte was 0xff: whether that is a marker, the next one tells.
    is_open: bool,
    is_given_up: bool,
}

impl Markers {
    /// Takes note of the next bytes.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        let Some(first) = bytes.first() else { return };
        if self.length == 0 && !bytes.starts_with(&[0xff, 0xd8]) {
            self.is_given_up = true;
        }
        if !self.is_given_up {
            if self.is_open && !matches!(first, 0x00 | 0xff) {
                self.at.push(self.length - 1);
            }
            self.search(bytes);
        }
        self.length += bytes.len();
        self.is_open = bytes.last() == Some(&0xff);
    }

    fn search(&mut self, bytes: &[u8]) {
        let mut from = 0;
        while let Some(place) = bytes.get(from..).and_then(marker_in) {
            if self.at.len() >= MOST {
                self.at = Vec::new();
                self.is_given_up = true;
                return;
            }
            self.at.push(self.length + from + place);
            from += place + 2;
        }
    }

    /// The first marker at or after `at` in a file of `length` bytes, or that there is none; the outer `None` where that is not
    /// known.
    pub(super) fn first_from(&self, at: usize, length: usize) -> Option<Option<usize>> {
        let is_known = !self.is_given_up && self.length == length;
        is_known.then(|| self.at.get(self.at.partition_point(|marker| *marker < at)).copied())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::source::Source;
    use super::*;

    proptest! {
        #[test]
        fn what_is_noted_is_what_a_search_finds(
            rest in prop::collection::vec(prop_oneof![4 => Just(0xff), 4 => Just(0), 1 => any::<u8>()], 0..300),
            portions in prop::collection::vec(0_usize..60, 0..12),
            from in 0_usize..310,
        ) {
            let bytes = [&[0xff, 0xd8], &rest[..]].concat();
            let (mut markers, mut left) = (Markers::default(), &bytes[..]);
            // The beginning is never cut: portions of uploads are long.
            for portion in portions.into_iter().chain([bytes.len()]) {
                let (now, later) = left.split_at(left.len().min(portion.max(2)));
                markers.pass(now);
                left = later;
            }
            match markers.first_from(from, bytes.len()) {
                Some(noted) => prop_assert_eq!(noted, (&bytes[..]).find_marker(from)),
                None => prop_assert!(bytes.windows(2).filter(|pair| pair[0] == 0xff).count() > MOST),
            }
            prop_assert_eq!(markers.first_from(from, bytes.len() + 1), None, "of another file nothing is known");
        }
    }

    #[test]
    fn other_files_and_those_with_too_many_are_searched_when_they_are_looked_at() {
        let mut other = Markers::default();
        other.pass(b"\x89PNG\xff\xd8");
        assert_eq!(other.first_from(0, 6), None);
        let many = [0xff, 0xd8].repeat(MOST);
        let mut all = Markers::default();
        all.pass(&many);
        assert_eq!(all.first_from(3, many.len()), Some(Some(4)));
        all.pass(&[0xff, 0xd9]);
        assert_eq!(all.first_from(3, many.len() + 2), None);
    }
}
