//! What customers are told in Spanish.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "Entendido: una persona se ocupará de esto. Ya he pasado su solicitud y la respuesta suele llegar en unos {minutes} min, aquí mismo. Quien la atienda verá toda nuestra conversación, así que no tendrá que repetir nada."
        }
        TextKey::AckNoTime => {
            "Entendido: una persona se ocupará de esto. Ya he pasado su solicitud y la respuesta llegará aquí mismo. Quien la atienda verá toda nuestra conversación, así que no tendrá que repetir nada."
        }
        TextKey::Progress => {
            "Su solicitud sigue con nuestro equipo y conserva su lugar. Todavía no ha quedado nadie libre; gracias por su paciencia."
        }
        TextKey::StillWorking => "Un momento, todavía lo estoy mirando.",
        TextKey::Apology => {
            "Lo siento: nadie ha podido atenderle a tiempo. Su solicitud queda registrada junto con toda esta conversación y sigue en la lista de nuestro equipo; una persona le dará seguimiento y le responderá aquí. Mientras tanto puede seguir escribiendo."
        }
        TextKey::Joined => "{agent} se ha unido a la conversación y ha leído lo que escribió.",
        TextKey::HandedBack => {
            "{agent} ha dejado la conversación y el asistente automático vuelve a atenderle. Conoce lo que han hablado."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} ya no está en la conversación y el asistente automático vuelve a atenderle. Si aún necesita a una persona, dígalo."
        }
        TextKey::ClosedByIdle => {
            "Como hace tiempo que no sabemos de usted, cerramos esta conversación. Puede volver a escribir cuando quiera."
        }
        TextKey::Offer => {
            "¿Quiere que le ponga en contacto con una persona? Responda sí o no, por favor."
        }
        TextKey::OfferYes => "Sí, por favor",
        TextKey::OfferNo => "No, gracias",
        TextKey::ModelTrouble => {
            "Lo siento, algo ha fallado por nuestra parte y no he podido responder."
        }
        TextKey::AfterHours => {
            "A esta hora no hay nadie de nuestro equipo; vuelven {opens}. Su solicitud queda marcada junto con toda esta conversación y le responderán aquí mismo."
        }
        TextKey::AfterHoursNoTime => {
            "A esta hora no hay nadie de nuestro equipo. Su solicitud queda marcada junto con toda esta conversación y le responderán aquí mismo cuando vuelvan."
        }
        TextKey::Meanwhile => "Hasta entonces puedo seguir ayudándole.",
        TextKey::Place => "Usted es el número {position} en la fila.",
        TextKey::Pace => "Al ritmo actual son unos {minutes} min.",
        TextKey::Alternatives => {
            "No tiene que esperar tanto. Responda con un número si prefiere otra cosa:"
        }
        TextKey::LeaveMessage => "Dejar un mensaje",
        TextKey::CallBack => "Que me llamen",
        TextKey::GoOnWithAi => "Seguir con el asistente automático",
        TextKey::MessageNoted => {
            "Escriba aquí su mensaje. No hace falta que espere: una persona le responderá aquí mismo."
        }
        TextKey::CallBackNoted => {
            "Escriba aquí a qué número y cuándo podemos llamarle. No hace falta que espere: una persona le llamará."
        }
        TextKey::Survey => {
            "¿Cómo le atendió {agent}? Responda con un número del 1 (mal) al 5 (muy bien); cualquier otra cosa que escriba nos llega como siempre."
        }
        TextKey::SurveyAi => {
            "¿Cómo le atendió el asistente automático? Responda con un número del 1 (mal) al 5 (muy bien); cualquier otra cosa que escriba nos llega como siempre."
        }
        TextKey::SurveyThanks => "Gracias por decírnoslo.",
        TextKey::OpensToday => "hoy a las {time} ({zone})",
        TextKey::OpensOn => "el {weekday} a las {time} ({zone})",
        TextKey::OpensLater => "el {weekday}, {date}, a las {time} ({zone})",
        TextKey::Monday => "lunes",
        TextKey::Tuesday => "martes",
        TextKey::Wednesday => "miércoles",
        TextKey::Thursday => "jueves",
        TextKey::Friday => "viernes",
        TextKey::Saturday => "sábado",
        TextKey::Sunday => "domingo",
        TextKey::TransferredTo => {
            "Su conversación ha pasado a {queue}, con todo lo que se ha dicho."
        }
        TextKey::AiOff => {
            "El asistente automático está desconectado en este momento; su mensaje pasa a una persona."
        }
        TextKey::CustomerEnded => {
            "Vuelve a estar con el asistente automático. Si necesita de nuevo a una persona, dígalo."
        }
        TextKey::Somebody => "Un miembro de nuestro equipo",
        TextKey::OurTeam => "nuestro equipo",
        TextKey::OfferTrouble => {
            "Lo siento, parece que no estoy acertando. ¿Quiere que le ponga en contacto con una persona? Responda sí o no, por favor."
        }
        TextKey::IdleReminder => {
            "¿Sigue ahí? Si necesita algo más, escríbalo; si no, cerraré esta conversación dentro de un rato."
        }
        TextKey::MentionPerson => {
            "Por cierto: si prefiere hablar con una persona, dígalo en cualquier momento."
        }
    }
}
