//! Prints `docs/wire.md`, read from standard input, with its tables as they should be:
//!
//! ```sh
//! cargo run -p codec --example wire_tables < docs/wire.md > /tmp/wire.md && mv /tmp/wire.md docs/wire.md
//! ```

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let page = io::read_to_string(io::stdin())?;
    io::stdout().write_all(codec::tables::fill(&page).as_bytes())
}
