//! Real-time clocks.

mod goldfish;
mod pl031;

pub use goldfish::GOLDFISH_RTC;
pub use pl031::PL031;
