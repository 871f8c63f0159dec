//! The state machine on paper: transcripts of what follows from what, and a world in which everything fails.

mod any_order;
mod limits;
mod line;
mod provider_logout;
mod shares;
mod transcripts;
mod world;
