//! The explanation, `LEGGIMI.txt`: words for who has to judge and has never seen such a file. The words are in
//! `LEGGIMI.txt` beside this file.

use crate::{
    case::{Answer, Outcome, Question, Request, Signed, What},
    entry::Clock,
};
use jiff::Timestamp;

const WORDS: &str = include_str!("LEGGIMI.txt");

/// Who beside hub and officers vouches for the pack, and how many logs it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Sites.
    pub sites: usize,
    /// Witnesses that must have cosigned the hub's checkpoint.
    pub witnesses: usize,
    /// Whether an authority has stamped it with the time.
    pub stamped: bool,
}

/// Fills the words in.
pub fn text(
    request: &Signed<Request>,
    question: &Question,
    answer: &Signed<Answer>,
    vouched: Vouched,
    at: Timestamp,
) -> String {
    let asked = match &question.what {
        What::Slot(m) => format!(
            "Chi usava l'indirizzo IP pubblico {}, porta {} ({}), il {} (con tolleranza di {} secondi)?",
            m.address, m.port, m.protocol, m.at, m.tolerance
        ),
        What::Shares { from, to } => {
            format!("Chi ha modificato la ripartizione della banda, dal {from} al {to}?")
        }
    };
    let filled = [
        ("{case}", request.case_id().to_string()),
        ("{made}", at.to_string()),
        ("{act}", question.act.clone()),
        ("{authority}", question.authority.clone()),
        ("{asked}", asked),
        ("{requester}", format!("{} il {}", request.by, request.at)),
        ("{approver}", format!("{} il {}", answer.by, answer.at)),
        ("{found}", found(answer)),
        ("{clock}", clock(answer.clock)),
        ("{places}", vouched.places()),
        ("{options}", vouched.options()),
        ("{outside}", vouched.outside()),
        ("{stamp}", if vouched.stamped { STAMP.to_owned() } else { String::new() }),
    ];
    filled.into_iter().fold(WORDS.to_owned(), |text, (place, words)| text.replace(place, &words))
}

/// How the time stamp is verified by hand.
const STAMP: &str = "La marca temporale:\n\n    \
    openssl ts -verify -in hub/timestamp.tsr -data <(sed '/^$/,$d' hub/checkpoint) -CAfile CERTIFICATO\n\n";

impl Vouched {
    /// What the words in capitals stand for that are not in every pack.
    fn places(self) -> String {
        let witness = "    TESTIMONE    quella di un testimone indipendente\n";
        let authority = "    CERTIFICATO  il certificato (PEM) dell'autorità di marcatura temporale\n";
        [(self.witnesses > 0, witness), (self.stamped, authority)]
            .iter()
            .filter_map(|(there, words)| there.then_some(*words))
            .collect()
    }

    /// What both programs are told: each key once for each who has one.
    fn options(self) -> String {
        let each = |count: usize, words: &str| words.repeat(count);
        let keys = "--hub-vkey CENTRALE --mirror COPIA".to_owned() + &each(self.sites, " --vkey SITO");
        let people = each(self.witnesses, " --witness TESTIMONE") + " --holders CARTELLA";
        keys + &people + if self.stamped { " --tsa CERTIFICATO" } else { "" }
    }

    /// Whether anybody outside vouches for when it existed.
    fn outside(self) -> String {
        let witnesses = match self.witnesses {
            0 => "Nessun testimone ha firmato lo stato del registro centrale".to_owned(),
            1 => "Un testimone ha firmato lo stato del registro centrale (hub/checkpoint)".to_owned(),
            n => format!("{n} testimoni hanno firmato lo stato del registro centrale (hub/checkpoint)"),
        };
        let stamp = if self.stamped {
            "la sua marca temporale è in hub/timestamp.tsr"
        } else {
            "una marca temporale non c'è"
        };
        format!("{witnesses}; {stamp}.")
    }
}

fn found(answer: &Answer) -> String {
    let head = match answer.outcome {
        Outcome::One => "Una sola sessione corrisponde alla domanda.",
        Outcome::Ambiguous => {
            "Più sessioni corrispondono alla domanda: la risposta è AMBIGUA e nessuna di esse, da sola, può essere attribuita."
        }
        Outcome::Nobody => "Nessuna sessione corrisponde alla domanda.",
        Outcome::Closed => {
            "I dati che risponderebbero non esistono più: il termine di conservazione è trascorso."
        }
        Outcome::Shares(_) => "Le modifiche richieste sono nel registro del sito.",
    };
    let sessions = answer.sessions.iter().map(|s| {
        format!(
            "\n\n    sito        {}\n    sessione    {}\n    soggetto    {}\n    dal         {}\n    al          {}\n    fine        {}\n    registrazioni n. {}",
            s.site, s.pass, s.subject.as_str(), s.from, s.until, s.ended,
            s.records.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        )
    });
    std::iter::once(head.to_owned()).chain(sessions).collect()
}

fn clock(clock: Clock) -> String {
    match clock {
        Clock::Unknown => "Nessuno sapeva quanto fosse esatto l'orologio del sito: la ricerca è stata allargata di due minuti.".to_owned(),
        Clock::WithinMs(ms) => format!("Per sua stessa stima l'orologio del sito poteva sbagliare al più di {ms} millesimi di secondo."),
    }
}
