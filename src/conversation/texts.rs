//! Every text of ours that a customer can see, per language.
//!
//! [`TextKey`] is the closed list; the bundled wording is English and Spanish, and `[messages.LANGUAGE]` replaces
//! single texts or adds languages. A placeholder is checked when a text is set, never when it is sent: an unknown
//! one, or an unclosed brace, is a fault of the configuration. Rendering is one pass, so that a name with braces in
//! it stays a name, and it never leaves a hole: what is not known is said in general words.
//!
//! No text here claims to be a person, and none promises a time that was not given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::placeholders::{Piece, piece};
pub use super::placeholders::{Placeholder, TEXT_CHARS_MAX, TextFault, check};

macro_rules! texts {
    ($($(#[$doc:meta])* $key:ident = $word:literal [$($slot:ident),*] en $en:literal es $es:literal;)+) => {
        /// One text that a customer can see.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum TextKey {
            $($(#[$doc])* #[serde(rename = $word)] $key),+
        }

        impl TextKey {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$key),+];

            /// Its key in `[messages.LANGUAGE]`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$key => $word),+ }
            }

            /// The key, read.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$key),)+ _ => None }
            }

            /// The placeholders that it may use.
            pub const fn placeholders(self) -> &'static [Placeholder] {
                match self { $(Self::$key => &[$(Placeholder::$slot),*]),+ }
            }

            /// The bundled English, used where nothing better is known.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$key => $en),+ }
            }

            /// The bundled Spanish.
            pub const fn spanish(self) -> &'static str {
                match self { $(Self::$key => $es),+ }
            }
        }
    };
}

