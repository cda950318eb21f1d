//! Which numbers of a message are worth a person: goods that are wanted in numbers, and sums that are no deal.
//!
//! Any goods count, not only those of a list: a number right before a plural ("500 kettles", "250 custom mugs"), behind a
//! word of wanting, ordering or quoting that is the customer's own ("we need", "a quote for", "can you deliver"). What is
//! counted and not sold (time, distance, messages, points, errors), what belongs to something that exists ("my order of
//! 500 …"), a year, and whatever only stands beside a number are none. Words are in lower case, with their accents. Pure.

use super::amounts::Piece;
use super::reading::Reading;

/// The most words between a number and the plural it counts: "250 custom printed hoodies".
const MODIFIERS_MAX: usize = 2;
/// How far before a number the word of wanting stands, small words aside.
const LEAD_MAX: usize = 6;
/// The shortest plural that is believed to be one.
const PLURAL_BYTES_MIN: usize = 4;
/// Such numbers before a plural are years, unless they are round.
const YEARS: std::ops::RangeInclusive<u64> = 1_900..=2_099;
/// More of anything is a number of something else: a phone, an order, an account.
const GOODS_MAX: u64 = 10_000_000;

/// Whether the number in `pieces[at..next]`, worth `whole`, counts goods that the customer wants.
pub(super) fn is_wanted(pieces: &[Piece<'_>], at: usize, next: usize, whole: u64) -> bool {
    let year = YEARS.contains(&whole) && !whole.is_multiple_of(100);
    let named = matches!(pieces.get(next), Some(Piece::Word(_)));
    if !named || year || !(2..=GOODS_MAX).contains(&whole) {
        return false;
    }
    lead(pieces, at, next).is_some_and(|tongue| is_plural_behind(pieces, next, tongue))
}

/// Languages by how they make a plural.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tongue {
    English,
    /// Spanish, Portuguese, French.
    Western,
    Italian,
    /// German, Dutch, Afrikaans: adjectives stand before the noun and end like it.
    Germanic,
}

/// The language of the word of wanting that the number in `pieces[at..next]` depends on.
fn lead(pieces: &[Piece<'_>], at: usize, next: usize) -> Option<Tongue> {
    for i in (at.saturating_sub(LEAD_MAX)..at).rev() {
        let (said, before) = (word(pieces, i), said_before(pieces, i, 1));
        if is_own_wish(pieces, i) || PRICES.contains(&said) {
            return Some(Tongue::English);
        }
        if DEALS.contains(&said) && !OLD.contains(&before) {
            return Some(Tongue::English);
        }
        let elsewhere = [
            (WESTERN, Tongue::Western),
            (ITALIAN, Tongue::Italian),
            (GERMANIC, Tongue::Germanic),
        ];
        let found = elsewhere.iter().find(|(words, _)| words.contains(&said));
        if let Some((_, tongue)) = found {
            return (!OLD.contains(&before)).then_some(*tongue);
        }
        // "we hebben 500 stoelen nodig": the verb's other half stands behind
        let nodig = || (next..next + LEAD_MAX).any(|i| word(pieces, i) == "nodig");
        if matches!(said, "hebben" | "heb" | "het") && nodig() {
            return Some(Tongue::Germanic);
        }
        if !SMALL.contains(&said) {
            return None;
        }
    }
    None
}

/// Whether the English word at `i` says what the customer wants, or asks the business for: "we need", "can you ship".
fn is_own_wish(pieces: &[Piece<'_>], i: usize) -> bool {
    let said = word(pieces, i);
    let (before, first) = (said_before(pieces, i, 1), said_before(pieces, i, 2));
    let asked = matches!(first, "can" | "could" | "do" | "would" | "may");
    match before {
        "you" | "u" => asked && SUPPLY.contains(&said),
        "i" | "we" if matches!(said, "get" | "have") => asked,
        _ => WISHES.contains(&said) && (i == 0 || OWN.contains(&before)),
    }
}

fn word<'a>(pieces: &[Piece<'a>], i: usize) -> &'a str {
    match pieces.get(i) {
        Some(Piece::Word(word)) => word,
        Some(Piece::Digits(_) | Piece::Sign(_)) | None => "",
    }
}

