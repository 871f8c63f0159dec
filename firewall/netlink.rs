//! Talking with the kernel itself (netlink(7)): no program is started, and the cost of a question is its answer.
//!
//! One socket for each protocol is kept open by the thread that asks: closing one of netfilter waits until the kernel
//! has done with what was deleted before, tens of milliseconds. The kernel does what it is sent before `send`
//! returns, so its answers are there to be read without waiting.

use crate::exec::ExecError;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer,
    NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable, NlasIterator,
};
use netlink_sys::{Socket, SocketAddr, protocols};
use nix::{
    errno::Errno,
    sys::{
        socket::{MsgFlags, getsockopt, setsockopt, sockopt},
        time::{TimeVal, TimeValLike},
    },
};
use std::{cell::RefCell, io};

/// A question or an order with the flags of its kind; [`NLM_F_REQUEST`] is a matter of course.
pub type Order<M> = (u16, M);

/// The kernel sends at most this much at once.
const CHUNK: usize = 65_536;
/// Room asked for what is sent at once: a transaction of 50,000 elements has 3 MB.
const ROOM: usize = 8 * 1024 * 1024;
/// Orders sent at once; each that fails is answered, and all the answers must fit into the socket.
const AT_ONCE: usize = 100;
/// A listing that something changed meanwhile is begun again.
const TRIES: usize = 20;

thread_local! {
    static NETFILTER: RefCell<Option<Link>> = const { RefCell::new(None) };
    static ROUTE: RefCell<Option<Link>> = const { RefCell::new(None) };
}

/// Asks netfilter: nftables, conntrack.
///
/// # Errors
/// When no socket can be made, or `work` fails.
pub fn netfilter<T>(work: impl FnOnce(&mut Link) -> Result<T, ExecError>) -> Result<T, ExecError> {
    NETFILTER.with_borrow_mut(|link| with(link, "netfilter", protocols::NETLINK_NETFILTER, work))
}

/// Asks the network: interfaces, neighbours, queues.
///
/// # Errors
/// When no socket can be made, or `work` fails.
pub fn route<T>(work: impl FnOnce(&mut Link) -> Result<T, ExecError>) -> Result<T, ExecError> {
    ROUTE.with_borrow_mut(|link| with(link, "the network", protocols::NETLINK_ROUTE, work))
}

fn with<T>(
    kept: &mut Option<Link>,
    name: &'static str,
    protocol: isize,
    work: impl FnOnce(&mut Link) -> Result<T, ExecError>,
) -> Result<T, ExecError> {
    let mut link = match kept.take() {
        Some(link) => link,
        None => Link::open(name, protocol)?,
    };
    let outcome = work(&mut link);
    // After a refusal nothing is left to be read; after anything else an old answer might be taken for a new one.
    if matches!(outcome, Ok(_) | Err(ExecError::Refused { .. })) {
        *kept = Some(link);
    }
    outcome
}

/// An open socket to a part of the kernel.
#[derive(Debug)]
pub struct Link {
    socket: Socket,
    name: &'static str,
    sequence: u32,
    room: usize,
    inbox: Vec<u8>,
}

/// One message of the kernel.
struct Answer<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

impl Answer<'_> {
    /// The error, where it is one; 0 says that the order was carried out.
    fn code(&self) -> Option<i32> {
        let code = self.payload.first_chunk().map(|code| i32::from_ne_bytes(*code).saturating_abs());
        if self.kind == NLMSG_ERROR { Some(code.unwrap_or(Errno::EPROTO as i32)) } else { None }
    }

    /// The error that ends a listing, where one does.
    fn ends_with(&self) -> Option<i32> {
        let code = || self.payload.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code).saturating_abs());
        if self.kind == NLMSG_DONE { Some(code()) } else { self.code() }
    }
}

impl Link {
    fn open(name: &'static str, protocol: isize) -> Result<Self, ExecError> {
        let not_run = |error| ExecError::NotRun { program: name, error };
        let mut socket = Socket::new(protocol).map_err(not_run)?;
        socket.bind_auto().map_err(not_run)?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(not_run)?;
        socket.set_cap_ack(true).map_err(not_run)?;
        // It answers at once or never.
        let patience = TimeVal::seconds(5);
        setsockopt(&socket, sockopt::ReceiveTimeout, &patience).map_err(|e| not_run(e.into()))?;
        // Beyond the system's limit where this process may; in a user namespace it may not.
        let grown = setsockopt(&socket, sockopt::SndBufForce, &ROOM);
        grown.or_else(|_| setsockopt(&socket, sockopt::SndBuf, &ROOM)).map_err(|e| not_run(e.into()))?;
        let room = getsockopt(&socket, sockopt::SndBuf).map_err(|e| not_run(e.into()))?;
        Ok(Self {
            socket,
            name,
            sequence: 0,
            room: room.saturating_sub(CHUNK),
            inbox: Vec::with_capacity(CHUNK),
        })
    }

