//! Frames in and out of two ports over AF_XDP.