texts! {
    /// A person is promised, and the queue has a target: heard, what is next, when, and that nothing need be repeated.
    Ack = "ack" [Minutes, Queue]
        en "Understood: a person will take this over. I have passed your request on, and an answer usually comes within {minutes} min, right here. Whoever takes it sees our whole conversation, so you will not have to repeat anything."
        es "Entendido: una persona se ocupará de esto. Ya he pasado su solicitud y la respuesta suele llegar en unos {minutes} min, aquí mismo. Quien la atienda verá toda nuestra conversación, así que no tendrá que repetir nada.";
    /// The same where no time can be named.
    AckNoTime = "ack_no_time" [Queue]
        en "Understood: a person will take this over. I have passed your request on, and the answer will come right here. Whoever takes it sees our whole conversation, so you will not have to repeat anything."
        es "Entendido: una persona se ocupará de esto. Ya he pasado su solicitud y la respuesta llegará aquí mismo. Quien la atienda verá toda nuestra conversación, así que no tendrá que repetir nada.";
    /// Still waiting for a person; at most once per step of the ladder.
    Progress = "progress" [Minutes, Queue]
        en "Your request is still with our team and has kept its place. Nobody has been free yet; thank you for your patience."
        es "Su solicitud sigue con nuestro equipo y conserva su lugar. Todavía no ha quedado nadie libre; gracias por su paciencia.";
    /// The AI needs longer than usual.
    StillWorking = "still_working" []
        en "One moment, I am still looking into this."
        es "Un momento, todavía lo estoy mirando.";
    /// Nobody came: said openly, with how it goes on.
    Apology = "apology" [Minutes, Queue]
        en "I am sorry: nobody could take over in time. Your request is recorded together with this whole conversation and stays on our team's list; a person will follow it up and answer you here. You can keep writing in the meantime."
        es "Lo siento: nadie ha podido atenderle a tiempo. Su solicitud queda registrada junto con toda esta conversación y sigue en la lista de nuestro equipo; una persona le dará seguimiento y le responderá aquí. Mientras tanto puede seguir escribiendo.";
    /// A person took over.
    Joined = "joined" [Agent, Queue]
        en "{agent} has joined the conversation and has read what you wrote."
        es "{agent} se ha unido a la conversación y ha leído lo que escribió.";
    /// A person gave back to the AI.
    HandedBack = "handed_back" [Agent]
        en "{agent} has left the conversation, and the automated assistant is with you again. It knows what the two of you discussed."
        es "{agent} ha dejado la conversación y el asistente automático vuelve a atenderle. Conoce lo que han hablado.";
    /// The clock gave back to the AI.
    HandedBackByTimeout = "handed_back_by_timeout" [Agent]
        en "{agent} is no longer in the conversation, and the automated assistant is with you again. If you still need a person, just say so."
        es "{agent} ya no está en la conversación y el asistente automático vuelve a atenderle. Si aún necesita a una persona, dígalo.";
    /// Nobody wrote for long.
    ClosedByIdle = "closed_by_idle" []
        en "As we have not heard from you for a while, this conversation is now closed. Write again at any time."
        es "Como hace tiempo que no sabemos de usted, cerramos esta conversación. Puede volver a escribir cuando quiera.";
    /// The AI asks whether a person is wanted; the text says how to answer.
    Offer = "offer" [Queue]
        en "Shall I connect you with a person? Please answer yes or no."
        es "¿Quiere que le ponga en contacto con una persona? Responda sí o no, por favor.";
    /// The button that takes the offer.
    OfferYes = "offer_yes" []
        en "Yes, please"
        es "Sí, por favor";
    /// The button that declines it.
    OfferNo = "offer_no" []
        en "No, thanks"
        es "No, gracias";
    /// The model failed.
    ModelTrouble = "model_trouble" []
        en "Sorry, something went wrong on our side and I could not answer that."
        es "Lo siento, algo ha fallado por nuestra parte y no he podido responder.";
    /// Nobody is there at this hour; says when somebody will be, and never promises "shortly".
    AfterHours = "after_hours" [Opens, Queue]
        en "Our team is not there at this hour; they are back {opens}. Your request is marked for them together with this whole conversation, and they will answer you right here."
        es "A esta hora no hay nadie de nuestro equipo; vuelven {opens}. Su solicitud queda marcada junto con toda esta conversación y le responderán aquí mismo.";
    /// The same where no opening is known.
    AfterHoursNoTime = "after_hours_no_time" [Queue]
        en "Our team is not there at this hour. Your request is marked for them together with this whole conversation, and they will answer you right here once they are back."
        es "A esta hora no hay nadie de nuestro equipo. Su solicitud queda marcada junto con toda esta conversación y le responderán aquí mismo cuando vuelvan.";
    /// Follows the two above where the AI goes on answering.
    Meanwhile = "meanwhile" []
        en "Until then I can go on helping you."
        es "Hasta entonces puedo seguir ayudándole.";
    /// Follows an acknowledgement or a progress note: the place in line.
    Place = "place" [Position]
        en "You are number {position} in line."
        es "Usted es el número {position} en la fila.";
    /// Follows it where enough is known: how long it takes at the present pace.
    Pace = "pace" [Minutes]
        en "At the present pace it takes about {minutes} min."
        es "Al ritmo actual son unos {minutes} min.";
    /// It takes too long: what can be done instead; the possibilities follow, numbered.
    Alternatives = "alternatives" []
        en "You do not have to wait for that. Answer with a number if you would rather do something else:"
        es "No tiene que esperar tanto. Responda con un número si prefiere otra cosa:";
    /// One of them.
    LeaveMessage = "leave_message" []
        en "Leave a message" es "Dejar un mensaje";
    /// One of them.
    CallBack = "call_back" []
        en "Be called back" es "Que me llamen";
    /// One of them.
    GoOnWithAi = "go_on_with_ai" []
        en "Go on with the automated assistant" es "Seguir con el asistente automático";
    /// They leave a message.
    MessageNoted = "message_noted" []
        en "Please write your message here. You need not stay: a person will answer it right here."
        es "Escriba aquí su mensaje. No hace falta que espere: una persona le responderá aquí mismo.";
    /// They want to be called.
    CallBackNoted = "call_back_noted" []
        en "Please write here on which number, and when, we can reach you. You need not stay: a person will call you."
        es "Escriba aquí a qué número y cuándo podemos llamarle. No hace falta que espere: una persona le llamará.";
    /// The question how it went, where a person handled it.
    Survey = "survey" [Agent]
        en "How did {agent} do? Answer with a number from 1 (badly) to 5 (very well); anything else you write reaches us as usual."
        es "¿Cómo le atendió {agent}? Responda con un número del 1 (mal) al 5 (muy bien); cualquier otra cosa que escriba nos llega como siempre.";
    /// The same where the AI did.
    SurveyAi = "survey_ai" []
        en "How did the automated assistant do? Answer with a number from 1 (badly) to 5 (very well); anything else you write reaches us as usual."
        es "¿Cómo le atendió el asistente automático? Responda con un número del 1 (mal) al 5 (muy bien); cualquier otra cosa que escriba nos llega como siempre.";
    /// They answered.
    SurveyThanks = "survey_thanks" []
        en "Thank you for letting us know."
        es "Gracias por decírnoslo.";
    /// Stands for `{opens}`: later on the same day.
    OpensToday = "opens_today" [Time, Zone]
        en "today at {time}"
        es "hoy a las {time}";
    /// Stands for `{opens}`: within the next days.
    OpensOn = "opens_on" [Weekday, Date, Time, Zone]
        en "on {weekday} at {time}"
        es "el {weekday} a las {time}";
    /// Stands for `{opens}`: in a week or later.
    OpensLater = "opens_later" [Weekday, Date, Time, Zone]
        en "on {weekday}, {date}, at {time}"
        es "el {weekday}, {date}, a las {time}";
    /// Stands for `{weekday}`.
    Monday = "monday" []
        en "Monday" es "lunes";
    /// Stands for `{weekday}`.
    Tuesday = "tuesday" []
        en "Tuesday" es "martes";
    /// Stands for `{weekday}`.
    Wednesday = "wednesday" []
        en "Wednesday" es "miércoles";
    /// Stands for `{weekday}`.
    Thursday = "thursday" []
        en "Thursday" es "jueves";
    /// Stands for `{weekday}`.
    Friday = "friday" []
        en "Friday" es "viernes";
    /// Stands for `{weekday}`.
    Saturday = "saturday" []
        en "Saturday" es "sábado";
    /// Stands for `{weekday}`.
    Sunday = "sunday" []
        en "Sunday" es "domingo";
    /// It moved to another queue.
    TransferredTo = "transferred_to" [Agent, Queue]
        en "Your conversation has been passed on to {queue}, with everything that was said."
        es "Su conversación ha pasado a {queue}, con todo lo que se ha dicho.";
    /// The AI is switched off.
    AiOff = "ai_off" []
        en "The automated assistant is switched off at the moment; your message goes to a person."
        es "El asistente automático está desconectado en este momento; su mensaje pasa a una persona.";
    /// The customer ended the human stretch.
    CustomerEnded = "customer_ended" [Agent]
        en "You are back with the automated assistant. If you need a person again, just say so."
        es "Vuelve a estar con el asistente automático. Si necesita de nuevo a una persona, dígalo.";
    /// Stands for `{agent}` where no name is known.
    Somebody = "somebody" []
        en "A member of our team"
        es "Un miembro de nuestro equipo";
    /// Stands for `{queue}` where no name is known.
    OurTeam = "our_team" []
        en "our team"
        es "nuestro equipo";
    /// The same offer where the AI has not been of help: it admits that.
    OfferTrouble = "offer_trouble" [Queue]
        en "I am sorry, I do not seem to be getting this right. Shall I connect you with a person? Please answer yes or no."
        es "Lo siento, parece que no estoy acertando. ¿Quiere que le ponga en contacto con una persona? Responda sí o no, por favor.";
}

