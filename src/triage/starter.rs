//! The bundled phrases that answer an offer or send a person away. Requests for a person need none: they are heard by
//! the grammar of [`super::asks`], and the lists for them hold only what a house adds.

use super::phrases::{Compiled, PhraseRule, Phrases};

type Lists = [(&'static str, &'static [&'static str])];

#[rustfmt::skip]
const YES: &Lists = &[
    ("en", &[
        "yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "absolutely", "definitely", "y", "ya",
        "of course", "go ahead", "please do", "why not", "no problem", "do it", "i do", "i would", "that would be", "sounds good", "connect me", "yes please",
    ]),
    ("es", &["si", "sip", "claro", "vale", "dale", "bueno", "ok", "correcto", "adelante", "por favor", "de acuerdo", "esta bien", "como no", "por supuesto", "me gustaria", "no hay problema", "si por favor", "si claro"]),
    ("pt", &["sim", "claro", "ok", "quero", "por favor", "pode ser", "com certeza"]),
    ("fr", &["oui", "ouais", "ok", "volontiers", "daccord", "bien sur", "sil vous plait", "avec plaisir"]),
    ("it", &["si", "certo", "ok", "va bene", "volentieri", "per favore", "daccordo", "grazie si", "si grazie", "esatto"]),
    ("nl", &["ja", "jazeker", "graag", "ok", "oke", "prima", "goed", "ja graag", "doe maar", "alstublieft", "akkoord"]),
    ("af", &["ja", "asseblief", "ok", "graag", "goed", "reg so", "ja asseblief", "natuurlik", "dis reg"]),
    ("de", &["ja", "jawohl", "gerne", "gern", "ok", "bitte", "klar", "ja bitte", "na klar"]),
];

#[rustfmt::skip]
const NO: &Lists = &[
    ("en", &["no", "nope", "nah", "n", "not now|yet|really|necessary|needed", "no thanks|thank", "dont", "never mind", "nevermind", "its fine|ok|okay", "im good|fine|ok", "not at the moment"]),
    ("es", &["no", "nop", "no gracias", "ahora no", "todavia no", "mejor no", "por ahora no", "no hace falta", "no es necesario", "esta bien asi", "dejalo"]),
    ("pt", &["nao", "nao obrigado|obrigada", "agora nao", "deixa", "ainda nao"]),
    ("fr", &["non", "non merci", "pas maintenant", "pas encore", "ca va", "ce nest pas"]),
    ("it", &["no", "no grazie", "non ora", "non adesso", "non ancora", "non serve", "lascia stare", "non importa"]),
    ("nl", &["nee", "nee bedankt|dank", "niet nu", "nog niet", "hoeft niet", "laat maar", "liever niet"]),
    ("af", &["nee", "nee dankie", "nie nou nie", "nog nie", "los dit", "nie nodig nie"]),
    ("de", &["nein", "ne", "nein danke", "nicht jetzt", "noch nicht", "nicht notig|noetig", "schon gut"]),
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
