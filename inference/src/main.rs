//! `stargazer-inference`: a worker. Start as many as needed.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service::main::<inference::Inference>()
}
