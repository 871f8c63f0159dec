//! A list from a directory (RFC 4516 addresses, RFC 4523 section 4.4): one entry is read, without a bind.

use super::{
    super::doubt::{Doubt, ensure},
    Limits, Public, resolve,
};
use bytes::BytesMut;
use ldap3_proto::{
    LdapCodec, LdapFilter, LdapMsg, LdapPartialAttribute, LdapResultCode, LdapSearchScope,
    proto::{LdapDerefAliases, LdapOp, LdapSearchRequest},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::codec::{Decoder, Encoder};
use url::Url;

/// The port of LDAP.
const PORT: u16 = 389;
/// The one attribute that is read; lists of authorities and differences are others.
const ATTRIBUTE: &str = "certificateRevocationList";
/// Messages before the end of a search: the entry, and a few references.
const MESSAGES: usize = 8;
/// Octets of a message beside the list.
const AROUND: usize = 64 * 1024;

/// The list that an address names.
pub async fn list(url: &Url, public: &Public, limits: Limits) -> Result<Vec<u8>, Doubt> {
    let search = search(url)?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let addresses = resolve(public, host, url.port().unwrap_or(PORT)).await?;
    let mut directory = TcpStream::connect(addresses.as_slice()).await.map_err(silence)?;
    directory.write_all(&encode(search)?).await.map_err(silence)?;
    let mut reader = Reader { codec: codec(limits.octets), buffer: BytesMut::new(), most: limits.octets };
    let mut list = None;
    for _ in 0..MESSAGES {
        match reader.message(&mut directory).await?.op {
            LdapOp::SearchResultEntry(entry) => list = Some(value(entry.attributes)?),
            LdapOp::SearchResultReference(_) => {}
            LdapOp::SearchResultDone(end) => return done(list, &end.code),
            _ => return Err(Doubt::new("ldap", "not an answer to a search")),
        }
    }
    Err(Doubt::new("ldap", "no end"))
}

/// `ldap://host/dn?attribute?scope?filter`: the entry itself is read, whatever the filter.
fn search(url: &Url) -> Result<LdapMsg, Doubt> {
    let text = percent(url.path().trim_start_matches('/'))?;
    let mut query = url.query().unwrap_or_default().split('?');
    let attribute = query.next().unwrap_or_default();
    let base = attribute.strip_suffix(";binary").unwrap_or(attribute);
    ensure(base.is_empty() || base.eq_ignore_ascii_case(ATTRIBUTE), "address", "another attribute")?;
    let scope = query.next().unwrap_or_default();
    ensure(scope.is_empty() || scope.eq_ignore_ascii_case("base"), "address", "more than one entry")?;
    ensure(!text.is_empty(), "address", "no entry named")?;
    let op = LdapOp::SearchRequest(LdapSearchRequest {
        base: text,
        scope: LdapSearchScope::Base,
        aliases: LdapDerefAliases::Never,
        sizelimit: 1,
        timelimit: 0,
        typesonly: false,
        filter: LdapFilter::Present("objectClass".to_owned()),
        attrs: vec![format!("{ATTRIBUTE};binary")],
    });
    Ok(LdapMsg { msgid: 1, op, ctrl: Vec::new() })
}

/// `%20` and its like; the query pair reader of `url` does the same for forms, where `+` is a space.
fn percent(text: &str) -> Result<String, Doubt> {
    let escaped = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let pair = url::form_urlencoded::parse(escaped.as_bytes()).next();
    let text = pair.map(|(name, _)| name.into_owned()).unwrap_or_default();
    ensure(!text.contains(char::REPLACEMENT_CHARACTER), "address", "not UTF-8")?;
    Ok(text)
}

/// The one list among an entry's attributes.
fn value(attributes: Vec<LdapPartialAttribute>) -> Result<Vec<u8>, Doubt> {
    let ours = |name: &str| name.split(';').next().is_some_and(|base| base.eq_ignore_ascii_case(ATTRIBUTE));
    let mut values: Vec<_> = attributes.into_iter().filter(|a| ours(&a.atype)).flat_map(|a| a.vals).collect();
    ensure(values.len() == 1, "ldap", format!("{} lists", values.len()))?;
    values.pop().ok_or_else(|| Doubt::new("ldap", "no list"))
}

fn done(list: Option<Vec<u8>>, code: &LdapResultCode) -> Result<Vec<u8>, Doubt> {
    ensure(*code == LdapResultCode::Success, "ldap", format!("{code:?}"))?;
    list.ok_or_else(|| Doubt::new("ldap", "no entry"))
}

fn codec(most: usize) -> LdapCodec {
    LdapCodec::new(Some(most.saturating_add(AROUND)), None)
}

fn encode(message: LdapMsg) -> Result<BytesMut, Doubt> {
    let mut octets = BytesMut::new();
    codec(AROUND).encode(message, &mut octets).map_err(|e| Doubt::new("ldap", e))?;
    Ok(octets)
}

fn silence(e: std::io::Error) -> Doubt {
    Doubt::new("silence", e)
}

struct Reader {
    codec: LdapCodec,
    buffer: BytesMut,
    most: usize,
}

impl Reader {
    /// The next message, no longer than a list may be.
    async fn message(&mut self, directory: &mut TcpStream) -> Result<LdapMsg, Doubt> {
        loop {
            if let Some(message) = self.decode()? {
                return Ok(message);
            }
            ensure(
                self.buffer.len() <= self.most.saturating_add(AROUND),
                "size",
                "more than a list may have",
            )?;
            let read = directory.read_buf(&mut self.buffer).await.map_err(silence)?;
            ensure(read > 0, "silence", "it broke off")?;
        }
    }

    /// The decoder logs all that it cannot read, which would fill the log with serials.
    fn decode(&mut self) -> Result<Option<LdapMsg>, Doubt> {
        let quiet = tracing::subscriber::NoSubscriber::default();
        let decoded = tracing::subscriber::with_default(quiet, || self.codec.decode(&mut self.buffer));
        decoded.map_err(|_| Doubt::new("ldap", "no message"))
    }
}
