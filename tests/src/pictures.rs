//! Pictures such as phones send them, and such as nobody should.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// A picture read back.
#[derive(Debug)]
pub struct Photo {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// The colours near the corners: top left, top right, bottom left, bottom right.
    pub corners: [[u8; 3]; 4],
}

const RED: [u8; 3] = [220, 20, 20];
const GREEN: [u8; 3] = [20, 200, 20];
const BLUE: [u8; 3] = [20, 20, 220];
const YELLOW: [u8; 3] = [230, 220, 20];

fn quadrants(width: u32, height: u32, colours: [[u8; 3]; 4]) -> Vec<u8> {
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let index = |(x, y): (u32, u32)| usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
    points.flat_map(|point| colours[index(point)]).collect()
}

fn encode(width: u32, height: u32, colours: [[u8; 3]; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    let (w, h) = (u16::try_from(width).unwrap(), u16::try_from(height).unwrap());
    let pixels = quadrants(width, height, colours);
    jpeg_encoder::Encoder::new(&mut out, 90).encode(&pixels, w, h, jpeg_encoder::ColorType::Rgb).unwrap();
    out
}

/// A JPEG without metadata: red and green above blue and yellow.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode(width, height, [RED, GREEN, BLUE, YELLOW])
}

/// A JPEG of a scenery of its own for each size, with a camera time (`2026:03:04 09:12:30`, +08:00) and a camera place (longitude and
/// latitude in degrees, east and north), as far as they are given.
pub fn jpeg_taken((width, height): (u32, u32), time: Option<&str>, place: Option<(f64, f64)>) -> Vec<u8> {
    let exif = time.map_or_else(Vec::new, |time| vec![ascii(0x9003, time), ascii(0x9011, "+08:00")]);
    // Degrees as one fraction: EXIF allows it, and it keeps a centimetre.
    let degrees = |value: f64| [((value * 10_000_000.0).round() as u32, 10_000_000), (0, 1), (0, 1)];
    let gps = place.map_or_else(Vec::new, |(lon, lat)| {
        vec![ascii(1, "N"), rationals(2, &degrees(lat)), ascii(3, "E"), rationals(4, &degrees(lon))]
    });
    let (w, h) = (u16::try_from(width).unwrap(), u16::try_from(height).unwrap());
    let picture = Scenery::of(1_000_000 + u64::from(width) * 10_000 + u64::from(height)).jpeg(w, h, 90);
    with_exif(&picture, [vec![short(0x0112, 1)], exif, gps])
}

/// A JPEG of 200 × 100 pixels as a phone held upright stores it: turned, EXIF orientation 6 (rotate by 90° to show),
/// taken on 2026-03-04 at 09:12:30 +08:00 at 24°26'52.8" N 118°04'48" E. Upright it is red and green above blue and
/// yellow.
pub fn jpeg_from_phone() -> Vec<u8> {
    // EXIF 2.32, orientation 6: row 0 of what is stored is the right side of the scene, column 0 its top.
    let stored = encode(200, 100, [GREEN, YELLOW, RED, BLUE]);
    let primary = vec![short(0x0112, 6)];
    let exif = vec![ascii(0x9003, "2026:03:04 09:12:30"), ascii(0x9011, "+08:00")];
    let gps = vec![
        ascii(1, "N"),
        rationals(2, &[(24, 1), (26, 1), (528, 10)]),
        ascii(3, "E"),
        rationals(4, &[(118, 1), (4, 1), (48, 1)]),
    ];
    with_exif(&stored, [primary, exif, gps])
}

fn with_exif(jpeg: &[u8], directories: [Vec<Entry>; 3]) -> Vec<u8> {
    let tiff = tiff(directories);
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(tiff);
    out.extend(&jpeg[2..]);
    out
}

/// A street as no other: overlapping discs over a slope of light, the same at every size.
#[derive(Clone, Debug)]
pub struct Scenery {
    slope: (f64, f64),
    /// Centre, radius, brightness.
    discs: Vec<[f64; 4]>,
    light: f64,
}

impl Scenery {
    /// The scenery of this number.
    pub fn of(number: u64) -> Self {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let slope = (next() * 120.0 - 60.0, next() * 120.0 - 60.0);
        let discs = (0..24).map(|_| [next(), next(), 0.04 + 0.22 * next(), 40.0 + 180.0 * next()]);
        Self { slope, discs: discs.collect(), light: 1.0 }
    }