impl TextKey {
    /// The names of the days, from Monday.
    pub const WEEKDAYS: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

/// What the placeholders of one rendering stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TextArgs<'a> {
    /// The person's name.
    pub agent: Option<&'a str>,
    /// Whole minutes.
    pub minutes: Option<u64>,
    /// The queue's name.
    pub queue: Option<&'a str>,
    /// The place in line, from 1.
    pub position: Option<u64>,
    /// When the queue opens, in words.
    pub opens: Option<&'a str>,
    /// The name of a day of the week.
    pub weekday: Option<&'a str>,
    /// A date.
    pub date: Option<&'a str>,
    /// A time of day.
    pub time: Option<&'a str>,
    /// The abbreviation of a time zone.
    pub zone: Option<&'a str>,
}

/// The texts of one installation: the bundled ones and what the configuration put in their place.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Texts {
    languages: BTreeMap<String, BTreeMap<TextKey, String>>,
}

impl Default for Texts {
    fn default() -> Self {
        let all = |text: fn(TextKey) -> &'static str| {
            TextKey::ALL
                .iter()
                .map(|key| (*key, text(*key).to_owned()))
                .collect()
        };
        Self {
            languages: BTreeMap::from([
                ("en".to_owned(), all(TextKey::english)),
                ("es".to_owned(), all(TextKey::spanish)),
            ]),
        }
    }
}

