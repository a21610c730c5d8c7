//! Makes small videos: an index and samples, with whatever shall be tried in them. Nothing in them can be decoded.

/// What a video is made of.
#[derive(Clone, Debug)]
pub struct Clip {
    /// The major brand.
    pub brand: [u8; 4],
    /// Width, pixels.
    pub width: u16,
    /// Height, pixels.
    pub height: u16,
    /// How long it is said to last, and lasts, seconds.
    pub seconds: u32,
    /// The codec of the pictures.
    pub codec: [u8; 4],
    /// When it was made, seconds since 1904.
    pub created: u32,
    /// The first two rows of the matrix by which it is turned: a, b, c, d.
    pub turned: [i32; 4],
    /// Whether the index comes before the data.
    pub index_first: bool,
    /// More boxes in the index, beside the tracks.
    pub in_movie: Vec<u8>,
    /// More boxes at the top.
    pub at_top: Vec<u8>,
    /// A track of places, as phones write it.
    pub places: bool,
    /// A number that makes it another video.
    pub seed: u8,
}

impl Default for Clip {
    fn default() -> Self {
        Self {
            brand: *b"isom",
            width: 640,
            height: 360,
            seconds: 4,
            codec: *b"avc1",
            created: 0,
            turned: [1, 0, 0, 1],
            index_first: false,
            in_movie: Vec::new(),
            at_top: Vec::new(),
            places: false,
            seed: 0,
        }
    }
}

/// A box.
pub fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&numbers(&[body.len() as u32 + 8]), kind.as_slice(), &body].concat()
}

/// Numbers of 32 bits.
pub fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A place as QuickTime writes it into user data.
pub fn xyz(text: &str) -> Vec<u8> {
    let length = (text.len() as u16).to_be_bytes();
    boxed(b"udta", &[&boxed(b"\xa9xyz", &[&length, &[0x15, 0xc7], text.as_bytes()])])
}

/// Keys and values as Apple writes them.
pub fn keyed(pairs: &[(&str, &str)]) -> Vec<u8> {
    let names: Vec<u8> = pairs.iter().flat_map(|(key, _)| boxed(b"mdta", &[key.as_bytes()])).collect();
    let values = pairs.iter().zip(1_u32..).flat_map(|((_, value), number)| {
        boxed(&number.to_be_bytes(), &[&boxed(b"data", &[&numbers(&[1, 0]), value.as_bytes()])])
    });
    let values: Vec<u8> = values.collect();
    let handler = boxed(b"hdlr", &[&numbers(&[0, 0]), b"mdta", &[0; 13]]);
    let keys = boxed(b"keys", &[&numbers(&[0, pairs.len() as u32]), &names]);
    boxed(b"meta", &[&handler, &keys, &boxed(b"ilst", &[&values])])
}

/// One track: its handler, the entry of its codec, and its samples.
struct Lane {
    handler: [u8; 4],
    entry: Vec<u8>,
    samples: Vec<Vec<u8>>,
}

/// Units of time of every track in a second.
const SCALE: u32 = 1000;

