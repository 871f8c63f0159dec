//! A public body in whose name the service runs.

use super::Fault;
use url::Url;

/// A public body, as its metadata and certificate state it (*Regole tecniche SPID*, metadata; Avviso SPID 29).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Full name with its own capitals and accents, 1 to 64 characters.
    pub name: String,
    /// Name shown to citizens, 1 to 64 characters.
    pub display_name: String,
    /// Its site.
    pub url: String,
    /// Code in the *Indice delle Pubbliche Amministrazioni*, 1 to 16 characters: `c_l219`.
    pub ipa_code: String,
    /// Mailbox of the office, not of a person.
    pub email: String,
    /// `+39` and digits, no blanks.
    pub telephone: String,
    /// Town of its seat.
    pub locality: String,
    /// *Codice catastale* (Belfiore) of the town of its seat, `L219`; CIE asks for it.
    pub municipality: Option<String>,
}

impl Body {
    /// Refuses what AgID's metadata checks would refuse.
    ///
    /// # Errors
    /// [`Fault::Setting`] naming the field.
    pub fn check(&self) -> Result<(), Fault> {
        is_name("body.name", &self.name)?;
        is_name("body.display_name", &self.display_name)?;
        is_name("body.locality", &self.locality)?;
        is_url("body.url", &self.url)?;
        let ipa = self.ipa_code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        holds("body.ipa_code", ipa && (1..=16).contains(&self.ipa_code.len()), "write the IPA code: c_l219")?;
        is_email("body.email", &self.email)?;
        is_telephone("body.telephone", &self.telephone)?;
        let town = self.municipality.as_deref().is_none_or(is_municipality);
        holds("body.municipality", town, "write the Belfiore code of the town: L219")
    }
}

/// Refuses a value that is no absolute https URL without query and fragment.
pub(super) fn is_url(key: &str, value: &str) -> Result<(), Fault> {
    let good = Url::parse(value).is_ok_and(|u| {
        u.scheme() == "https" && u.has_host() && u.query().is_none() && u.fragment().is_none()
    });
    holds(key, good && clean(value), "write an https URL without query: https://accesso.comune.example.it")
}

pub(super) fn is_email(key: &str, email: &str) -> Result<(), Fault> {
    let good = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    holds(key, good && clean(email), "write the mailbox of an office: spid@comune.example.it")
}

pub(super) fn is_telephone(key: &str, telephone: &str) -> Result<(), Fault> {
    let digits = telephone.strip_prefix("+39").unwrap_or_default();
    let good = digits.len() >= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    holds(key, good, "write +39 and digits without blanks: +390110000000")
}

/// One letter and three digits (Agenzia delle Entrate, *codici catastali*).
pub(super) fn is_municipality(code: &str) -> bool {
    code.len() == 4
        && code
            .bytes()
            .zip(0..)
            .all(|(b, n)| if n == 0 { b.is_ascii_uppercase() } else { b.is_ascii_digit() })
}

pub(super) fn is_name(key: &str, value: &str) -> Result<(), Fault> {
    let good = (1..=64).contains(&value.chars().count()) && value.trim() == value;
    holds(key, good && !value.chars().any(char::is_control), "write 1 to 64 characters without outer blanks")
}

pub(super) fn clean(value: &str) -> bool {
    !value.chars().any(|c| c.is_control() || c.is_whitespace())
}

pub(super) fn holds(key: &str, good: bool, remedy: &str) -> Result<(), Fault> {
    if good { Ok(()) } else { Err(Fault::Setting { key: key.to_owned(), problem: remedy.to_owned() }) }
}
