//! Real-time clocks.

mod goldfish;

pub use goldfish::GOLDFISH_RTC;