    /// The same in other light.
    #[must_use]
    pub fn darker(self, light: f64) -> Self {
        Self { light, ..self }
    }

    /// A photo of it.
    pub fn jpeg(&self, width: u16, height: u16, quality: u8) -> Vec<u8> {
        let at = |x: u16, y: u16| {
            let (x, y) = ((f64::from(x) + 0.5) / f64::from(width), (f64::from(y) + 0.5) / f64::from(height));
            let disc = self.discs.iter().rev().find(|[cx, cy, r, _]| (x - cx).hypot((y - cy) * 0.75) < *r);
            disc.map_or(110.0 + self.slope.0 * (x - 0.5) + self.slope.1 * (y - 0.5), |[.., grey]| *grey)
        };
        let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels: Vec<u8> = points
            .flat_map(|(x, y)| {
                let grey = (at(x, y) * self.light).clamp(0.0, 255.0);
                [grey as u8, (grey * 0.92) as u8, (grey * 0.8) as u8]
            })
            .collect();
        let mut out = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut out, quality);
        encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        out
    }
}

/// The first part of a picture, as a broken upload leaves it.
pub fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// A PNG that says that it has 50,000 × 50,000 pixels, in less than a kilobyte.
pub fn huge_png() -> Vec<u8> {
    let mut out = Vec::new();
    {
        let mut encoder = png::Encoder::new(&mut out, 50_000, 50_000);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]).unwrap();
    }
    out
}

/// Reads a JPEG back.
pub fn corners(jpeg: &[u8]) -> Photo {
    let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
    let pixels = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let at = |x: usize, y: usize| {
        let start = 3 * (y * width + x);
        [pixels[start], pixels[start + 1], pixels[start + 2]]
    };
    let (right, bottom) = (width - width / 8 - 1, height - height / 8 - 1);
    let (left, top) = (width / 8, height / 8);
    Photo { width, height, corners: [at(left, top), at(right, top), at(left, bottom), at(right, bottom)] }
}

impl Photo {
    /// Whether the scene stands upright: red and green above blue and yellow, as far as JPEG keeps colours.
    pub fn is_upright(&self) -> bool {
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 40);
        self.corners.iter().zip([RED, GREEN, BLUE, YELLOW]).all(|(seen, wanted)| near(*seen, wanted))
    }
}

/// One field of a TIFF directory: tag, type, count, value in little endian.
struct Entry(u16, u16, usize, Vec<u8>);

fn short(tag: u16, value: u16) -> Entry {
    Entry(tag, 3, 1, value.to_le_bytes().to_vec())
}

fn ascii(tag: u16, value: &str) -> Entry {
    Entry(tag, 2, value.len() + 1, [value.as_bytes(), b"\0"].concat())
}

fn rationals(tag: u16, values: &[(u32, u32)]) -> Entry {
    let bytes = values.iter().flat_map(|(n, d)| [n.to_le_bytes(), d.to_le_bytes()].concat()).collect();
    Entry(tag, 5, values.len(), bytes)
}

/// A TIFF structure of the primary, the EXIF and the GPS directory.
fn tiff([mut primary, exif, gps]: [Vec<Entry>; 3]) -> Vec<u8> {
    let far = |entry: &Entry| if entry.3.len() > 4 { entry.3.len() } else { 0 };
    let size = |entries: &[Entry]| 6 + entries.iter().map(|entry| 12 + far(entry)).sum::<usize>();
    let exif_at = 8 + size(&primary) + 24;
    let gps_at = exif_at + size(&exif);
    for (tag, at) in [(0x8769, exif_at), (0x8825, gps_at)] {
        primary.push(Entry(tag, 4, 1, u32::try_from(at).unwrap().to_le_bytes().to_vec()));
    }
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    for directory in [primary, exif, gps] {
        write(&mut out, directory);
    }
    out
}

fn write(out: &mut Vec<u8>, entries: Vec<Entry>) {
    let mut far_at = out.len() + 6 + 12 * entries.len();
    let mut far = Vec::new();
    out.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    for Entry(tag, kind, count, mut value) in entries {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(u32::try_from(count).unwrap().to_le_bytes());
        if value.len() > 4 {
            out.extend(u32::try_from(far_at).unwrap().to_le_bytes());
            far_at += value.len();
            far.extend(value);
        } else {
            value.resize(4, 0);
            out.extend(value);
        }
    }
    out.extend([0; 4]);
    out.extend(far);
}
