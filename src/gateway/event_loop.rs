//! The one loop that feeds the site its events and performs its effects, in order.
//!
//! A round takes every event that has come, records all their changes in one transaction, then performs the rest. What
//! depends on a record is only decided by the event that says it is durable, so it belongs to a later round.

use crate::{
    board::Board,
    enforcer::Asked,
    site::{
        Answer, Effect, Event, Login, Site, Ticket,
        shares::{SharesAnswer, SharesAsk},
    },
    store::Store,
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use uuid::Uuid;
use varco_policy::{
    Device, PassId, Rate, Subject,
    pass::{Session, Sid},
};

/// How many messages may wait; more are refused, and the citizen is asked to try again.
const WAITING: usize = 4096;
/// How many are taken in one round, so that a transaction stays short.
const ROUND: usize = 512;
/// The longest sleep.
const IDLE: Duration = Duration::from_secs(60);

/// What the loop is told.
#[derive(Debug)]
pub enum Message {
    /// Something happened.
    Event(Event),
    /// The enforcer can be asked, on the connection of this number.
    EnforcerBack(u64),
    /// A citizen has logged in; the answer is awaited.
    LogIn(Device, Subject, Option<Session>, oneshot::Sender<Answer>),
    /// A citizen leaves; the answer is awaited.
    LogOut(Device, oneshot::Sender<Answer>),
    /// The identity provider has ended a login of this person, or each without a name; the answer is awaited.
    ProviderLogOut(Subject, Option<Sid>, oneshot::Sender<Answer>),
    /// An operator ends a pass; the answer is awaited.
    Expel(PassId, oneshot::Sender<Answer>),
    /// Somebody asks about the shares; the answer is awaited.
    Shares(SharesAsk, oneshot::Sender<SharesAnswer>),
    /// An operator gives a pass another rate, `None` for what the site allows; the answer is awaited.
    Rate(PassId, Option<Rate>, oneshot::Sender<Answer>),
    /// The program ends. The kernel is left as it is: who has a pass keeps it.
    Stop,
}

/// The loop does not take the message: it is overloaded or has ended.
#[derive(Debug, thiserror::Error)]
#[error("the gateway is overloaded or stopping")]
pub struct Refused;

/// Where the loop is told things.
#[derive(Debug, Clone)]
pub struct Inbox(SyncSender<Message>);

impl Inbox {
    /// A new inbox and its other end.
    pub fn new() -> (Self, Receiver<Message>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self(sender), receiver)
    }

    /// Tells the loop, waiting for room. Only for threads that may block.
    ///
    /// # Errors
    /// When the loop has ended.
    pub fn tell(&self, message: Message) -> Result<(), Refused> {
        self.0.send(message).map_err(|_| Refused)
    }

    /// Asks the loop and waits for the answer, `patience` at most.
    ///
    /// # Errors
    /// When the loop is overloaded, has ended, or does not answer in time.
    pub async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
        patience: Duration,
    ) -> Result<T, Refused> {
        let (sender, receiver) = oneshot::channel();
        self.0.try_send(message(sender)).map_err(|_| Refused)?;
        let answer = tokio::time::timeout(patience, receiver).await;
        answer.ok().and_then(Result::ok).ok_or(Refused)
    }
}

/// The program ends.
#[derive(Debug)]
struct Stopping;

/// The loop's parts.
#[derive(Debug)]
pub struct EventLoop {
    site: Site,
    store: Store,
    inbox: Receiver<Message>,
    enforcer: Sender<Asked>,
    board: Arc<Board>,
    answers: HashMap<Ticket, oneshot::Sender<Answer>>,
    shares: HashMap<Ticket, oneshot::Sender<SharesAnswer>>,
    tickets: u64,
    line: u64,
}

impl EventLoop {
    /// A loop around a site that has been resumed.
    pub fn new(
        site: Site,
        store: Store,
        inbox: Receiver<Message>,
        enforcer: Sender<Asked>,
        board: Arc<Board>,
    ) -> Self {
        let (answers, shares) = (HashMap::new(), HashMap::new());
        Self { site, store, inbox, enforcer, board, answers, shares, tickets: 0, line: 0 }
    }

