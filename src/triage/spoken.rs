//! Which of the eight languages a text is in, where it is long enough to tell.
//!
//! By the small words that every sentence has, each worth the less the more languages share it, and a few letters that
//! one language alone writes. Two telling words are enough, one is not; where two languages are near each other, or most
//! words belong to none, nothing is said. Pure; of a long text only the beginning is read.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The languages that texts and rules are bundled in.
pub const SPOKEN: [&str; 8] = ["en", "es", "pt", "fr", "de", "it", "nl", "af"];

/// The most words that are read.
const WORDS_MAX: usize = 40;
/// What a word is worth that so many languages share.
const WORTH: [u32; 9] = [0, 12, 6, 4, 3, 2, 2, 1, 1];
/// The least that the words together must be worth: one and a half that no other language has.
const ENOUGH: u32 = 18;
/// So many hundredths of the next best language the best must reach.
const AHEAD: u32 = 140;

/// Small words, in the order of [`SPOKEN`]; with the accents that people leave out, and without.
const SMALL: [&str; 8] = [
    "the and is are was were what when where how who why which can could would should do does did have has had you \
     your my me i i'm i've i'd it it's its this that with for not don't didn't can't won't please hello hi thanks \
     thank want need of to in at on there be will get about if am an much any still some from they we our he she \
     but or so been just know tell help cannot isn't what's where's how's let us",
    "el los las una unos del que qué y en por para con cómo como cuál cual cuándo cuando cuánto cuanto cuánta dónde \
     donde quiero quisiera tengo puedo puede podría hola gracias mi mis su está esta estoy este eso buenos buenas usted \
     sí más mas pero porque necesito es no me le lo al muy ya hay se sin desde hasta hace días tiene ha he ser fue \
     nada todavía aún cuenta quién ayuda ayudar saber hacer",
    "o os as um uma do da dos das não nao que e em por para com como quando quanto onde quero queria gostaria tenho \
     posso pode olá ola oi obrigado obrigada meu minha meus seu sua você voce vocês está isso este esta mais mas preciso \
     bom boa dia ao à na no ainda se já ja muito foi ser sem até tem fazer saber ajuda ajudar pedido eu me vou estou é \
     também porque conta quem",
    "le la les un une des du de et est je j'ai j' vous nous ne n' pas que qu' qui quoi où ou quand comment combien avec \
     pour dans sur mon ma mes votre vos notre bonjour bonsoir salut merci veux voudrais peux pouvez puis ai c'est ce \
     cette ces mais plus au aux suis avez il elle s'il plaît plait d' l' est-ce toujours encore quel quelle sans chez \
     être fait commande y à en pourquoi besoin aide moi",
    "der die das und ist ich sie wir nicht ein eine einen einem mit für fur auf wie was wann wo warum wieso kann können \
     konnen möchte mochte will habe hat haben mein meine meinen meiner ihr ihre ihnen bitte danke hallo guten zu von dem \
     den es noch aber oder bei mir mich sind im am an aus nach wenn dass schon auch nur wird werden brauche gibt war \
     welche kein keine zum zur um",
    "il lo la gli le i un una uno di del della dei delle che è e per con come quando quanto quanta dove voglio vorrei ho \
     posso potete può ciao salve grazie mio mia miei non sono questo questa ma più piu anche nel nella al alla buongiorno \
     buonasera mi si da in ancora perché perche quale chi ha hai siete avete vostro fare sapere aiuto ordine bisogno se \
     cosa cos'è c'è già",
    "de het een en van ik je jij jullie u niet is dat die met voor op hoe wat wanneer waar waarom kan kunt kunnen wil \
     wilt heb hebben heeft mijn uw hallo hoi dank bedankt dankjewel graag zijn aan maar ook nog bij naar er te om wij we \
     mij deze dit goedemorgen goedendag goedemiddag alstublieft alsjeblieft in als dan moet zou was worden geen iets \
     iemand bestelling of hij ze me",
    "die 'n en van ek jy julle u nie is dit wat met vir op hoe wanneer waar hoekom waarom kan wil het my jou hallo goeie \
     dankie asseblief sal ons aan maar ook nog by na om te hierdie daardie moet gaan kry was sy hy hulle as dan iemand \
     iets geen bestelling in of weet help graag baie nog kon sou hê wees word",
];

