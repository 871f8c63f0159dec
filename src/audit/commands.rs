//! One file for each command.

pub mod allow;
pub mod answer;
pub mod ask;
pub mod authorised_operator;
pub mod count;
pub mod expire;
pub mod export;
pub mod find;
pub mod fsck;
pub mod hold;
pub mod index;
mod kept;
pub mod keys;
mod officer;
pub mod pack;
pub mod prove;
pub mod shares;
mod source;
pub mod verify;
pub mod who;

use std::io::{ErrorKind, Write as _};

/// Writes the answer, a question at the terminal too, which ends in no line. A reader who stops early, as `head` does, is no
/// failure of the search.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
