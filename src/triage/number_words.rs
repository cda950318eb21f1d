//! Numbers in words, and words for what is counted, in the bundled languages; with and without their accents.

/// A number below a thousand.
pub(super) fn unit(word: &str) -> Option<u64> {
    Some(match word {
        "two" | "dos" | "dois" | "duas" | "deux" | "zwei" | "due" | "twee" => 2,
        "three" | "tres" | "três" | "trois" | "drei" | "tre" | "drie" => 3,
        "four" | "cuatro" | "quatro" | "quatre" | "vier" | "quattro" => 4,
        "five" | "cinco" | "cinq" | "fünf" | "funf" | "fuenf" | "cinque" | "vijf" | "vyf" => 5,
        "six" | "seis" | "sechs" | "sei" | "zes" | "ses" => 6,
        "seven" | "siete" | "sete" | "sept" | "sieben" | "sette" | "zeven" | "sewe" => 7,
        "eight" | "ocho" | "oito" | "huit" | "acht" | "otto" | "agt" => 8,
        "nine" | "nueve" | "nove" | "neuf" | "neun" | "negen" | "nege" => 9,
        "ten" | "diez" | "dez" | "dix" | "zehn" | "dieci" | "tien" => 10,
        "twenty" | "veinte" | "vinte" | "vingt" | "zwanzig" | "venti" | "twintig" => 20,
        "thirty" | "treinta" | "trinta" | "trente" | "dreißig" | "dreissig" | "trenta"
        | "dertig" => 30,
        "forty" | "cuarenta" | "quarenta" | "quarante" | "vierzig" | "quaranta" | "veertig" => 40,
        "fifty" | "cincuenta" | "cinquenta" | "cinquante" | "fünfzig" | "funfzig" | "cinquanta"
        | "vijftig" | "vyftig" => 50,
        "sixty" | "sesenta" | "sessenta" | "soixante" | "sechzig" | "sessanta" | "zestig"
        | "sestig" => 60,
        "seventy" | "setenta" | "siebzig" | "settanta" | "zeventig" | "sewentig" => 70,
        "eighty" | "ochenta" | "oitenta" | "achtzig" | "ottanta" | "tachtig" | "tagtig" => 80,
        "ninety" | "noventa" | "neunzig" | "novanta" | "negentig" => 90,
        "doscientos" | "duzentos" | "zweihundert" | "duecento" | "tweehonderd" => 200,
        "trescientos" | "trezentos" | "dreihundert" | "trecento" | "driehonderd" => 300,
        "quinientos" | "quinhentos" | "fünfhundert" | "funfhundert" | "cinquecento"
        | "vijfhonderd" | "vyfhonderd" => 500,
        "setecientos" => 700,
        "novecientos" => 900,
        _ => return joined(word),
    })
}

/// A number written as one word with what it counts: `achthonderd`, `zweitausend`, `seiscentos`.
fn joined(word: &str) -> Option<u64> {
    const HUNDRED: [&str; 5] = ["hundert", "honderd", "cento", "cientos", "centos"];
    const THOUSAND: [&str; 4] = ["tausend", "duizend", "duisend", "mila"];
    let counted = |ends: &[&str]| {
        ends.iter()
            .find_map(|end| word.strip_suffix(end))
            .filter(|n| n.len() > 1)
    };
    let times = |ends: &[&str], scale: u64| {
        let counted = counted(ends)?;
        let below_ten = |n: &u64| *n < 10;
        match counted {
            "ein" | "een" => Some(scale),
            counted => unit(counted).filter(below_ten).map(|n| n * scale),
        }
    };
    times(&HUNDRED, 100).or_else(|| times(&THOUSAND, 1_000))
}

/// What multiplies the number before it.
pub(super) fn scale(word: &str) -> Option<u64> {
    Some(match word {
        "hundred" | "cien" | "ciento" | "cientos" | "cem" | "cento" | "cent" | "cents"
        | "hundert" | "honderd" => 100,
        "thousand" | "k" | "mil" | "mille" | "tausend" | "mila" | "duizend" | "duisend"
        | "grand" => 1_000,
        "million" | "millions" | "millón" | "millon" | "millones" | "milhão" | "milhao"
        | "milhões" | "milhoes" | "milione" | "milioni" | "miljoen" | "millionen" => 1_000_000,
        _ => return None,
    })
}

/// Whether `word` is something that is ordered, or somebody who is expected, in numbers.
pub(super) fn counts(word: &str) -> bool {
    COUNTED.contains(&word)
}

#[rustfmt::skip]
const COUNTED: &[&str] = &[
    "units", "unit", "pieces", "pcs", "items", "copies", "licenses", "licences", "seats", "users",
    "employees", "people", "guests", "attendees", "boxes", "pallets", "bottles", "shirts", "devices", "rooms",
    "stores", "unidades", "piezas", "licencias", "usuarios", "empleados", "invitados", "cajas", "personas", "peças",
    "licenças", "usuários", "funcionários", "convidados", "caixas", "pessoas", "unités", "pièces", "exemplaires", "utilisateurs",
    "salariés", "invités", "cartons", "personnes", "stück", "stueck", "einheiten", "lizenzen", "nutzer", "mitarbeiter",
    "gäste", "kartons", "personen", "pezzi", "unità", "licenze", "utenti", "dipendenti", "invitati", "scatole",
    "persone", "stuks", "eenheden", "licenties", "gebruikers", "medewerkers", "gasten", "dozen", "stuk", "eenhede",
    "lisensies", "werknemers", "gaste", "bokse", "mense",
];
