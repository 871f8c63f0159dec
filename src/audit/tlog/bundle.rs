//! Entry bundles: each entry behind its length in two octets, most significant first (C2SP tlog-tiles, "Log entries").

/// The longest entry, in octets.
pub const ENTRY_MAX: usize = u16::MAX as usize;

/// An entry is longer than a bundle can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {0} octets is longer than {ENTRY_MAX}")]
pub struct EntryTooLong(pub usize);

/// Appends an entry to a bundle.
///
/// # Errors
/// When the entry is longer than [`ENTRY_MAX`].
pub(super) fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle; an item is `None` where the bundle breaks off.
pub(super) fn entries(mut bundle: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if bundle.is_empty() {
            return None;
        }
        let split = bundle
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(u16::from_be_bytes(*length).into()));
        let (entry, rest) = split.unzip();
        bundle = rest.unwrap_or_default();
        Some(entry)
    })
}
