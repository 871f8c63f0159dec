//! What the hub keeps in the same way: lists that their makers sign as a whole.

use super::kept::Status;
use crate::login::saml::{List, MAX_LIST, Unfit};
use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;
use std::fmt;

/// How a list tells that it is newer than another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Age {
    /// Its number, if it has one: that of a later list is higher.
    pub number: Option<u64>,
    /// When it was made, if it says so.
    pub made: Option<Timestamp>,
    /// Until when it may be relied on, if it says so.
    pub valid_until: Option<Timestamp>,
}

/// A list that is verified whenever it is read.
pub trait Signed: fmt::Debug + Sized + Send + 'static {
    /// What its alarms begin with, and the folder in which it is kept is called.
    const NAME: &'static str;
    /// What it is called in words.
    const WORDS: &'static str;
    /// What it lists, in words.
    const MEMBERS: &'static str;
    /// Its greatest length, in octets.
    const LONGEST: usize;
    /// A difference between two of them.
    type Change: fmt::Display + fmt::Debug + Send;

    /// Verifies it with the certificates of whom may sign it.
    ///
    /// # Errors
    /// [`Unfit`], as when it ended at `now`.
    fn verify(octets: &[u8], signers: &[X509], now: Timestamp) -> Result<Self, Unfit>;

    /// The signed digest: it changes with the content and with nothing else.
    fn digest(&self) -> &str;

    /// What tells it from an older one.
    fn age(&self) -> Age;

    /// How long it may be kept without asking again, if it says so.
    fn fresh_for(&self) -> Option<SignedDuration> {
        None
    }

    /// What in it cannot be used.
    fn problems(&self) -> &[String];

    /// What is different, `before` being the list in force, if there is one.
    fn changes(before: Option<&Self>, after: &Self) -> Vec<Self::Change>;

    /// How many members it has, and how many of them are in the other too.
    fn stay(&self, after: &Self) -> (usize, usize);

    /// Why it may not take the place of what is in force, whatever the operator says.
    fn forbidden(&self, _in_force: &Status) -> Option<(&'static str, String)> {
        None
    }
}

impl Signed for List {
    const NAME: &'static str = "providers";
    const WORDS: &'static str = "the registry's list";
    const MEMBERS: &'static str = "providers";
    const LONGEST: usize = MAX_LIST;
    type Change = super::Change;

    fn verify(octets: &[u8], signers: &[X509], now: Timestamp) -> Result<Self, Unfit> {
        Self::verify(octets, signers, now)
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn age(&self) -> Age {
        Age { number: None, made: self.made, valid_until: self.valid_until }
    }

    fn fresh_for(&self) -> Option<SignedDuration> {
        self.fresh_for
    }

    fn problems(&self) -> &[String] {
        &self.problems
    }

    fn changes(before: Option<&Self>, after: &Self) -> Vec<Self::Change> {
        super::Change::between(before.map_or(&[], |list| &list.providers), &after.providers)
    }

    fn stay(&self, after: &Self) -> (usize, usize) {
        let is = |id: &str| after.providers.iter().any(|is| is.entity_id == id);
        (self.providers.len(), self.providers.iter().filter(|was| is(&was.entity_id)).count())
    }
}
