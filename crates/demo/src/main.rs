//! Three resizers, the balancer and the client as one job tree in one process.

fn main() {}
