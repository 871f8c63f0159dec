//! Asking one witness, within limits.

use super::{
    Witness,
    answer::{Answer, Failure, Line, read, request},
};
use crate::{app, registry::octets};
use reqwest::header::CONTENT_TYPE;
use std::path::{Path, PathBuf};
use varco_audit::tlog::{Folder, Signed, TileError, Tiles};

/// The longest answer that is read: some signature lines.
const ANSWER_MAX: usize = 1 << 14;
/// How often one round asks a witness: with what is believed, with what it told, and once more if another asked meanwhile.
const TRIES: u32 = 3;

/// Asks a witness to cosign a checkpoint; `old` is the size that it is believed to know.
///
/// # Errors
/// [`Failure`].
pub(super) async fn ask(
    witness: &Witness,
    folder: &Path,
    checkpoint: &Signed,
    mut old: u64,
) -> Result<Line, Failure> {
    for _ in 0..TRIES {
        let proof = prove(folder.to_owned(), checkpoint.clone(), old).await?;
        match once(witness, request(old, &proof, checkpoint), checkpoint).await? {
            Answer::Cosigned(line) => return Ok(line),
            Answer::Knows(size) => old = size,
        }
    }
    Err(Failure::Status(409))
}

async fn once(witness: &Witness, body: String, checkpoint: &Signed) -> Result<Answer, Failure> {
    let lost = |error: String| Failure::Unreachable(error);
    let sent = witness.client.post(witness.url.clone()).body(body).send().await;
    let answer = sent.map_err(|error| lost(format!("{:#}", anyhow::Error::from(error))))?;
    let status = answer.status().as_u16();
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let body = octets(answer, ANSWER_MAX).await.map_err(|error| lost(format!("{error:#}")))?;
    read(status, &kind, &body, checkpoint, &witness.key, app::now())
}

/// The proof that the log continues what the witness knows; read from the log's folder, on a thread that may wait.
async fn prove(
    folder: PathBuf,
    checkpoint: Signed,
    old: u64,
) -> Result<Vec<varco_audit::tlog::Hash>, Failure> {
    let work =
        move || -> Result<_, TileError> { Tiles::open(Folder::new(&folder), &checkpoint)?.consistency(old) };
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Failure::Unreachable(error.to_string()))??)
}
