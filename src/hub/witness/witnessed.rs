//! `checkpoint.witnessed`, and what a reader makes of it.

use super::Witness;
use crate::{config::WitnessSettings, log::HubLog};
use jiff::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};
use varco_audit::tlog::{Cosignature, Signed, VerifierKey};

/// Its name in the log's folder.
const NAME: &str = "checkpoint.witnessed";

/// What each witness has cosigned last: size and instant; `None` where its cosignature is not on the newest checkpoint that
/// is witnessed. Reads the disk.
pub fn cosignatures<'a>(log: &HubLog, witnesses: &'a [Witness]) -> Vec<(&'a str, Option<(u64, Timestamp)>)> {
    let signed = log.witnessed();
    let of = |witness: &Witness| {
        let signed = signed.as_ref()?;
        Some((signed.size, Cosignature::verify(signed, &witness.key).ok()?.at))
    };
    witnesses.iter().map(|witness| (witness.key.name(), of(witness))).collect()
}

/// What each witness of the settings says of a checkpoint: its name and when it cosigned.
pub fn cosigned(signed: &Signed, witnesses: &[WitnessSettings]) -> Vec<(String, Option<Timestamp>)> {
    let keys = witnesses.iter().filter_map(|witness| witness.vkey.parse::<VerifierKey>().ok());
    let of = |key: VerifierKey| {
        let at = Cosignature::verify(signed, &key).ok().map(|cosignature| cosignature.at);
        (key.name().to_owned(), at)
    };
    keys.map(of).collect()
}

/// Puts a checkpoint with cosignatures in the place of the one before: a crash leaves the old one or the new one.
pub(super) fn write(folder: &Path, signed: &Signed) -> io::Result<()> {
    let new = folder.join("checkpoint.witnessed.new");
    let mut file = File::create(&new)?;
    file.write_all(signed.note().as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, folder.join(NAME))?;
    File::open(folder)?.sync_all()
}
