//! Makers of pictures and of EXIF blocks.

use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;

/// Corner colours of the upright scene, far enough apart to survive JPEG.
pub(in super::super) const RED: [u8; 3] = [220, 20, 20];
pub(in super::super) const GREEN: [u8; 3] = [20, 200, 20];
pub(in super::super) const BLUE: [u8; 3] = [20, 20, 220];
pub(in super::super) const YELLOW: [u8; 3] = [230, 220, 20];

/// RGB pixels in four quadrants: top left, top right, bottom left, bottom right.
pub(in super::super) fn quadrants(width: u32, height: u32, colours: [[u8; 3]; 4]) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| colours[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)])
        .collect()
}

/// The quadrants as a camera stores them under an EXIF orientation, so that upright they are red, green, blue,
/// yellow. Written from the standard's wording (where row 0 and column 0 lie), not from the code under test.
pub(in super::super) fn stored_quadrants(orientation: u16) -> [[u8; 3]; 4] {
    let (tl, tr, bl, br) = (RED, GREEN, BLUE, YELLOW);
    match orientation {
        2 => [tr, tl, br, bl],
        3 => [br, bl, tr, tl],
        4 => [bl, br, tl, tr],
        5 => [tl, bl, tr, br],
        6 => [tr, br, tl, bl],
        7 => [br, tr, bl, tl],
        8 => [bl, tl, br, tr],
        _ => [tl, tr, bl, br],
    }
}

/// The scene, upright.
pub(in super::super) fn scene(width: u32, height: u32) -> Vec<u8> {
    quadrants(width, height, stored_quadrants(1))
}

pub(in super::super) fn jpeg_as(
    pixels: &[u8],
    width: u32,
    height: u32,
    colour: jpeg_encoder::ColorType,
) -> Vec<u8> {
    let mut out = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut out, 90);
    encoder.encode(pixels, width as u16, height as u16, colour).unwrap();
    out
}

pub(in super::super) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    jpeg_as(&scene(width, height), width, height, jpeg_encoder::ColorType::Rgb)
}

pub(in super::super) fn progressive_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, 90);
    encoder.set_progressive(true);
    encoder.encode(&scene(width, height), width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    out
}

/// A PNG of `data` after `prepare` has set colour type, depth and chunks.
pub(in super::super) fn png_with(
    width: u32,
    height: u32,
    data: &[u8],
    prepare: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    prepare(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

pub(in super::super) fn png(width: u32, height: u32) -> Vec<u8> {
    png_with(width, height, &scene(width, height), |_| ())
}

/// The scene as a PNG with another chunk before the image data.
pub(in super::super) fn png_with_chunk(width: u32, height: u32, name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::ChunkType(name), body).unwrap();
    writer.write_image_data(&scene(width, height)).unwrap();
    writer.finish().unwrap();
    out
}

/// Signature and header of a PNG, and nothing after them.
pub(in super::super) fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let writer = png::Encoder::new(&mut out, width, height).write_header().unwrap();
    std::mem::forget(writer);
    out.truncate(33);
    out
}

pub(in super::super) fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut out);
    encoder.encode(&scene(width, height), width, height, ExtendedColorType::Rgb8).unwrap();
    out
}

/// A RIFF chunk with its padding.
pub(in super::super) fn riff_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = name.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// A WebP of the given chunks behind a VP8X header with `flags`.
pub(in super::super) fn extended_webp(width: u32, height: u32, flags: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut header = vec![flags, 0, 0, 0];
    header.extend(&(width - 1).to_le_bytes()[..3]);
    header.extend(&(height - 1).to_le_bytes()[..3]);
    let mut body = b"WEBP".to_vec();
    body.extend(riff_chunk(b"VP8X", &header));
    body.extend(chunks.concat());
    riff_chunk(b"RIFF", &body)
}

/// The image chunk of a simple WebP.
pub(in super::super) fn webp_image_chunk(width: u32, height: u32) -> Vec<u8> {
    webp(width, height)[12..].to_vec()
}

/// An animated WebP of one frame at the top left of a canvas twice as wide.
pub(in super::super) fn animated_webp(width: u32, height: u32) -> Vec<u8> {
    let mut frame = vec![0; 6];
    frame.extend(&(width - 1).to_le_bytes()[..3]);
    frame.extend(&(height - 1).to_le_bytes()[..3]);
    frame.extend([100, 0, 0, 0]);
    frame.extend(webp_image_chunk(width, height));
    let chunks = [riff_chunk(b"ANIM", &[0; 6]), riff_chunk(b"ANMF", &frame)];
    extended_webp(width * 2, height, 0x02, &chunks)
}

/// `jpeg` with an APP1 segment of `tiff` right after SOI.
pub(in super::super) fn jpeg_with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((tiff.len() as u16 + 8).to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(tiff);
    out.extend(&jpeg[2..]);
    out
}

/// One field of an IFD: tag, TIFF type, count, value bytes (little endian).
pub(in super::super) struct Entry(u16, u16, u32, Vec<u8>);

pub(in super::super) fn short(tag: u16, value: u16) -> Entry {
    Entry(tag, 3, 1, value.to_le_bytes().to_vec())
}

pub(in super::super) fn text(tag: u16, value: &str) -> Entry {
    Entry(tag, 2, value.len() as u32 + 1, [value.as_bytes(), b"\0"].concat())
}