/// Letters and signs that one language writes and the others hardly do.
const SIGNS: [(char, usize); 9] = [
    ('¿', 1),
    ('¡', 1),
    ('ñ', 1),
    ('ã', 2),
    ('õ', 2),
    ('œ', 3),
    ('ß', 4),
    ('ä', 4),
    ('ü', 4),
];

/// Each small word, and a bit for each language that has it.
static WORDS: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for (place, list) in SMALL.iter().enumerate() {
        for word in list.split_whitespace() {
            *words.entry(word).or_default() |= 1_u8 << place;
        }
    }
    words
});

/// The language of `text`, if it is long enough to tell and one of [`SPOKEN`].
pub fn spoken(text: &str) -> Option<&'static str> {
    let mut scores = [0_u32; SPOKEN.len()];
    let mut known = [0_u32; SPOKEN.len()];
    let mut count = 0;
    let mut add = |languages: u8, worth: u32, words: u32| {
        for place in 0..SPOKEN.len() {
            if languages & (1 << place) != 0 {
                scores[place] += worth;
                known[place] += words;
            }
        }
    };
    let apart = |c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’' | '-'));
    let words = text
        .split(apart)
        .filter(|word| word.chars().any(char::is_alphabetic));
    for word in words.take(WORDS_MAX) {
        count += 1;
        let word = word.trim_matches('-').replace('’', "'").to_lowercase();
        let languages = of_word(&word);
        add(languages, WORTH[languages.count_ones() as usize], 1);
        for (sign, place) in SIGNS {
            if word.contains(sign) {
                add(1 << place, WORTH[2], 0);
            }
        }
    }
    if text.contains(['¿', '¡']) {
        add(1 << 1, WORTH[1], 0);
    }
    let best = (0..SPOKEN.len()).max_by_key(|place| scores[*place])?;
    let next = (0..SPOKEN.len()).filter(|place| *place != best);
    let next = next.map(|place| scores[place]).max().unwrap_or(0);
    let tells = scores[best] >= ENOUGH && scores[best] * 100 >= next * AHEAD;
    // A few words that look alike do not make a text of another language one of these.
    (tells && known[best] * 4 >= count).then(|| SPOKEN[best])
}

/// The languages that have `word`, or what stands before or behind its apostrophe.
fn of_word(word: &str) -> u8 {
    let of = |word: &str| WORDS.get(word).copied().unwrap_or(0);
    let whole = of(word).max(of(word.trim_end_matches('\'')));
    match word.find('\'') {
        Some(at) if whole == 0 => of(&word[..=at]) | of(&word[at + 1..]),
        Some(_) | None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_tells_its_language() {
        let check = |text: &str, language: &str| {
            assert_eq!(spoken(text), Some(language), "{text}");
        };
        check("Where is my order? I want it today.", "en");
        check("hi, can i change the address", "en");
        check("hola, quiero saber dónde está mi pedido", "es");
        check("QUIERO CANCELAR MI SUSCRIPCION, ES POSIBLE?", "es");
        check("¿cuánto cuesta el envío?", "es");
        check("olá, não recebi o meu pedido", "pt");
        check("queria saber quando chega a minha encomenda", "pt");
        check("bonjour, je n’ai pas reçu ma commande", "fr");
        check("c'est combien la livraison s'il vous plaît", "fr");
        check("Guten Tag, wann kommt meine Bestellung?", "de");
        check("ich habe eine frage zu meiner rechnung", "de");
        check(
            "buongiorno, vorrei sapere dove si trova il mio ordine",
            "it",
        );
        check("non ho ancora ricevuto il pacco", "it");
        check("hallo, ik heb een vraag over mijn bestelling", "nl");
        check("waar blijft het pakket dat ik heb besteld?", "nl");
        check("hallo, ek wil weet waar my bestelling is", "af");
        check("kan julle my asseblief help met 'n nuwe rekening", "af");
    }

    #[test]
    fn what_is_too_short_or_strange_tells_nothing() {
        let check = |text: &str| assert_eq!(spoken(text), None, "{text}");
        check("");
        check("ok");
        check("12345 #98-77");
        check("hello?");
        check("agent");
        check("no");
        check("Canon EOS R5");
        check("merhaba, siparişim nerede acaba");
        check("dzień dobry, gdzie jest moje zamówienie");
        check("こんにちは、注文はどこですか");
    }

    #[test]
    fn every_small_word_can_be_met() {
        for word in WORDS.keys() {
            assert_eq!(*word, word.to_lowercase(), "written in small letters");
            assert_ne!(of_word(word), 0, "{word}");
        }
    }
}