impl Clip {
    fn lanes(&self) -> Vec<Lane> {
        let picture = |number: u32| {
            let piece: Vec<u8> = (0..20 + number % 7).map(|byte| byte as u8 ^ self.seed).collect();
            // The second half of a picture is another piece of it.
            let mut sample = [numbers(&[piece.len() as u32 + 1]), vec![0x65], piece.clone()].concat();
            sample.extend([numbers(&[piece.len() as u32 + 1]), vec![0x41], piece].concat());
            sample
        };
        let config = match &self.codec {
            b"hvc1" | b"hev1" => boxed(b"hvcC", &[&[1; 21], &[0xff, 0]]),
            _ => boxed(b"avcC", &[&[1, 66, 0, 30, 0xff, 0xe0, 0]]),
        };
        let size = [self.width.to_be_bytes(), self.height.to_be_bytes()].concat();
        let mut name = b"\x11SECRET-ENCODER-17".to_vec();
        name.resize(32, 0);
        let tail = [&numbers(&[0x48_0000, 0x48_0000, 0]), &[0, 1][..], &name, &[0, 24, 0xff, 0xff]].concat();
        let picture_entry = boxed(
            &self.codec,
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &size,
                &tail,
                &config,
                &boxed(b"uuid", &[b"SECRET-IN-ENTRY!"]),
            ],
        );
        let sound_entry = boxed(
            b"mp4a",
            &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 8], &[0, 2, 0, 16, 0, 0, 0, 0, 0xbb, 0x80, 0, 0]],
        );
        let mut lanes = vec![
            Lane {
                handler: *b"vide",
                entry: picture_entry,
                samples: (0..self.seconds * 2).map(picture).collect(),
            },
            Lane {
                handler: *b"soun",
                entry: sound_entry,
                samples: (0..self.seconds).map(|number| vec![number as u8; 16]).collect(),
            },
        ];
        if self.places {
            let samples = vec![b"SECRET-PLACE+24.4479+118.0799/".to_vec(); self.seconds as usize];
            let entry = boxed(b"mebx", &[&[0, 0, 0, 0, 0, 0, 0, 1], b"SECRET-KEYS"]);
            lanes.push(Lane { handler: *b"meta", entry, samples });
        }
        lanes
    }

    /// The tables of a track whose chunks, one sample each but the first of two, lie at these places.
    fn track(&self, lane: &Lane, number: u32, places: &[u32]) -> Vec<u8> {
        let count = lane.samples.len() as u32;
        let length = self.seconds * SCALE;
        let each = length.checked_div(count).unwrap_or_default();
        let sizes: Vec<u32> = lane.samples.iter().map(|sample| sample.len() as u32).collect();
        let chunks = if count > 1 { numbers(&[0, 2, 1, 2, 1, 2, 1, 1]) } else { numbers(&[0, 1, 1, 1, 1]) };
        let stbl = boxed(
            b"stbl",
            &[
                &boxed(b"stsd", &[&numbers(&[0, 1]), &lane.entry]),
                &boxed(b"stts", &[&numbers(&[0, 1, count, each])]),
                &boxed(b"stsc", &[&chunks]),
                &boxed(b"stsz", &[&numbers(&[0, 0, count]), &numbers(&sizes)]),
                &boxed(b"stco", &[&numbers(&[0, places.len() as u32]), &numbers(places)]),
            ],
        );
        let dref = boxed(b"dref", &[&numbers(&[0, 1]), &boxed(b"url ", &[&[0, 0, 0, 1], b"SECRET-PATH"])]);
        let minf = boxed(b"minf", &[&boxed(b"dinf", &[&dref]), &stbl]);
        let mdhd = boxed(b"mdhd", &[&numbers(&[0, self.created, self.created, SCALE, length, 0])]);
        let hdlr = boxed(b"hdlr", &[&numbers(&[0, 0]), &lane.handler, &[0; 12], b"SECRET-HANDLER\0"]);
        let [a, b, c, d] = self.turned.map(|one| (one << 16) as u32);
        let matrix = numbers(&[a, b, 0, c, d, 0, 0, 0, 1 << 30]);
        let size = numbers(&[u32::from(self.width) << 16, u32::from(self.height) << 16]);
        let tkhd = boxed(
            b"tkhd",
            &[&numbers(&[7, self.created, self.created, number, 0, length]), &[0; 16], &matrix, &size],
        );
        boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &minf]), &boxed(b"tref", &[b"SECRET-TREF"])])
    }

    /// The index, for data whose first byte is at `at`.
    fn movie(&self, lanes: &[Lane], places: &[Vec<u32>], at: u32) -> Vec<u8> {
        let length = self.seconds * SCALE;
        let mvhd = numbers(&[0, self.created, self.created, SCALE, length, 1 << 16, 1 << 24]);
        let mut parts = boxed(b"mvhd", &[&mvhd, &[0; 72]]);
        for ((lane, places), number) in lanes.iter().zip(places).zip(1..) {
            let places: Vec<u32> = places.iter().map(|place| place + at).collect();
            parts.extend(self.track(lane, number, &places));
        }
        parts.extend(&self.in_movie);
        boxed(b"moov", &[&parts])
    }

    /// The bytes of the video.
    pub fn bytes(&self) -> Vec<u8> {
        let lanes = self.lanes();
        let mut data = b"SECRET-BEFORE".to_vec();
        let mut places = vec![Vec::new(); lanes.len()];
        let most = lanes.iter().map(|lane| lane.samples.len()).max().unwrap_or_default();
        for number in 0..most {
            for (lane, places) in lanes.iter().zip(&mut places) {
                // The second sample is in the chunk of the first.
                if number != 1 && number < lane.samples.len() {
                    places.push(data.len() as u32);
                    let second = if number == 0 { lane.samples.get(1) } else { None };
                    data.extend(&lane.samples[number]);
                    data.extend(second.into_iter().flatten());
                }
            }
        }
        data.extend(b"SECRET-BEHIND");
        let ftyp = boxed(b"ftyp", &[&self.brand, &numbers(&[512]), &self.brand]);
        let free = boxed(b"free", &[b"SECRET-FREE"]);
        let before = (ftyp.len() + free.len() + self.at_top.len()) as u32;
        let media = boxed(b"mdat", &[&data]);
        if self.index_first {
            let length = self.movie(&lanes, &places, 0).len() as u32;
            let movie = self.movie(&lanes, &places, before + length + 8);
            [ftyp, free, self.at_top.clone(), movie, media].concat()
        } else {
            let movie = self.movie(&lanes, &places, before + 8);
            [ftyp, free, self.at_top.clone(), media, movie].concat()
        }
    }
}
