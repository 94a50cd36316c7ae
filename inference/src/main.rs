//! `stargazer-inference`: a worker. Start as many as needed.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Chosen here, once: with more than one provider in a build, rustls takes none by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    service::main::<inference::Inference>()
}
