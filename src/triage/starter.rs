//! The bundled phrases that answer an offer or send a person away. Requests for a person need none: they are heard by
//! the grammar of [`super::asks`], and the lists for them hold only what a house adds.

use super::phrases::{Compiled, PhraseRule, Phrases};

type Lists = [(&'static str, &'static [&'static str])];

#[rustfmt::skip]
const YES: &Lists = &[
    ("en", &[
        "yes", "yess", "yas", "yea", "yeah", "yeh", "yah", "yep", "yup", "yeap", "ye", "ys", "yse", "y", "ya", "aye", "sure", "shure", "sure thing", "surely",
        "ok", "okay", "okey", "okie", "k", "kk", "alright", "all right", "please", "pls", "plz", "absolutely", "definitely", "definately", "affirmative", "correct", "right", "fine",
        "of course", "go ahead", "go for it", "please do", "why not", "no problem", "do it", "do that", "i do", "i would", "i would like|love that", "id like|love that", "that would be", "thatd be", "that would help",
        "sounds good|great", "connect me", "yes please", "lets do it|that", "i guess so", "i think so", "good idea",
    ]),
    ("es", &["si", "sip", "sii", "siii", "see", "claro", "claro que si", "vale", "dale", "bueno", "ok", "okey", "correcto", "adelante", "por favor", "porfa", "porfavor", "de acuerdo", "esta bien", "como no", "por supuesto", "me gustaria", "no hay problema", "si por favor|porfa", "si claro", "si quiero", "si gracias", "si me gustaria", "si hazlo|hagalo", "obvio", "desde luego", "conectame", "conecteme"]),
    ("pt", &["sim", "simm", "claro", "claro que sim", "ok", "quero", "quero sim", "por favor", "pode ser", "pode", "pode sim", "com certeza", "isso", "beleza", "blz", "aceito", "gostaria", "por gentileza"]),
    ("fr", &["oui", "ouii", "oui oui", "ouais", "ouaip", "ui", "ok", "volontiers", "daccord", "dac", "bien sur", "sil vous plait", "svp", "stp", "avec plaisir", "je veux bien", "carrement", "pourquoi pas", "allez y"]),
    ("it", &["si", "sii", "certo", "certamente", "ok", "va bene", "volentieri", "per favore", "daccordo", "grazie si", "si grazie", "si per favore", "si certo", "si volentieri", "esatto", "magari", "perche no", "mi piacerebbe"]),
    ("nl", &["ja", "jaa", "jazeker", "zeker", "graag", "ok", "oke", "okee", "prima", "goed", "is goed", "ja graag", "ja hoor", "doe maar", "alstublieft", "aub", "akkoord", "natuurlijk", "waarom niet"]),
    ("af", &["ja", "jaa", "asseblief", "asb", "ok", "graag", "goed", "reg so", "ja asseblief", "ja graag", "ja dankie", "natuurlik", "dis reg", "seker", "hoekom nie"]),
    ("de", &["ja", "jaa", "jawohl", "jo", "jup", "jep", "gerne", "gern", "sehr gern|gerne", "ok", "okay", "bitte", "klar", "ja bitte", "ja gerne|gern", "na klar", "auf jeden fall", "naturlich", "natuerlich", "sicher", "einverstanden", "warum nicht"]),
];

#[rustfmt::skip]
const NO: &Lists = &[
    ("en", &["no", "noo", "nope", "nop", "nah", "naw", "n", "nay", "not now|yet|really|necessary|needed|today", "no thanks|thank|thx|ty", "no need", "no way", "dont", "dont bother", "never mind", "nevermind", "nvm", "its fine|ok|okay", "im good|fine|ok", "not at the moment", "not right now", "maybe later", "later", "rather not", "id rather not", "i would rather not", "i dont want to", "no i dont|wont"]),
    ("es", &["no", "noo", "nop", "nel", "no gracias", "no quiero", "ahora no", "todavia no", "aun no", "mejor no", "por ahora no", "no hace falta", "no es necesario", "no por ahora", "esta bien asi", "asi esta bien", "dejalo", "dejelo", "mas tarde", "luego", "prefiero que no"]),
    ("pt", &["nao", "naoo", "nao obrigado|obrigada", "nao precisa", "nao quero", "nao por enquanto", "agora nao", "por enquanto nao", "deixa", "deixa pra la", "ainda nao", "melhor nao", "mais tarde", "nn"]),
    ("fr", &["non", "nonn", "nan", "non merci", "pas maintenant", "pas encore", "pas la peine", "pas necessaire", "pas besoin", "ca va", "ca ira", "ce nest pas", "plus tard", "je prefere pas"]),
    ("it", &["no", "noo", "no grazie", "non ora", "non adesso", "non ancora", "non serve", "non voglio", "non e necessario", "lascia stare", "lasci stare", "non importa", "meglio di no", "piu tardi"]),
    ("nl", &["nee", "neen", "neee", "nee bedankt|dank|dankje|hoor", "niet nu", "nog niet", "niet nodig", "hoeft niet", "laat maar", "liever niet", "later", "nu niet"]),
    ("af", &["nee", "neee", "nee dankie", "nie nou nie", "nog nie", "los dit", "los maar", "nie nodig nie", "liewer nie", "later"]),
    ("de", &["nein", "neein", "ne", "nee", "noe", "nein danke", "nicht jetzt", "noch nicht", "jetzt nicht", "nicht notig|noetig", "nicht notwendig", "brauche ich nicht", "schon gut", "passt schon", "lieber nicht", "spater", "spaeter"]),
];

#[rustfmt::skip]
const ENDS_HUMAN: &Lists = &[
    ("en", &["/end", "/bot", "/ai", "back|return|go to? the? assistant|bot|ai", "go|take|switch|bring me? back to the? assistant|bot|ai", "end|close|stop this|the? chat|conversation"]),
    ("es", &["/fin", "/terminar", "volver|vuelve|regresar|quiero volver? al|con asistente|bot", "terminar|cerrar|finalizar el|la|esta? chat|conversacion"]),
    ("pt", &["/fim", "voltar ao|para assistente|bot|o assistente?", "encerrar a|o|esta? conversa|chat"]),
    ("fr", &["/fin", "retour|revenir a|au lassistant|assistant|bot", "terminer la|cette conversation"]),
    ("it", &["/fine", "tornare|torna|torno al? assistente|bot|allassistente", "chiudere|terminare la? chat|conversazione"]),
    ("nl", &["/einde", "terug naar de? assistent|bot", "gesprek|chat beeindigen|sluiten"]),
    ("af", &["/einde", "terug na die? assistent|bot", "beeindig|sluit die? gesprek|klets"]),
    ("de", &["/ende", "zuruck|zurueck zum|zu assistenten|bot|ki", "gesprach|chat beenden"]),
];

/// All of it.
pub(super) fn phrases() -> Phrases {
    Phrases {
        wants_person: Vec::new(),
        not_wants: Vec::new(),
        yes: rules(YES),
        no: rules(NO),
        ends_human: rules(ENDS_HUMAN),
        compiled: Compiled::default(),
    }
}

fn rules(lists: &Lists) -> Vec<PhraseRule> {
    let rule = |language: &str, phrase: &str| PhraseRule {
        language: language.to_owned(),
        phrase: phrase.to_owned(),
    };
    lists
        .iter()
        .flat_map(|(language, phrases)| phrases.iter().map(move |p| rule(language, p)))
        .collect()
}
