//! The `carevow` command.

fn main() {}