    /// How many bytes can be sent at once.
    pub const fn room(&self) -> usize {
        self.room
    }

    /// Lists what `question` asks for; `each` is given the kind and the payload of every message, and gives `None`
    /// for what it does not understand. A listing that is begun again starts from `T::default()`.
    ///
    /// # Errors
    /// When the kernel refuses, or answers what cannot be read.
    pub fn list<M: NetlinkSerializable + Clone, T: Default>(
        &mut self,
        question: M,
        mut each: impl FnMut(&mut T, u16, &[u8]) -> Option<()>,
    ) -> Result<T, ExecError> {
        for _ in 0..TRIES {
            let mut found = T::default();
            let frame = self.frame((NLM_F_DUMP, question.clone()))?;
            self.send(&frame)?;
            if self.listed(|kind, payload| each(&mut found, kind, payload))? {
                return Ok(found);
            }
        }
        Err(self.unreadable("it changes too often to be listed"))
    }

    /// Reads a listing to its end; `false` when something changed meanwhile.
    fn listed(&mut self, mut each: impl FnMut(u16, &[u8]) -> Option<()>) -> Result<bool, ExecError> {
        let (sequence, mut whole) = (self.sequence, true);
        loop {
            if !self.receive(MsgFlags::empty())? {
                return Err(self.unreadable("no answer"));
            }
            for answer in answers(&self.inbox) {
                let answer = answer.ok_or_else(|| self.unreadable("a broken message"))?;
                if answer.sequence != sequence {
                    continue;
                }
                whole &= answer.flags & NLM_F_DUMP_INTR == 0;
                match answer.ends_with() {
                    Some(0) => return Ok(whole),
                    Some(code) if code == Errno::EINTR as i32 => return Ok(false),
                    Some(code) => return Err(self.refused(code)),
                    None => {}
                }
                each(answer.kind, answer.payload)
                    .ok_or_else(|| self.unreadable("a message unlike those known"))?;
            }
        }
    }

    /// Carries out orders one by one, as many at once as fit. Errors of `forgiven` are none. Those after one that fails
    /// are tried all the same.
    ///
    /// # Errors
    /// The first order's that failed.
    pub fn order<M: NetlinkSerializable>(
        &mut self,
        orders: impl IntoIterator<Item = Order<M>>,
        forgiven: &[Errno],
    ) -> Result<(), ExecError> {
        let mut failed = Ok(());
        let mut orders = orders.into_iter().peekable();
        while orders.peek().is_some() {
            let (mut frames, mut sent) = (Vec::new(), 0);
            for (flags, order) in orders.by_ref().take(AT_ONCE) {
                frames.extend(self.frame((flags | NLM_F_ACK, order))?);
                sent += 1;
            }
            self.send(&frames)?;
            let codes = self.outcome()?;
            if codes.len() != sent {
                return Err(self.unreadable("not every order was answered"));
            }
            let error =
                codes.into_iter().find(|code| *code != 0 && !forgiven.iter().any(|f| *f as i32 == *code));
            failed = failed.and(error.map_or(Ok(()), |code| Err(self.refused(code))));
        }
        failed
    }

