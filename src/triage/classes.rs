//! What a word can be, as the grammar of requests sees it: one bit each.
//!
//! The lists of words stand in `data/<language>.toml` under these names. A word may be several things, and different
//! things in different languages; which of them count is settled per message, by the languages it is written in.

/// A set of classes.
pub(super) type Bits = u64;

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        #[derive(Clone, Copy)]
        #[expect(clippy::upper_case_acronyms, reason = "they become constants of the same name")]
        enum Order { $($name),+ }
        $($(#[$doc])* pub(super) const $name: Bits = 1 << (Order::$name as u64);)+
        /// The class that a data file calls `name`.
        pub(super) fn named(name: &str) -> Option<Bits> {
            match name { $($word => Some($name),)+ _ => None }
        }
    };
}

classes! {
    /// Somebody who serves customers: human, representative, operator.
    PERSON = "person";
    /// Anybody at all: someone, person, people.
    SOME = "some";
    /// Somebody above: manager, supervisor.
    ROLE = "role";
    /// A department: sales, billing, customer service.
    DEPT = "dept";
    /// A department whose bare name asks for it: customer service.
    DESK = "desk";
    /// Real, live, actual.
    REAL = "real";
    /// Articles, and "your".
    DET = "det";
    /// To, with, through.
    LINK = "link";
    /// The customer, or the customer's matter, as an object.
    ME = "me";
    /// The customer as a subject.
    I = "i";
    /// Somebody else as a subject.
    OTHER = "other";
    /// Want, need, prefer.
    WANT = "want";
    /// Talk, speak, chat.
    TALK = "talk";
    /// Talking, speaking: a request only where nobody is doing it already.
    TALKING = "talking";
    /// Transfer, connect, put.
    CONNECT = "connect";
    /// Give, get, find.
    GIVE = "give";
    /// Give and me in one word: gimme, dame.
    GIVEME = "giveme";
    /// What a person can do for a customer: help, answer, read.
    HELP = "help";
    /// The same with "me" in it: ayudarme.
    HELPME = "helpme";
    /// Call, ring.
    CALL = "call";
    /// The same with "me" in it: llámame.
    CALLME = "callme";
    /// Press, dial, choose.
    PRESS = "press";
    /// Reach, contact.
    REACH = "reach";
    /// There, here, available.
    HERE = "here";
    /// Can, could, may, let.
    MODAL = "modal";
    /// Not, no, without.
    NEG = "neg";
    /// Cannot, is not: complains, does not refuse.
    NEGCAN = "negcan";
    /// Bot, machine, computer.
    BOT = "bot";
    /// Stop, skip, enough, tired of.
    FED = "fed";
    /// How, where, who.
    HOW = "how";
    /// When, if, once: puts what stands before off to another time.
    WHEN = "when";
    /// Please, now, just: changes nothing around a request.
    SOFT = "soft";
    /// My, another, about: what follows is not ours.
    BLOCK = "block";
    /// Follows a noun for a person and makes it another noun: fee, number, resources.
    COMPOUND = "compound";
    /// Have, am: auxiliaries that a negation reaches over.
    AUX = "aux";
    /// Any other common word that is no noun.
    PLAIN = "plain";
}

/// Nouns for a person.
pub(super) const ANYBODY: Bits = PERSON | SOME | ROLE;
/// Whom one can ask to be connected to.
pub(super) const WHOM: Bits = ANYBODY | DEPT | DESK;
/// Words worth recognising when they are misspelt.
pub(super) const WORTH: Bits = WHOM
    | REAL
    | WANT
    | TALK
    | TALKING
    | CONNECT
    | GIVE
    | GIVEME
    | HELP
    | HELPME
    | CALL
    | CALLME
    | REACH
    | BOT;
