//! A link between real interfaces, in network namespaces that the tests make; skipped, and saying so, where this
//! process cannot do AF_XDP.

mod devices;
mod forwarding;
mod huge_pages;
mod jumbo;
mod lab;
mod lending;
mod lifecycle;