    /// Runs the loop in a thread of its own.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(self) -> io::Result<std::thread::JoinHandle<()>> {
        std::thread::Builder::new().name("site".into()).spawn(move || {
            let _whole = Whole;
            self.run();
        })
    }

    fn run(mut self) {
        let mut events = vec![Event::Tick];
        loop {
            self.round(std::mem::take(&mut events));
            let Some(first) = self.wait() else { return };
            let mut next = first;
            while let Some(message) = next {
                match self.event_of(message) {
                    Ok(event) => events.extend(event),
                    Err(Stopping) => return,
                }
                next = if events.len() < ROUND { self.inbox.try_recv().ok() } else { None };
            }
            if events.is_empty() {
                events.push(Event::Tick);
            }
        }
    }

    /// The next message, or `Some(None)` when a deadline of the site has come; `None` when nobody is left to tell us.
    fn wait(&self) -> Option<Option<Message>> {
        let left = self
            .site
            .next_deadline()
            .map_or(IDLE, |at| at.duration_since(now()).try_into().unwrap_or_default());
        // A millisecond more, so that the deadline has truly passed when we wake.
        match self.inbox.recv_timeout(left.min(IDLE) + Duration::from_millis(1)) {
            Ok(message) => Some(Some(message)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// The event of a message; none where it is answered already.
    fn event_of(&mut self, message: Message) -> Result<Option<Event>, Stopping> {
        Ok(Some(match message {
            Message::Event(event) => event,
            Message::EnforcerBack(line) => {
                self.line = line;
                Event::EnforcerBack
            }
            Message::LogIn(device, subject, session, answer) => {
                return Ok(self.login(device, subject, session, answer));
            }
            Message::ProviderLogOut(person, session, answer) => {
                Event::ProviderLogOut { person, session, ticket: self.ticket(answer) }
            }
            Message::LogOut(device, answer) => Event::LogOut { device, ticket: self.ticket(answer) },
            Message::Expel(pass, answer) => Event::Expel { pass, ticket: self.ticket(answer) },
            Message::Shares(ask, answer) => {
                self.tickets += 1;
                self.shares.insert(Ticket(self.tickets), answer);
                Event::Shares(ask, Ticket(self.tickets))
            }
            Message::Rate(pass, rate, answer) => Event::Rate { pass, rate, ticket: self.ticket(answer) },
            Message::Stop => return Err(Stopping),
        }))
    }

    /// A login with what is on record of the person's day. Where that cannot be read nobody is let in: the day would be
    /// given anew.
    fn login(
        &mut self,
        device: Device,
        subject: Subject,
        session: Option<Session>,
        answer: oneshot::Sender<Answer>,
    ) -> Option<Event> {
        match self.site.day().map(|day| self.store.used(&subject, day)).transpose() {
            Ok(used) => {
                let (pass, ticket) = (PassId(Uuid::new_v4()), self.ticket(answer));
                Some(Event::LoggedIn(Login { device, subject, session, pass, used: used.flatten(), ticket }))
            }
            Err(error) => {
                tracing::error!(%error, "what a person has used cannot be read; they are not admitted");
                // Who asked may have given up waiting.
                let _ = answer.send(Answer::RecordsFailed);
                None
            }
        }
    }

    fn ticket(&mut self, answer: oneshot::Sender<Answer>) -> Ticket {
        self.tickets += 1;
        self.answers.insert(Ticket(self.tickets), answer);
        Ticket(self.tickets)
    }

    /// Handles events until none is left: recording makes new ones.
    fn round(&mut self, mut events: Vec<Event>) {
        while !events.is_empty() {
            let (mut changes, mut rest) = (Vec::new(), Vec::new());
            for event in events.drain(..) {
                if matches!(event, Event::EnforcerLost) {
                    // What this round wanted to ask on the lost connection must not be asked on the next one.
                    rest.retain(|effect| !matches!(effect, Effect::Ask(_)));
                }
                for effect in self.site.handle(event, now()) {
                    match effect {
                        Effect::Record(change) => changes.push(change),
                        other => rest.push(other),
                    }
                }
            }
            if !changes.is_empty() {
                events.push(self.record(changes));
            }
            // Who is answered looks at the board next.
            if rest.iter().any(|effect| matches!(effect, Effect::AnswerShares(..))) {
                self.board.publish(self.site.status());
            }
            rest.into_iter().for_each(|effect| self.perform(effect));
        }
        let status = self.site.status();
        let online = status.online;
        self.board.publish(status);
        if let Err(error) = self.store.keep_up(online, now()) {
            tracing::error!(%error, "the heartbeat cannot be recorded");
        }
    }

    fn record(&mut self, changes: Vec<crate::site::Change>) -> Event {
        match self.store.commit(&changes, now()) {
            Ok(()) => Event::Recorded(changes),
            Err(error) => {
                tracing::error!(%error, changes = changes.len(), "records cannot be written; nobody new is admitted");
                Event::RecordFailed(changes)
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            // Recorded before anything else of the round.
            Effect::Record(_) => {}
            // If the thread has ended, the process is ending.
            Effect::Ask(request) => drop(self.enforcer.send(Asked { line: self.line, request })),
            Effect::Show(pass, terms) => self.board.show(&pass, terms),
            Effect::Left(left) => self.board.left(&left),
            Effect::Hide(device) => self.board.hide(device),
            Effect::Answer(ticket, answer) => {
                // Who asked may have given up waiting.
                self.answers.remove(&ticket).map(|waiting| waiting.send(answer));
            }
            Effect::AnswerShares(ticket, answer) => {
                self.shares.remove(&ticket).map(|waiting| waiting.send(answer));
            }
        }
    }
}

/// A program without its loop would go on showing pages that let nobody in: better none, so that it is started again and
/// takes up its records.
pub(crate) struct Whole;

impl Drop for Whole {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::exit(1);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the loop is the edge where the site gets its time")]
fn now() -> Timestamp {
    Timestamp::now()
}
