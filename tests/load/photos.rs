//! Photos from the first byte of the upload until their renditions are ready, beside the same rendering alone.

use std::path::Path;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use suishoupai_storage::picture::{Limits, inspect, render};

use crate::arguments::Arguments;
use crate::client::Parts;
use crate::drive::{Figures, closed_loop};
use crate::fault::{Outcome, fault};
use crate::people::{self, Resident};
use crate::site::Site;
use crate::table;

/// A photo of 12 megapixels, where none is given.
const SIDES: (u16, u16) = (4032, 3024);
/// A segment with a number of eight bytes, so that no photo is stored twice.
const MARK: [u8; 4] = [0xff, 0xfe, 0, 10];

/// Uploads and renderings per second.
pub(crate) async fn photos(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let photo = Bytes::from(match &arguments.photo {
        Some(path) => read(path)?,
        None => made()?,
    });
    println!("each photo has {} KiB", photo.len() >> 10);
    let mut server = site.start().await?;
    let mut residents = people::residents(&mut server, arguments.connections, false).await?;
    let mut rounds = Vec::new();
    table::head();
    for round in 0..arguments.repeat {
        let number = std::cell::Cell::new(u64::from(round) << 32);
        let one = async |resident: &mut Resident| {
            number.set(number.get() + 1);
            let sent = resident.client.upload("/api/v1/photos", numbered(&photo, number.get())).await?;
            Ok(sent.status == 201)
        };
        let (begun, before) = (Instant::now(), server.cpu_seconds()?);
        let sent = closed_loop(&mut residents, arguments.length(), one).await;
        // The last one counts when it is ready.
        people::idle(&server).await?;
        let cpu = Some(server.cpu_seconds()? - before);
        let figures = Figures { cpu, seconds: begun.elapsed().as_secs_f64(), ..sent };
        table::line("photo until its renditions", &figures);
        let limit = alone(&photo, arguments.length())?;
        table::line("  limit: the pipeline alone", &limit);
        rounds.push((figures, limit));
    }
    table::ratio(&rounds);
    let errors: u64 = rounds.iter().map(|(server, _)| server.errors).sum();
    if errors == 0 { Ok(()) } else { Err(fault(format!("{errors} uploads failed"))) }
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    let bytes = std::fs::read(path)?;
    match bytes.starts_with(&[0xff, 0xd8]) {
        true => Ok(bytes),
        false => Err(fault(format!("{} is not a JPEG", path.display()))),
    }
}

/// A photo of waves of many lengths: with a colour for each four pixels and some 3 MiB, as phones send, about as hard to
/// decode as one of a street.
pub(crate) fn made() -> Outcome<Vec<u8>> {
    let (width, height) = (usize::from(SIDES.0), usize::from(SIDES.1));
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (slow, fast) = ((x * x / 900 + y * y / 1300) as u8, ((x * 7) ^ (y * 5)) as u8 & 7);
            pixels.extend([slow.wrapping_add(fast), slow / 2 + fast, 255 - slow]);
        }
    }
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, 90);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&pixels, SIDES.0, SIDES.1, jpeg_encoder::ColorType::Rgb)?;
    Ok(out)
}

/// The photo with a number that makes it another one.
pub(crate) fn numbered(photo: &Bytes, number: u64) -> Parts {
    let start = [&photo[..2], &MARK, &number.to_be_bytes()].concat();
    [Bytes::from(start), photo.slice(2..)].into()
}

/// The same pipeline in as many threads as there are cores, with nothing around it: looked at without decoding, decoded,
/// made smaller, encoded.
fn alone(photo: &[u8], length: Duration) -> Outcome<Figures> {
    let limits = Limits::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let repeat = || {
        let mut micros = Vec::new();
        while begun.elapsed() < length {
            let started = Instant::now();
            let inspected = inspect(photo, &limits).map_err(|refused| refused.to_string())?;
            render(photo, &inspected, &limits).map_err(|refused| refused.to_string())?;
            micros.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        Ok::<_, String>(micros)
    };
    let done = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(repeat)).collect();
        running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut micros = Vec::new();
    for thread in done {
        micros.extend(thread.map_err(|_| fault("a thread ended in a panic"))?.map_err(fault)?);
    }
    Ok(Figures::new(begun.elapsed().as_secs_f64(), micros))
}
