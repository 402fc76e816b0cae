//! The server from outside: real sockets, the real engine, and the command as it is started.

#![cfg(test)]

mod command;
mod load;
mod refusals;
mod resize;
mod support;
mod watch;
