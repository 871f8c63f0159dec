//! The CSV as the body of an answer: as it is read, so that a year takes no more memory than an hour.

use super::{csv, ledger, tally::Span};
use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use std::{
    io,
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// The pieces, read by a thread that may block.
#[derive(Debug)]
pub struct Csv {
    first: Option<Bytes>,
    rest: Receiver<io::Result<Bytes>>,
}

impl Csv {
    /// Begins to read.
    ///
    /// # Errors
    /// When there is nothing to read yet, or it is damaged from the beginning.
    pub async fn begin(state: PathBuf, span: Span) -> io::Result<Self> {
        let (sender, mut rest) = channel(2);
        actix_web::rt::task::spawn_blocking(move || {
            if let Err(error) = send(&state, span, &sender) {
                // Who asked may have gone away.
                let _ = sender.blocking_send(Err(io::Error::other(error)));
            }
        });
        let first = rest.recv().await.transpose()?;
        Ok(Self { first, rest })
    }
}

fn send(
    state: &std::path::Path,
    span: Span,
    to: &Sender<io::Result<Bytes>>,
) -> Result<(), ledger::LedgerError> {
    let mut piece = csv::header();
    ledger::read(state, span.from, span.to, |minute| {
        piece += &csv::line(&minute);
        piece.len() < PIECE || to.blocking_send(Ok(std::mem::take(&mut piece).into())).is_ok()
    })?;
    // Who asked may have gone away.
    let _ = to.blocking_send(Ok(piece.into()));
    Ok(())
}

impl MessageBody for Csv {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.rest.poll_recv(context),
        }
    }
}
