//! Citizens who do not exist. Their fiscal codes name the place `X000`, which no municipality has, so that no
//! code can be a living person's.

/// A test citizen.
#[derive(Debug, PartialEq, Eq)]
pub struct Citizen {
    /// What they type to log in.
    pub user: &'static str,
    /// Given name.
    pub name: &'static str,
    /// Family name.
    pub family_name: &'static str,
    /// Fiscal code without its check character (DM 23 December 1976).
    code: &'static str,
    /// Date of birth, `yyyy-mm-dd`.
    pub born: &'static str,
    /// `F` or `M`.
    pub gender: &'static str,
}

/// The password of every test citizen.
pub const PASSWORD: &str = "prova";

/// All test citizens.
pub const CITIZENS: [Citizen; 8] = [
    citizen("ada", "Ada", "Prova", "PRVDAA85D52X000", "1985-04-12", "F"),
    citizen("bruno", "Bruno", "Collaudo", "CLLBRN72S03X000", "1972-11-03", "M"),
    citizen("carla", "Carla", "Verifica", "VRFCRL90A41X000", "1990-01-01", "F"),
    citizen("dario", "Dario", "Esempio", "SMPDRA01M15X000", "2001-08-15", "M"),
    // A minor: SPID gives identities from 14 on, and from 5 for school services.
    citizen("elena", "Elena", "Minore", "MNRLNE12E60X000", "2012-05-20", "F"),
    // Never logs in: the identity that forged assertions claim.
    citizen("vittima", "Vittoria", "Altrui", "LTRVTR60T50X000", "1960-12-10", "F"),
    // They look after the log.
    citizen("anna", "Anna", "Revisione", "RVSNNA79P57X000", "1979-09-17", "F"),
    citizen("franca", "Franca", "Garanzia", "GRNFNC68B64X000", "1968-02-24", "F"),
];

const fn citizen(
    user: &'static str,
    name: &'static str,
    family_name: &'static str,
    code: &'static str,
    born: &'static str,
    gender: &'static str,
) -> Citizen {
    Citizen { user, name, family_name, code, born, gender }
}

impl Citizen {
    /// The citizen who logs in as `user`.
    pub fn of(user: &str) -> Option<&'static Self> {
        CITIZENS.iter().find(|c| c.user == user)
    }

    /// The citizen who administers the lab's site.
    pub fn admin() -> &'static Self {
        &CITIZENS[2]
    }

    /// The citizen whom forged assertions name.
    pub fn victim() -> &'static Self {
        &CITIZENS[5]
    }

    /// The fiscal code, 16 characters.
    pub fn fiscal_code(&self) -> String {
        format!("{}{}", self.code, check_character(self.code))
    }

    /// `fiscalNumber` as SPID writes it.
    pub fn fiscal_number(&self) -> String {
        format!("TINIT-{}", self.fiscal_code())
    }

    /// The value of a SPID attribute; `None` where the provider does not hold it.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let value = match name {
            "spidCode" => format!("TEST{:0>10}", self.user.to_uppercase()),
            "name" => self.name.to_owned(),
            "familyName" => self.family_name.to_owned(),
            "fiscalNumber" => self.fiscal_number(),
            "dateOfBirth" => self.born.to_owned(),
            "placeOfBirth" => "X000".to_owned(),
            "countyOfBirth" => "XX".to_owned(),
            "gender" => self.gender.to_owned(),
            "email" => format!("{}@example.org", self.user),
            "mobilePhone" => "3330000000".to_owned(),
            "address" => "Via di Prova 1 10100 Torino TO".to_owned(),
            "expirationDate" => "2099-12-31".to_owned(),
            _ => return None,
        };
        Some(value)
    }
}

/// Values of the characters at odd places (1st, 3rd…), for `A`…`Z`; a digit counts as the letter of its number.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// The 16th character of a fiscal code (DM 23 December 1976, art. 8).
fn check_character(code: &str) -> char {
    let number = |c: char| c.to_digit(10).unwrap_or_else(|| u32::from(c).saturating_sub(u32::from('A')));
    let value = |(place, n): (usize, u32)| match place % 2 {
        0 => ODD.get(n as usize).copied().unwrap_or(0),
        _ => n,
    };
    let sum: u32 = code.chars().map(number).enumerate().map(value).sum();
    char::from_u32(u32::from('A') + sum % 26).unwrap_or('A')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_is_the_one_of_the_published_example() {
        assert_eq!(check_character("MRTMTT91D08F205"), 'J');
        assert_eq!(check_character("RSSMRA80A01L219"), 'M');
    }

    #[test]
    fn every_citizen_has_a_code_of_their_own() {
        let codes: std::collections::BTreeSet<_> = CITIZENS.iter().map(Citizen::fiscal_code).collect();
        assert_eq!(codes.len(), CITIZENS.len());
        assert!(codes.iter().all(|c| c.len() == 16 && c[11..15] == *"X000"));
    }

    #[test]
    fn a_spid_code_has_four_letters_and_ten_signs() {
        assert!(CITIZENS.iter().all(|c| c.attribute("spidCode").unwrap().len() == 14));
    }
}
