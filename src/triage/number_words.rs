//! Numbers in words, and words for what is counted, in the bundled languages; with and without their accents.

/// A number below a thousand. What is a common word of another of these languages is left out ("once", "elf", "seize").
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
        "eleven" | "onze" | "undici" => 11,
        "twelve" | "doce" | "douze" | "zwölf" | "zwolf" | "zwoelf" | "dodici" | "twaalf" => 12,
        "thirteen" | "trece" | "treze" | "treize" | "tredici" | "dertien" => 13,
        "fourteen" | "catorce" | "catorze" | "quatorze" | "quattordici" | "veertien" => 14,
        "fifteen" | "quinze" | "quindici" => 15,
        "sixteen" | "dezesseis" | "sedici" => 16,
        "seventeen" | "dezessete" | "diciassette" => 17,
        "eighteen" | "dezoito" | "diciotto" | "agtien" => 18,
        "nineteen" | "dezenove" | "diciannove" => 19,
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

/// A number written as one word out of several: `zweihundertfünfzig`, `milleduecento`, `vijfentwintig`, `veinticinco`.
fn joined(word: &str) -> Option<u64> {
    let (mut total, mut part, mut parts) = (0_u64, 0_u64, 0_u32);
    let mut rest = word;
    let mut open = false;
    while !rest.is_empty() {
        let (written, piece) = piece(rest)?;
        rest = &rest[written..];
        parts += 1;
        open = matches!(piece, Part::And);
        match piece {
            Part::Add(n) => part += n,
            Part::Hundred if part < 100 => part = part.max(1) * 100,
            Part::Thousand if total == 0 => total = std::mem::take(&mut part).max(1) * 1_000,
            // "und" joins what stands on both of its sides
            Part::And if parts > 1 => {}
            Part::Hundred | Part::Thousand | Part::And => return None,
        }
    }
    (parts > 1 && !open).then_some(total + part)
}

/// What a piece of a joined number does.
#[derive(Clone, Copy)]
enum Part {
    Add(u64),
    Hundred,
    Thousand,
    And,
}

/// The longest piece that `text` begins with, and how many bytes it has.
fn piece(text: &str) -> Option<(usize, Part)> {
    let first = *text.as_bytes().first()?;
    let from = PIECES.partition_point(|(written, _)| written.as_bytes()[0] < first);
    PIECES[from..]
        .iter()
        .take_while(|(written, _)| written.as_bytes()[0] == first)
        .filter(|(written, _)| text.starts_with(written))
        .max_by_key(|(written, _)| written.len())
        .map(|(written, part)| (written.len(), *part))
}

/// The pieces of joined numbers, by their first letter.
#[rustfmt::skip]
const PIECES: &[(&str, Part)] = &[
    ("acht", Part::Add(8)), ("achtzig", Part::Add(80)), ("agt", Part::Add(8)), ("cent", Part::Hundred),
    ("centas", Part::Hundred), ("cento", Part::Hundred), ("centos", Part::Hundred), ("cientas", Part::Hundred),
    ("cientos", Part::Hundred), ("cinco", Part::Add(5)), ("cinquant", Part::Add(50)), ("cinquanta", Part::Add(50)),
    ("cinque", Part::Add(5)), ("cuatro", Part::Add(4)), ("dertien", Part::Add(13)), ("dertig", Part::Add(30)),
    ("diciannove", Part::Add(19)), ("diciassette", Part::Add(17)), ("diciotto", Part::Add(18)),
    ("dieci", Part::Add(10)), ("dodici", Part::Add(12)), ("dos", Part::Add(2)), ("doscientos", Part::Add(200)),
    ("drei", Part::Add(3)), ("dreissig", Part::Add(30)), ("dreißig", Part::Add(30)), ("drie", Part::Add(3)),
    ("due", Part::Add(2)), ("duisend", Part::Thousand), ("duizend", Part::Thousand), ("duzentos", Part::Add(200)),
    ("een", Part::Add(1)), ("ein", Part::Add(1)), ("eins", Part::Add(1)), ("elf", Part::Add(11)), ("en", Part::And),
    ("fuenf", Part::Add(5)), ("fuenfzig", Part::Add(50)), ("funf", Part::Add(5)), ("funfzig", Part::Add(50)),
    ("fünf", Part::Add(5)), ("fünfzig", Part::Add(50)), ("honderd", Part::Hundred), ("hundert", Part::Hundred),
    ("mila", Part::Thousand), ("mille", Part::Thousand), ("nege", Part::Add(9)), ("negen", Part::Add(9)),
    ("negentig", Part::Add(90)), ("neun", Part::Add(9)), ("neunzig", Part::Add(90)), ("novant", Part::Add(90)),
    ("novanta", Part::Add(90)), ("nove", Part::Add(9)), ("nueve", Part::Add(9)), ("ocho", Part::Add(8)),
    ("oito", Part::Add(8)), ("ottant", Part::Add(80)), ("ottanta", Part::Add(80)), ("otto", Part::Add(8)),
    ("quarant", Part::Add(40)), ("quaranta", Part::Add(40)), ("quatro", Part::Add(4)), ("quattordici", Part::Add(14)),
    ("quattro", Part::Add(4)), ("quindici", Part::Add(15)), ("quinhentos", Part::Add(500)),
    ("quinientos", Part::Add(500)), ("sech", Part::Add(6)), ("sechs", Part::Add(6)), ("sechzig", Part::Add(60)),
    ("sedici", Part::Add(16)), ("sei", Part::Add(6)), ("seis", Part::Add(6)), ("ses", Part::Add(6)),
    ("sessant", Part::Add(60)), ("sessanta", Part::Add(60)), ("sestig", Part::Add(60)), ("sete", Part::Add(7)),
    ("settant", Part::Add(70)), ("settanta", Part::Add(70)), ("sette", Part::Add(7)), ("sewe", Part::Add(7)),
    ("sewen", Part::Add(7)), ("sewentig", Part::Add(70)), ("sieb", Part::Add(7)), ("sieben", Part::Add(7)),
    ("siebzig", Part::Add(70)), ("siete", Part::Add(7)), ("tachtig", Part::Add(80)), ("tagtig", Part::Add(80)),
    ("tausend", Part::Thousand), ("tien", Part::Add(10)), ("tre", Part::Add(3)), ("tredici", Part::Add(13)),
    ("trent", Part::Add(30)), ("trenta", Part::Add(30)), ("tres", Part::Add(3)), ("trezentos", Part::Add(300)),
    ("twaalf", Part::Add(12)), ("twee", Part::Add(2)), ("twintig", Part::Add(20)), ("un", Part::Add(1)),
    ("und", Part::And), ("undici", Part::Add(11)), ("uno", Part::Add(1)), ("veertien", Part::Add(14)),
    ("veertig", Part::Add(40)), ("veinte", Part::Add(20)), ("veinti", Part::Add(20)), ("vent", Part::Add(20)),
    ("venti", Part::Add(20)), ("vier", Part::Add(4)), ("vierzig", Part::Add(40)), ("vijf", Part::Add(5)),
    ("vijftig", Part::Add(50)), ("vyf", Part::Add(5)), ("vyftig", Part::Add(50)), ("zehn", Part::Add(10)),
    ("zes", Part::Add(6)), ("zestig", Part::Add(60)), ("zeven", Part::Add(7)), ("zeventig", Part::Add(70)),
    ("zwanzig", Part::Add(20)), ("zwei", Part::Add(2)), ("zwo", Part::Add(2)), ("zwoelf", Part::Add(12)),
    ("zwolf", Part::Add(12)), ("zwölf", Part::Add(12)), ("ën", Part::And),
];

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
