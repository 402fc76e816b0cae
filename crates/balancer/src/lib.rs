//! A layer-4 TCP load balancer.
