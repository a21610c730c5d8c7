//! Near pictures among ten million, against reading the same bytes once.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use suishoupai_core::likeness::{NearIndex, Print};

const COUNT: u64 = 10_000_000;
/// What a district has after some years.
const FEW: u64 = 150_000;
const LIMIT: usize = 200;

fn scrambled(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The index of these, as a server reads them from its database.
fn indexed(hashes: &[u64]) -> NearIndex {
    let mut index = NearIndex::new(usize::MAX);
    for (number, part) in (0_i64..).zip(hashes.chunks(1 << 20)) {
        let first = number << 20;
        let prints: Vec<Print> = (first..).zip(part).map(|(id, hash)| Print { hash: *hash, id }).collect();
        index = index.with(&prints);
    }
    index
}

fn near(c: &mut Criterion) {
    let hashes: Vec<u64> = (0..COUNT).map(scrambled).collect();
    let index = indexed(&hashes);
    println!("{} pictures take {} MiB", index.len(), index.bytes() >> 20);
    let mut group = c.benchmark_group("10 M pictures");
    group.sample_size(20);
    group.bench_function("reading 80 MB once", |b| {
        b.iter(|| black_box(&hashes).iter().fold(0_u64, |sum, hash| sum.wrapping_add(*hash)));
    });
    group.bench_function("comparing with each", |b| {
        let mut number = COUNT;
        b.iter(|| {
            number += 1;
            let wanted = scrambled(number);
            black_box(&hashes).iter().filter(|hash| (*hash ^ wanted).count_ones() <= 10).count()
        });
    });
    group.bench_function("near ones of a new picture", |b| {
        let mut number = COUNT;
        b.iter(|| {
            number += 1;
            index.near(scrambled(number), LIMIT)
        });
    });
    group.bench_function("near ones of a picture sent again", |b| {
        let mut number = 0;
        b.iter(|| {
            number += 7919;
            let found = index.near(scrambled(number % COUNT) ^ 0x8000_0400_0020_0001, LIMIT);
            assert!(!found.is_empty());
            found
        });
    });
    group.finish();
    let few = indexed(&hashes[..FEW as usize]);
    c.bench_function("near ones of a new picture among 150,000", |b| {
        let mut number = COUNT;
        b.iter(|| {
            number += 1;
            few.near(scrambled(number), LIMIT)
        });
    });
}

criterion_group!(benches, near);
criterion_main!(benches);
