//! The bundled phrases. Common wordings and a few common slips of the finger; no business words.
//!
//! English and Spanish are broad, Portuguese, French and German hold the plain requests.

use super::phrases::{Compiled, PhraseRule, Phrases};

type Lists = [(&'static str, &'static [&'static str])];

#[rustfmt::skip]
const WANTS: &Lists = &[
    ("en", &[
        "talk|speak|chat|speek|tlak to|with a|an|the|some|any? real|live|actual|physical? human|person|agent|representative|rep|operator|someone|somebody|advisor|adviser|people|humans",
        "talk|speak|chat to|with a|the|your? manager|supervisor|boss|team|staff|employee",
        "want|need|wanna|prefer|like a|an|to? real|live|actual? human|person|agent|representative|operator|supervisor|manager",
        "get|give|fetch|find|bring me a|an|some|the real|live|actual? human|person|agent|representative|operator|supervisor|manager",
        "get|give|find me someone|somebody",
        "me over|through|on? to|with a|an|the|some? real|live|actual? human|person|agent|representative|operator|supervisor|manager",
        "connect|transfer|put|switch|forward to|with a|an|some? real|live? human|person|agent|representative|operator|supervisor",
        "connect|transfer|put|pass|switch|forward|hand|patch me over|through|on? to|with someone|somebody|support",
        "real|live|actual human|person|agent|representative|operator|people",
        "human being",
        "human|live|person agent|support|assistance|operator|help",
        "customer service|support|care representative|rep|agent",
        "can|could|may i|we have|get a|an real|live? human|person|agent|representative",
        "is there a|an|any real|live? human|person|agent|one|body i can|could",
        "let me talk|speak to|with",
        "someone|somebody real",
        "stop|enough with? the|this? bot",
        "no more bot|bots|robot",
        "agent", "human", "person", "representative", "operator", "rep", "agents", "humans",
    ]),
    ("es", &[
        "hablar|habla|hable|hablo|chatear|comunicarme|contactar|conversar con un|una|el|la|algun|alguna|tu|su? persona|humano|humana|agente|asesor|asesora|operador|operadora|representante|ejecutivo|ejecutiva|encargado|gerente|supervisor",
        "hablar|comunicarme|contactar|chatear|conversar con alguien|ustedes|ser",
        "quiero|necesito|prefiero|deseo|quisiera|busco un|una|el|la persona|humano|humana|agente|asesor|asesora|operador|operadora|representante|supervisor|gerente",
        "quiero|necesito que me atienda|ayude un|una|alguien",
        "pasame|paseme|pasar|comuniqueme|comunicame|conectame|conecteme|transfiereme|transfierame|ponme|pongame|derivame con|a un|una|el|la|algun? persona|humano|agente|asesor|asesora|operador|operadora|representante|supervisor|gerente|alguien",
        "me puede|puedes|podria|pueden atender|ayudar|comunicar|pasar con|a? un|una|alguna? persona|humano|agente|asesor|asesora|alguien",
        "persona|humano real|verdadera|verdadero|verdad",
        "persona de verdad|carne",
        "ser humano",
        "agente|asesor|operador|representante humano|humana|real",
        "atencion humana|personalizada",
        "hay alguien ahi|humano|real",
        "no quiero hablar con un|una|el|este? bot|robot|maquina",
        "agente", "humano", "persona", "representante", "operador", "operadora", "asesor", "asesora",
    ]),
    ("pt", &[
        "falar|conversar com um|uma|o|a|algum? pessoa|humano|atendente|agente|operador|representante|alguem|supervisor|gerente",
        "quero|preciso|gostaria de? um|uma pessoa|humano|atendente|agente",
        "pessoa real|verdade",
        "atendimento humano",
        "atendente", "humano", "pessoa", "agente",
    ]),
    ("fr", &[
        "parler|discuter|echanger a|avec un|une|le|votre? personne|humain|agent|conseiller|conseillere|operateur|responsable|quelquun",
        "veux|voudrais|besoin dun|un|une|dune humain|conseiller|conseillere|personne|agent",
        "vraie|reelle personne",
        "vrai humain|conseiller",
        "etre humain",
        "conseiller", "conseillere", "humain", "agent", "operateur",
    ]),
    ("de", &[
        "mit einem|einer|jemandem|dem|der|einen echten|echter|richtigen|realen? menschen|mensch|mitarbeiter|mitarbeiterin|person|berater|beraterin|agenten sprechen|reden|schreiben|chatten|verbinden|verbunden",
        "mit jemandem sprechen|reden",
        "echten|echter|richtiger|richtigen mensch|menschen|mitarbeiter",
        "will|mochte|moechte|brauche einen|eine menschen|mitarbeiter|berater|mitarbeiterin",
        "verbinden sie mich",
        "mensch", "mitarbeiter", "mitarbeiterin", "berater", "agent",
    ]),
];

#[rustfmt::skip]
const NOT_WANTS: &Lists = &[
    ("en", &[
        "are|r you|u a|an|really|actually|even? a|an? real|live|actual? human|person|agent|bot|representative|operator",
        "is this|that|it a|an real|live|actual? human|person|agent",
        "am i talking|speaking|chatting to|with a|an real|live|actual? human|person|agent",
        "youre|your|you are|not not? a|an real|live|actual? human|person|agent",
        "dont|do|didnt|not not? want|need|wish to|a|an",
        "dont|didnt want|need|wish",
        "not want|need|wish to? talk|speak|chat?",
        "no need to|for a|an?",
        "without having|needing|talking|speaking to? talk|speak?",
        "rather not", "instead of",
        "travel|estate|cleaning|user|insurance|secret|booking|shipping|press agent|agents",
        "human resources|rights|error|body|nature|hair",
        "agent of|fee|fees|commission",
        "per person", "delivery|contact|another|sales person", "person of|who|per",
        "manager of", "operator of", "person account|plan|tent|room|table|ticket",
    ]),
    ("es", &[
        "eres|es|sos|usted un|una|realmente|usted? persona|humano|humana|agente|bot|robot real?",
        "estoy hablando|chateando con un|una? persona|humano|agente real?",
        "no quiero|necesito|deseo|hace|quisiera falta|que|hablar?",
        "no es necesario",
        "sin tener que?", "por persona", "recursos humanos", "agente inmobiliario|aduanal|de",
    ]),
    ("pt", &["voce e|eh um|uma pessoa|humano|robo real?", "nao quero|preciso falar|de?", "por pessoa", "recursos humanos"]),
    ("fr", &[
        "etes vous|tu un|une vraie|vrai|reelle? personne|humain|robot",
        "es tu un|une vraie|vrai? personne|humain|robot",
        "ne veux|souhaite pas parler?", "pas besoin de|dun parler?", "par personne", "ressources humaines",
    ]),
    ("de", &["bist|sind du|sie ein|eine echter|echte? mensch|person|mitarbeiter", "nicht mit einem|einer|jemandem", "keinen|keine", "pro person"]),
];

#[rustfmt::skip]
const YES: &Lists = &[
    ("en", &[
        "yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "absolutely", "definitely", "y", "ya",
        "of course", "go ahead", "please do", "why not", "no problem", "do it", "i do", "i would", "that would be", "sounds good", "connect me", "yes please",
    ]),
    ("es", &["si", "sip", "claro", "vale", "dale", "bueno", "ok", "correcto", "adelante", "por favor", "de acuerdo", "esta bien", "como no", "por supuesto", "me gustaria", "no hay problema", "si por favor", "si claro"]),
    ("pt", &["sim", "claro", "ok", "quero", "por favor", "pode ser", "com certeza"]),
    ("fr", &["oui", "ouais", "ok", "volontiers", "daccord", "bien sur", "sil vous plait", "avec plaisir"]),
    ("de", &["ja", "jawohl", "gerne", "gern", "ok", "bitte", "klar", "ja bitte", "na klar"]),
];

#[rustfmt::skip]
const NO: &Lists = &[
    ("en", &["no", "nope", "nah", "n", "not now|yet|really|necessary|needed", "no thanks|thank", "dont", "never mind", "nevermind", "its fine|ok|okay", "im good|fine|ok", "not at the moment"]),
    ("es", &["no", "nop", "no gracias", "ahora no", "todavia no", "mejor no", "por ahora no", "no hace falta", "no es necesario", "esta bien asi", "dejalo"]),
    ("pt", &["nao", "nao obrigado|obrigada", "agora nao", "deixa", "ainda nao"]),
    ("fr", &["non", "non merci", "pas maintenant", "pas encore", "ca va", "ce nest pas"]),
    ("de", &["nein", "ne", "nein danke", "nicht jetzt", "noch nicht", "nicht notig|noetig", "schon gut"]),
];

#[rustfmt::skip]
const ENDS_HUMAN: &Lists = &[
    ("en", &["/end", "/bot", "/ai", "back|return|go to? the? assistant|bot|ai", "go|take|switch|bring me? back to the? assistant|bot|ai", "end|close|stop this|the? chat|conversation"]),
    ("es", &["/fin", "/terminar", "volver|vuelve|regresar|quiero volver? al|con asistente|bot", "terminar|cerrar|finalizar el|la|esta? chat|conversacion"]),
    ("pt", &["/fim", "voltar ao|para assistente|bot|o assistente?", "encerrar a|o|esta? conversa|chat"]),
    ("fr", &["/fin", "retour|revenir a|au lassistant|assistant|bot", "terminer la|cette conversation"]),
    ("de", &["/ende", "zuruck|zurueck zum|zu assistenten|bot|ki", "gesprach|chat beenden"]),
];

/// All of it.
pub(super) fn phrases() -> Phrases {
    Phrases {
        wants_person: rules(WANTS),
        not_wants: rules(NOT_WANTS),
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
