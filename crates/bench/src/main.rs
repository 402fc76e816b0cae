//! Every performance figure the project states, beside its peers.

fn main() {}