pub(in super::super) fn rationals(tag: u16, values: &[(u32, u32)]) -> Entry {
    let bytes = values.iter().flat_map(|(n, d)| [n.to_le_bytes(), d.to_le_bytes()].concat()).collect();
    Entry(tag, 5, values.len() as u32, bytes)
}

/// A little-endian TIFF structure: primary IFD, EXIF IFD (0x8769), GPS IFD (0x8825).
pub(in super::super) fn tiff(primary: Vec<Entry>, exif: Vec<Entry>, gps: Vec<Entry>) -> Vec<u8> {
    let size =
        |ifd: &[Entry]| 6 + ifd.iter().map(|e| 12 + if e.3.len() > 4 { e.3.len() } else { 0 }).sum::<usize>();
    let mut primary = primary;
    let exif_at = 8 + size(&primary) + 24;
    let gps_at = exif_at + size(&exif);
    for (tag, at) in [(0x8769, exif_at), (0x8825, gps_at)] {
        primary.push(Entry(tag, 4, 1, (at as u32).to_le_bytes().to_vec()));
    }
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    for ifd in [primary, exif, gps] {
        write_ifd(&mut out, ifd);
    }
    out
}

fn write_ifd(out: &mut Vec<u8>, entries: Vec<Entry>) {
    let mut far_at = out.len() + 6 + 12 * entries.len();
    let mut far = Vec::new();
    out.extend((entries.len() as u16).to_le_bytes());
    for Entry(tag, kind, count, mut value) in entries {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(count.to_le_bytes());
        if value.len() > 4 {
            out.extend((far_at as u32).to_le_bytes());
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

/// An EXIF block with nothing but an orientation.
pub(in super::super) fn orientation(value: u16) -> Vec<u8> {
    tiff(vec![short(0x0112, value)], vec![], vec![])
}

/// The scene in 96 x 64 pixels as a lossy WebP, written by libwebp; no encoder of this in Rust alone is at hand.
pub(in super::super) fn lossy_webp() -> Vec<u8> {
    let text = concat!(
        "524946469e0000005745425056503820920000007007009d012a600040003e6d329346a42321a12d5b3800800d89410e",
        "0031ccc41f807e406db3700fc60fc80e402ee6e67e01fdb531d6b17de23506eb62eac44616e6624000fe2a029369df72",
        "ff242c8279699159777c82c381e8bbbd8f17b1e2ecb8dce9cc07c00e095cf9a705240c840b7cb441455f9a51b469c2f2",
        "a7548c39e5951a3c34b4412207fac9d6a06907000000",
    );
    hex::decode(text).unwrap()
}

/// The four colours in 2560 x 32 pixels as a lossy WebP, written by libwebp.
pub(in super::super) fn wide_lossy_webp() -> Vec<u8> {
    let text = concat!(
        "52494646fc0100005745425056503820f00100009023009d012a000a20003f398ebb552f2a262330383801e027094ddc",
        "2ed618a773737ec1bd1f47f97d8218682e8b16e8682e8b16e8682e8b16e8682e8b16e8682e8b16e8682e8b16e8682e8b",
        "16e8682e8b16e8682e8abe1b7283a3417458b743417458b743417458b743417458b743417458b743417458b743417458",
        "b743417458b7426cb786323f4c555e676e77808891981e24a92f33b73bc04448cc0f12549799db9de022246607892a4b",
        "ccedcef011123303c49525e676e77808891981e24a92f33b73bc04448cc0f12549799db9de022245d7285d5d5d5d5d5d",
        "5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d",
        "5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5cc800fefef05feb99baf947ff8f5968352e67c7d72fd332a8",
        "0000000000000000006c4a7fbd5f222bfe58a563147a4a2eb81e5ab8abbe1200000000000000000081e3ec169b5f50f4",
        "454af1e2568e9e34975512ce92eaa259d25d544b3a4baa89674975512ce92eaa259d25d544b3a4baa89674975512ce92",
        "eaa259d25d544b3a4baa89675ffd7b41aeed68979e2542b94cdf369cf402dbc8904ffce91209ff9d22413ff3a44827fe",
        "748904ffce91209ff9d22413ff3a44827fe748904ffce91209ff9d22413ff3a448270800",
    );
    hex::decode(text).unwrap()
}

/// `jpeg` with a segment `marker` of `body` right after SOI.
pub(in super::super) fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, body, &jpeg[2..]].concat()
}

/// `jpeg` with a colour profile in parts of `size` bytes.
pub(in super::super) fn with_profile(jpeg: &[u8], profile: &[u8], size: usize) -> Vec<u8> {
    let parts: Vec<&[u8]> = profile.chunks(size).collect();
    let mut out = jpeg.to_vec();
    for (n, part) in parts.iter().enumerate().rev() {
        let body = [b"ICC_PROFILE\0", &[n as u8 + 1, parts.len() as u8][..], part].concat();
        out = with_segment(&out, 0xe2, &body);
    }
    out
}

/// Where the two bytes of `marker` stand.
pub(in super::super) fn find(jpeg: &[u8], marker: u8) -> usize {
    jpeg.windows(2).position(|w| w == [0xff, marker]).unwrap()
}

/// `jpeg` with what `change` makes of the bytes from the frame header's marker on.
pub(in super::super) fn with_frame(jpeg: Vec<u8>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut out = jpeg;
    let at = out.windows(2).position(|w| w[0] == 0xff && matches!(w[1], 0xc0 | 0xc2)).unwrap();
    change(&mut out[at..]);
    out
}
