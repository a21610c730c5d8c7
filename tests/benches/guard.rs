//! What it costs that a request is guarded, and that personal data is sealed.
//!
//! `cargo bench -p suishoupai-tests --bench guard`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made need not go on")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::test::TestRequest;
use actix_web::{FromRequest as _, HttpRequest, web};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::future::join_all;
use suishoupai_api::auth::{Auth, Official};
use suishoupai_storage::seal::{KeyRing, Sealer};
use suishoupai_tests::{Engine, Server};

/// Requests that are looked at together, as on a server that is busy.
const TOGETHER: u64 = 64;

fn request(server: &Server, token: &str) -> HttpRequest {
    TestRequest::get()
        .app_data(web::Data::new(server.services().clone()))
        .insert_header(("authorization", format!("Bearer {token}")))
        .to_http_request()
}

async fn guard(request: &HttpRequest) {
    black_box(Auth::<Official>::from_request(request, &mut Payload::None).await.unwrap());
}

fn guards(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine);
        let official = server.official("grid1");
        let request = request(&server, official.token());
        criterion.bench_function(&format!("{engine:?}: one guarded request"), |bencher| {
            bencher.iter_custom(|count| {
                runtime.block_on(async {
                    let begun = Instant::now();
                    for _ in 0..count {
                        guard(&request).await;
                    }
                    begun.elapsed()
                })
            });
        });
        criterion.bench_function(&format!("{engine:?}: each of {TOGETHER} at once"), |bencher| {
            bencher.iter_custom(|count| {
                runtime.block_on(async {
                    let mut took = Duration::ZERO;
                    for _ in 0..count.div_ceil(TOGETHER) {
                        let begun = Instant::now();
                        join_all((0..TOGETHER).map(|_| guard(&request))).await;
                        took += begun.elapsed();
                    }
                    took
                })
            });
        });
        let (services, now) = (server.services(), server.now());
        criterion.bench_function(&format!("{engine:?}: the token of it"), |bencher| {
            bencher.iter(|| black_box(services.tokens.verify(official.token(), now).unwrap()));
        });
    }
}

fn seals(criterion: &mut Criterion) {
    let sealer = Sealer::new(&KeyRing::of([7; 32]));
    criterion.bench_function("a name sealed", |bencher| {
        bencher.iter(|| black_box(sealer.seal("contact", "张三丰").unwrap()));
    });
    let sealed = sealer.seal("contact", "张三丰").unwrap();
    criterion.bench_function("a name opened", |bencher| {
        bencher.iter(|| black_box(sealer.open("contact", &sealed).unwrap()));
    });
    criterion.bench_function("a number indexed", |bencher| {
        bencher.iter(|| black_box(sealer.index("phone", "13800000013")));
    });
}

criterion_group!(benches, guards, seals);
criterion_main!(benches);