fn said_before<'a>(pieces: &[Piece<'a>], i: usize, back: usize) -> &'a str {
    i.checked_sub(back).map_or("", |i| word(pieces, i))
}

fn is_plural_behind(pieces: &[Piece<'_>], next: usize, tongue: Tongue) -> bool {
    let modifiers = match tongue {
        Tongue::English => MODIFIERS_MAX,
        Tongue::Western | Tongue::Italian | Tongue::Germanic => 0,
    };
    for piece in pieces.iter().skip(next).take(modifiers + 1) {
        let Piece::Word(word) = piece else {
            return false;
        };
        if UNSOLD.contains(word) || STOPS.contains(word) {
            return false;
        }
        if is_plural(word, tongue) {
            return true;
        }
    }
    false
}

/// Whether `word` ends as a plural does.
fn is_plural(word: &str, tongue: Tongue) -> bool {
    let ends = |endings: &[&str]| endings.iter().any(|end| word.ends_with(end));
    word.len() >= PLURAL_BYTES_MIN
        && match tongue {
            Tongue::English => ends(&["s"]) && !ends(&["ss", "us", "is"]),
            Tongue::Western => ends(&["s", "x"]),
            Tongue::Italian => ends(&["i", "e"]),
            Tongue::Germanic => ends(&["e", "n", "r", "s"]),
        }
}

/// What may stand before the customer's own wish; nothing may too.
#[rustfmt::skip]
const OWN: &[&str] = &[
    "i", "we", "to", "and", "also", "now", "just", "really", "probably", "currently", "would", "will", "might", "may",
    "d", "id", "wed", "ll", "gonna", "hello", "hi", "hey", "please", "urgently", "still", "company",
    "team", "school", "hotel", "office", "restaurant",
];
/// Words of wanting, which need a subject of their own.
#[rustfmt::skip]
const WISHES: &[&str] = &[
    "need", "want", "require", "like", "wanna", "order", "buy", "purchase", "source", "procure", "needs", "wants",
];
/// What the business does: with "you" before it.
#[rustfmt::skip]
const SUPPLY: &[&str] = &[
    "supply", "deliver", "ship", "make", "produce", "print", "manufacture", "provide", "offer", "sell", "stock", "have",
];
/// Words of dealing, unless the deal was made already.
#[rustfmt::skip]
const DEALS: &[&str] = &[
    "quote", "quotation", "pricing", "ordering", "buying", "purchasing", "sourcing", "looking", "order", "estimate",
    "supply", "interested", "bulk",
];
/// Words of prices: whoever asks for that of many may buy many.
const PRICES: &[&str] = &["price", "prices", "cost", "rate", "discount"];
/// What makes of a deal one that was made already.
#[rustfmt::skip]
const OLD: &[&str] = &[
    "my", "our", "the", "this", "that", "your", "his", "her", "their", "last", "previous", "original", "in", "mi", "la",
    "el", "nuestro", "nuestra", "meu", "nosso", "ma", "notre", "meine", "die", "der", "unsere", "il", "mio", "nostro",
    "mijn", "onze", "de", "het", "you", "dont", "t", "not", "no", "nicht", "keine", "non", "niet", "nie", "pas",
];
/// Small words between the wish and the number.
#[rustfmt::skip]
const SMALL: &[&str] = &[
    "about", "around", "roughly", "approximately", "approx", "least", "at", "some", "another", "up", "to", "over", "more",
    "than", "maybe", "probably", "like", "for", "of", "on", "a", "an", "in", "us", "me", "total", "additional", "extra",
    "have", "get", "quantity", "batch", "minimum", "circa", "de", "des", "d", "unas", "unos", "por", "para", "como", "unos",
    "aproximadamente", "alrededor", "uns", "umas", "cerca", "mais", "menos", "environ", "plus", "pour", "von", "fur",
    "für", "uber", "über", "etwa", "ungefähr", "rund", "mindestens", "noch", "per", "di", "circa", "almeno", "van",
    "voor", "ongeveer", "zo", "vir", "ongeveer", "n", "un", "una", "um", "uma", "une", "ein", "eine", "een",
];
/// Wanting and dealing in Spanish, Portuguese and French.
#[rustfmt::skip]
const WESTERN: &[&str] = &[
    "necesito", "necesitamos", "quiero", "queremos", "quisiera", "quisiéramos", "quisieramos", "requerimos", "requiero",
    "pedir", "comprar", "encargar", "cotización", "cotizacion", "cotizar", "presupuesto", "pedido", "busco", "buscamos",
    "adquirir", "preciso", "precisamos", "quero", "gostaria", "gostaríamos", "encomendar", "orçamento", "orcamento",
    "cotação", "cotacao", "encomenda", "procuramos", "besoin", "faut", "veux", "voulons", "voudrais", "voudrions",
    "souhaite", "souhaitons", "commander", "acheter", "devis", "commande", "cherchons",
];
/// In Italian.
#[rustfmt::skip]
const ITALIAN: &[&str] = &[
    "servono", "servirebbero", "bisogno", "vorrei", "vorremmo", "voglio", "vogliamo", "ordinare", "acquistare",
    "preventivo", "ordine", "cerchiamo", "comprare",
];
/// In German, Dutch and Afrikaans.
#[rustfmt::skip]
const GERMANIC: &[&str] = &[
    "brauche", "brauchen", "benötige", "benötigen", "benoetigen", "möchte", "möchten", "moechten", "wollen", "bestelle",
    "bestellen", "kaufen", "angebot", "kostenvoranschlag", "bestellung", "suchen", "willen", "kopen", "offerte",
    "zoeken", "bestelling", "benodig", "bestel", "koop", "kwotasie", "soek",
];
/// What is counted and not sold, in any language; what is sold by weight or length is no number of goods.
#[rustfmt::skip]
const UNSOLD: &[&str] = &[
    "seconds", "minutes", "mins", "hours", "hrs", "days", "nights", "weeks", "months", "years", "times", "percent",
    "miles", "kilometers", "kilometres", "meters", "metres", "feet", "inches", "yards", "grams", "kilos", "kilograms",
    "pounds", "ounces", "lbs", "tons", "tonnes", "liters", "litres", "gallons", "calories", "degrees", "watts", "volts",
    "bytes", "megabytes", "gigabytes", "gigs", "megs", "points", "credits", "coins", "gems", "tokens", "rewards",
    "messages", "emails", "mails", "texts", "calls", "minutes", "words", "characters", "letters", "lines", "pages",
    "error", "errors", "followers", "likes", "views", "subscribers", "reviews", "comments", "posts", "photos", "pictures",
    "videos", "files", "steps", "rows", "records", "transactions", "transfers", "payments", "refunds", "shares",
    "stocks", "bucks", "cents", "things", "reasons", "thanks", "others", "questions", "answers", "series", "plus",
    "segundos", "minutos", "horas", "días", "dias", "noches", "noites", "semanas", "meses", "años", "anos", "veces",
    "vezes", "metros", "kilómetros", "quilómetros", "gramos", "gramas", "kilos", "quilos", "litros", "puntos", "pontos",
    "mensajes", "mensagens", "correos", "errores", "erros", "palabras", "palavras", "páginas", "fotos", "gracias",
    "secondes", "heures", "jours", "nuits", "semaines", "mois", "ans", "années", "fois", "mètres", "kilomètres",
    "grammes", "litres", "mots", "erreurs", "mails", "stunden", "minuten", "sekunden", "tage", "tagen", "nächte",
    "wochen", "monate", "jahre", "meter", "kilometer", "liter", "punkte", "nachrichten", "fehler", "seiten", "bilder",
    "wörter", "zeichen", "ore", "minuti", "secondi", "giorni", "notti", "settimane", "mesi", "anni", "volte", "metri",
    "chilometri", "grammi", "chili", "litri", "punti", "messaggi", "errori", "parole", "pagine", "grazie", "uren",
    "dagen", "nachten", "weken", "maanden", "jaren", "keer", "punten", "berichten", "fouten", "woorden", "paginas",
    "ure", "dae", "nagte", "weke", "maande", "jare", "punte", "boodskappe", "foute", "woorde",
];
/// Words behind which the number counts nothing any more: they begin something else.
#[rustfmt::skip]
const STOPS: &[&str] = &[
    "for", "to", "from", "on", "in", "at", "by", "with", "as", "and", "or", "but", "because", "since", "is", "was", "has",
    "does", "this", "its", "his", "hers", "ours", "yours", "theirs", "our", "my", "your", "please", "pls", "thanks",
    "back", "off", "out", "into", "of", "the", "that", "when", "if", "so", "then", "yes", "plus", "always", "perhaps",
    "besides", "towards", "across", "less", "unless", "minus", "versus", "vs", "us", "más", "mas", "menos", "mais",
    "después", "depois", "pues", "antes", "gracias", "plus", "moins", "dans", "sans", "nous", "vous", "mehr", "oder",
    "über", "unter", "aber", "hier", "bitte", "für", "jeder", "wenn", "meine", "eine", "ihre", "come", "dove", "anche",
    "che", "voor", "over", "maar", "naar", "meer", "onder", "graag", "vir", "oor", "maar", "meer",
];

/// Whether a word makes the number before it a share: "100 percent cotton shirts".
pub(super) fn is_percent(word: &str) -> bool {
    matches!(
        word,
        "percent" | "pct" | "prozent" | "procent" | "persent" | "percento"
    )
}

/// Whether the number in `pieces[at..next]` stands for itself, as money does where everybody knows that it is money:
/// nothing that it counts behind it, nothing that it numbers before it.
pub(super) fn is_alone(pieces: &[Piece<'_>], at: usize, next: usize) -> bool {
    let numbered = NUMBERED.contains(&said_before(pieces, at, 1));
    let behind = pieces.get(next).is_none_or(|piece| match piece {
        Piece::Word(word) => BACK.contains(word),
        Piece::Digits(_) | Piece::Sign(_) => false,
    });
    behind && !numbered
}

/// Behind a sum that is to be given back.
#[rustfmt::skip]
const BACK: &[&str] = &[
    "back", "refund", "refunded", "returned", "reimbursed", "please", "pls", "now", "asap", "today", "to", "into", "onto",
    "because", "that", "which", "de", "devuelta", "devueltos", "por", "favor", "ya", "reembolsados", "volta", "rimborsati",
    "indietro", "subito", "zurück", "zurueck", "wieder", "erstattet", "terug", "terugbetaald", "terughê", "remboursés",
    "tout", "svp", "bitte", "aub", "asb", "asseblief",
];
/// Before a number that is a name: of an order, a room, a model.
#[rustfmt::skip]
const NUMBERED: &[&str] = &[
    "order", "number", "no", "nr", "num", "invoice", "ticket", "case", "room", "model", "item", "booking", "reservation",
    "flight", "reference", "ref", "account", "card", "code", "pedido", "número", "numero", "factura", "encomenda",
    "commande", "numéro", "bestellung", "nummer", "rechnung", "ordine", "fattura", "bestelling", "factuur", "faktuur",
];

/// Whether what a message says of money is about how much one may spend, not what one spends: "raise my credit limit to
/// $20,000".
pub(super) fn is_of_a_limit(reading: &Reading) -> bool {
    let count = reading.words.tokens.len();
    let word = |i: usize| if i < count { reading.words.word(i) } else { "" };
    (0..count).any(|i| {
        let before = i.checked_sub(1).map_or("", word);
        match word(i) {
            "limit" | "limits" | "line" => LIMITED.contains(&before),
            "limite" => {
                matches!(word(i + 1), "de" | "do" | "da" | "del" | "di")
                    && !BUDGETS.contains(&word(i + 2))
            }
            "kreditlimit" | "kreditrahmen" | "dispo" | "verfugungsrahmen" | "kartenlimit"
            | "kredietlimiet" | "bestedingslimiet" | "kredietperk" | "plafond" => true,
            _ => false,
        }
    })
}

/// What is limited by a bank.
#[rustfmt::skip]
const LIMITED: &[&str] = &[
    "credit", "card", "overdraft", "spending", "spend", "transfer", "withdrawal", "withdraw", "daily", "weekly",
    "monthly", "atm", "cash", "purchase", "payment", "transaction", "account", "borrowing", "my", "debit", "online",
];
/// A limit of these is what a customer has to spend.
const BUDGETS: &[&str] = &["presupuesto", "orcamento", "budget", "spesa", "gasto"];
