//! What differs by system: whether there is a display, how links come in, how a second start
//! reaches the first.
//!
//! Each module picks the file of its system; nothing else asks which system it is.

pub(crate) mod display;
pub(crate) mod instance;
pub(crate) mod open_url;
