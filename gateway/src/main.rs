//! `stargazer-gateway`: holds the platforms' live connections.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service::main::<gateway::Gateway>()
}