    /// Asks for one thing; `None` when it is not there.
    ///
    /// # Errors
    /// When the kernel refuses otherwise, or `read` does not understand its answer.
    pub fn ask<M: NetlinkSerializable, T>(
        &mut self,
        (flags, question): Order<M>,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, ExecError> {
        let frame = self.frame((flags | NLM_F_ACK, question))?;
        self.send(&frame)?;
        let mut found = None;
        while self.receive(MsgFlags::MSG_DONTWAIT)? {
            for answer in answers(&self.inbox) {
                let answer = answer.ok_or_else(|| self.unreadable("a broken message"))?;
                match answer.code() {
                    Some(0) => {}
                    Some(code) if code == Errno::ENOENT as i32 => return Ok(None),
                    Some(code) => return Err(self.refused(code)),
                    None => found = read(answer.payload),
                }
            }
        }
        found.map(Some).ok_or_else(|| self.unreadable("a message unlike those known"))
    }

    /// Carries out all of these, framed by [`Link::frame`] and `acknowledged` of them to be acknowledged: all, or none
    /// and an error.
    ///
    /// # Errors
    /// When the kernel does not take it; nothing has changed then.
    pub fn transact(&mut self, frames: &[u8], acknowledged: usize) -> Result<(), ExecError> {
        self.send(frames)?;
        let codes = self.outcome()?;
        match codes.iter().find(|code| **code != 0) {
            Some(code) => Err(self.refused(*code)),
            None if codes.len() == acknowledged => Ok(()),
            None => Err(self.unreadable("not every order was answered")),
        }
    }

    /// One message as bytes.
    ///
    /// # Errors
    /// When it is longer than a message can be.
    pub fn frame<M: NetlinkSerializable>(&mut self, (flags, order): Order<M>) -> Result<Vec<u8>, ExecError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(order));
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut frame = vec![0; message.buffer_len()];
        message.serialize(&mut frame);
        Ok(frame)
    }

    fn send(&self, frames: &[u8]) -> Result<(), ExecError> {
        match self.socket.send(frames, 0) {
            Ok(sent) if sent == frames.len() => Ok(()),
            Ok(_) => Err(self.unreadable("not all was sent")),
            Err(error) => Err(ExecError::NotRun { program: self.name, error }),
        }
    }

    /// All answers that are there: the codes of errors and acknowledgements.
    fn outcome(&mut self) -> Result<Vec<i32>, ExecError> {
        let mut codes = Vec::new();
        while self.receive(MsgFlags::MSG_DONTWAIT)? {
            for answer in answers(&self.inbox) {
                let answer = answer.ok_or_else(|| self.unreadable("a broken message"))?;
                codes.extend(answer.code());
            }
        }
        Ok(codes)
    }

    /// `false` when nothing is there.
    fn receive(&mut self, flags: MsgFlags) -> Result<bool, ExecError> {
        loop {
            self.inbox.clear();
            match self.socket.recv(&mut self.inbox, flags.bits()) {
                Ok(_) => return Ok(true),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ExecError::NotRun { program: self.name, error }),
            }
        }
    }

    fn refused(&self, code: i32) -> ExecError {
        ExecError::Refused { what: self.name, error: io::Error::from_raw_os_error(code) }
    }

    fn unreadable(&self, what: &str) -> ExecError {
        ExecError::Unreadable { program: self.name, what: what.to_owned() }
    }
}

/// The messages in what was received, `None` for one that is broken.
fn answers(mut rest: &[u8]) -> impl Iterator<Item = Option<Answer<'_>>> {
    std::iter::from_fn(move || {
        let message = match NetlinkBuffer::new_checked(rest) {
            Ok(message) => message,
            Err(_) if rest.is_empty() => return None,
            Err(_) => {
                rest = &[];
                return Some(None);
            }
        };
        let length = usize::try_from(message.length()).unwrap_or(usize::MAX).next_multiple_of(4);
        let answer = Answer {
            kind: message.message_type(),
            flags: message.flags(),
            sequence: message.sequence_number(),
            payload: message.payload(),
        };
        rest = rest.get(length..).unwrap_or_default();
        Some(Some(answer))
    })
}

/// The attributes in a payload, each with its kind. Read in place: what the crates read is made of many small
/// allocations, and a listing has a hundred thousand attributes.
pub fn attributes(payload: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let whole = NlasIterator::new(payload).map_while(Result::ok);
    whole.filter_map(|nla| {
        let (kind, length) = (nla.kind(), usize::from(nla.length()));
        Some((kind, nla.into_inner().get(4..length)?))
    })
}

/// The first attribute of a kind.
pub fn attribute(payload: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(payload).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

/// A number as the network writes it.
pub fn big_u64(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The number at this place, as this machine writes it.
pub fn native_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|found| u32::from_ne_bytes(*found))
}

/// As [`native_u32`].
pub fn native_u64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|found| u64::from_ne_bytes(*found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_said_and_ends_the_reading() {
        assert_eq!(answers(&[]).count(), 0);
        assert!(answers(&[16, 0, 0]).map(|answer| answer.is_none()).eq([true]));
        let length = |length: u32| [&length.to_ne_bytes()[..], &NLMSG_ERROR.to_ne_bytes(), &[0; 14]].concat();
        let whole: Vec<_> = answers(&length(20)).map(|answer| answer.unwrap().code()).collect();
        assert_eq!(whole, [Some(0)]);
        assert!(answers(&length(21)).map(|answer| answer.is_none()).eq([true]));
        let short: Vec<_> = answers(&length(20)[..16]).map(|answer| answer.is_none()).collect();
        assert_eq!(short, [true]);
        let attribute_of = [8, 0, 1, 0, 7, 0, 0, 0, 9, 0, 2, 0];
        assert_eq!(native_u32(attribute(&attribute_of, 1).unwrap(), 0), Some(7_u32.to_le()));
        assert_eq!(attribute(&attribute_of, 2), None, "it says that it is longer than what there is");
        assert_eq!(native_u64(&[0; 9], 2), None);
    }
}
