//! `cargo bench -p benches --bench codec`: each operation on each sample, ours beside the peers'.

use benches::codec::contenders::cases;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn codec(criterion: &mut Criterion) {
    for case in cases() {
        for operation in case.operations {
            let mut group = criterion.benchmark_group(operation.name);
            group.throughput(Throughput::Bytes(case.bytes.len() as u64));
            for mut contender in operation.contenders {
                let id = BenchmarkId::new(contender.name, case.name);
                group.bench_function(id, |bencher| bencher.iter_custom(|times| contender.time(times)));
            }
        }
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