impl Texts {
    /// Replaces the text of `key` in `language` (its primary subtag counts).
    ///
    /// # Errors
    /// [`TextFault`] when the text cannot be used; nothing is changed then.
    pub fn set(&mut self, language: &str, key: TextKey, text: &str) -> Result<(), TextFault> {
        check(key, text)?;
        self.languages
            .entry(primary(language))
            .or_default()
            .insert(key, text.to_owned());
        Ok(())
    }

    /// The languages that have at least one text.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.keys().map(String::as_str)
    }

    /// The text of `key` in `language`, English where that has none. Without minutes, `Ack` becomes `AckNoTime`,
    /// without an opening `AfterHours` becomes `AfterHoursNoTime`.
    pub fn render(&self, key: TextKey, language: Option<&str>, args: TextArgs<'_>) -> String {
        let key = match (key, args.minutes, args.opens) {
            (TextKey::Ack, None, _) => TextKey::AckNoTime,
            (TextKey::Pace, None, _) => TextKey::Progress,
            (TextKey::AfterHours, _, None) => TextKey::AfterHoursNoTime,
            (key, _, _) => key,
        };
        let language = language.map_or_else(|| "en".to_owned(), primary);
        let mut rest = self.template(key, &language);
        let mut out = String::with_capacity(rest.len() + 16);
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            match piece(&rest[at..]) {
                Some((Piece::Brace(brace), length)) => {
                    out.push(brace);
                    rest = &rest[at + length..];
                }
                Some((Piece::Slot(name), length)) => {
                    self.fill(&mut out, name, &language, args);
                    rest = &rest[at + length..];
                }
                // `set` refuses such a text; one that came in otherwise is shown as it is
                None => {
                    out.push_str(&rest[at..=at]);
                    rest = &rest[at + 1..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn template(&self, key: TextKey, language: &str) -> &str {
        [language, "en"]
            .into_iter()
            .find_map(|l| self.languages.get(l)?.get(&key))
            .map_or(key.english(), String::as_str)
    }

    fn fill(&self, out: &mut String, name: &str, language: &str, args: TextArgs<'_>) {
        let given = |text: Option<&str>| {
            text.map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        let or = |key| self.template(key, language).to_owned();
        match Placeholder::parse(name) {
            Some(Placeholder::Agent) => {
                out.push_str(&given(args.agent).unwrap_or_else(|| or(TextKey::Somebody)));
            }
            Some(Placeholder::Queue) => {
                out.push_str(&given(args.queue).unwrap_or_else(|| or(TextKey::OurTeam)));
            }
            Some(Placeholder::Minutes) => match args.minutes {
                // "in 0 minutes" is no promise anybody can keep
                Some(minutes) => out.push_str(&minutes.max(1).to_string()),
                None => out.push('…'),
            },
            Some(Placeholder::Position) => {
                out.push_str(&args.position.unwrap_or(1).to_string());
            }
            Some(Placeholder::Opens) => out.push_str(args.opens.unwrap_or_default()),
            Some(Placeholder::Weekday) => out.push_str(args.weekday.unwrap_or_default()),
            Some(Placeholder::Date) => out.push_str(args.date.unwrap_or_default()),
            Some(Placeholder::Time) => out.push_str(args.time.unwrap_or_default()),
            Some(Placeholder::Zone) => out.push_str(args.zone.unwrap_or_default()),
            None => out.extend(["{", name, "}"]),
        }
    }
}

/// `es` of `es-MX` or `es_MX`, in lower case.
pub fn primary(language: &str) -> String {
    language
        .split(['-', '_'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_text_passes_its_own_check() {
        for key in TextKey::ALL {
            assert_eq!(check(*key, key.english()), Ok(()), "{key:?}");
            assert_eq!(check(*key, key.spanish()), Ok(()), "{key:?}");
            assert_eq!(TextKey::parse(key.as_str()), Some(*key));
        }
    }

    #[test]
    fn no_rendering_leaves_a_hole() {
        let texts = Texts::default();
        for key in TextKey::ALL {
            for language in [None, Some("es-MX"), Some("EN"), Some("xx")] {
                let text = texts.render(*key, language, TextArgs::default());
                assert!(
                    !text.is_empty() && !text.contains(['{', '}', '…']),
                    "{key:?}: {text}"
                );
            }
        }
    }

    #[test]
    fn a_name_with_braces_stays_a_name() {
        let args = TextArgs {
            agent: Some("{queue}"),
            ..TextArgs::default()
        };
        let text = Texts::default().render(TextKey::Joined, None, args);
        assert!(text.starts_with("{queue} has joined"), "{text}");
    }

    #[test]
    fn the_acknowledgement_names_a_time_only_when_there_is_one() {
        let texts = Texts::default();
        let with = TextArgs {
            minutes: Some(5),
            ..TextArgs::default()
        };
        assert!(
            texts
                .render(TextKey::Ack, Some("es"), with)
                .contains("5 min")
        );
        assert_eq!(
            texts.render(TextKey::Ack, None, TextArgs::default()),
            TextKey::AckNoTime.english()
        );
    }

    #[test]
    fn a_language_of_ones_own_falls_back_text_by_text() {
        let mut texts = Texts::default();
        texts
            .set("fr-CA", TextKey::Joined, "{agent} est là {{ici}}.")
            .expect("good");
        let args = TextArgs {
            agent: Some("Ana"),
            ..TextArgs::default()
        };
        assert_eq!(
            texts.render(TextKey::Joined, Some("fr"), args),
            "Ana est là {ici}."
        );
        assert_eq!(
            texts.render(TextKey::OfferYes, Some("fr"), args),
            TextKey::OfferYes.english()
        );
    }

    #[test]
    fn wrong_placeholders_are_faults() {
        let refused = |key, text: &str| check(key, text).expect_err(text);
        assert_eq!(refused(TextKey::Joined, "{agent"), TextFault::Unclosed);
        assert_eq!(refused(TextKey::Joined, "agent}"), TextFault::Unclosed);
        assert_eq!(refused(TextKey::Joined, "{a{agent}"), TextFault::Unclosed);
        assert_eq!(
            refused(TextKey::Joined, "{minutes}").to_string(),
            "`{minutes}` is not a placeholder of `joined`"
        );
        assert_eq!(refused(TextKey::Joined, "  "), TextFault::Empty);
        assert_eq!(
            refused(TextKey::Joined, &"x".repeat(1601)),
            TextFault::TooLong(1601)
        );
    }
}
