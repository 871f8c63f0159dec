//! The explanation, `LEGGIMI.txt`: words for who has to judge and has never seen such a file. The words are in
//! `LEGGIMI.txt` beside this file.

use crate::{
    case::{Answer, Outcome, Question, Request, Signed, What},
    entry::Clock,
};
use jiff::Timestamp;

const WORDS: &str = include_str!("LEGGIMI.txt");

/// Fills the words in.
pub fn text(
    request: &Signed<Request>,
    question: &Question,
    answer: &Signed<Answer>,
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
    ];
    filled.into_iter().fold(WORDS.to_owned(), |text, (place, words)| text.replace(place, &words))
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
