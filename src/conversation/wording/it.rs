//! What customers are told in Italian.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "D’accordo: se ne occuperà una persona. Ho inoltrato la sua richiesta e la risposta arriva di solito entro {minutes} min, proprio qui. Chi la seguirà vedrà tutta la nostra conversazione, quindi non dovrà ripetere nulla."
        }
        TextKey::AckNoTime => {
            "D’accordo: se ne occuperà una persona. Ho inoltrato la sua richiesta e la risposta arriverà proprio qui. Chi la seguirà vedrà tutta la nostra conversazione, quindi non dovrà ripetere nulla."
        }
        TextKey::Progress => {
            "La sua richiesta è ancora presso il nostro team e mantiene il suo posto. Finora nessuno si è liberato; grazie per la pazienza."
        }
        TextKey::StillWorking => "Un momento, sto ancora controllando.",
        TextKey::Apology => {
            "Mi dispiace: nessuno ha potuto rispondere in tempo. La sua richiesta è registrata con tutta questa conversazione e resta nell’elenco del nostro team; una persona la seguirà e le risponderà qui. Nel frattempo può continuare a scrivere."
        }
        TextKey::Joined => "{agent} è ora nella conversazione e ha letto i suoi messaggi.",
        TextKey::HandedBack => {
            "{agent} ha lasciato la conversazione e l’assistente automatico è di nuovo a sua disposizione. Sa di che cosa avete parlato."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} non è più nella conversazione e l’assistente automatico è di nuovo a sua disposizione. Se ha ancora bisogno di una persona, basta dirlo."
        }
        TextKey::ClosedByIdle => {
            "Poiché non la sentiamo da un po’, chiudiamo questa conversazione. Può scrivere di nuovo in qualsiasi momento."
        }
        TextKey::Offer => {
            "Vuole che la metta in contatto con una persona? Risponda sì o no, per favore."
        }
        TextKey::OfferYes => "Sì, grazie",
        TextKey::OfferNo => "No, grazie",
        TextKey::ModelTrouble => {
            "Mi dispiace, qualcosa da parte nostra non ha funzionato e non ho potuto rispondere."
        }
        TextKey::AfterHours => {
            "A quest’ora non c’è nessuno del nostro team; torneremo {opens}. La sua richiesta è segnalata con tutta questa conversazione e la risposta arriverà proprio qui."
        }
        TextKey::AfterHoursNoTime => {
            "A quest’ora non c’è nessuno del nostro team. La sua richiesta è segnalata con tutta questa conversazione e la risposta arriverà proprio qui appena torneremo."
        }
        TextKey::Meanwhile => "Nel frattempo posso continuare ad aiutarla.",
        TextKey::Place => "Lei è al numero {position} della coda.",
        TextKey::Pace => "Al ritmo attuale ci vogliono circa {minutes} min.",
        TextKey::Alternatives => {
            "Non è necessario aspettare tanto. Risponda con un numero se preferisce fare altro:"
        }
        TextKey::LeaveMessage => "Lasciare un messaggio",
        TextKey::CallBack => "Farmi richiamare",
        TextKey::GoOnWithAi => "Continuare con l’assistente automatico",
        TextKey::MessageNoted => {
            "Scriva qui il suo messaggio. Non serve attendere: una persona le risponderà proprio qui."
        }
        TextKey::CallBackNoted => {
            "Scriva qui a quale numero e quando possiamo chiamarla. Non serve attendere: una persona la chiamerà."
        }
        TextKey::Survey => {
            "Come è stato il servizio di {agent}? Risponda con un numero da 1 (scarso) a 5 (ottimo); qualsiasi altra cosa scriva ci arriva come sempre."
        }
        TextKey::SurveyAi => {
            "Come è stato il servizio dell’assistente automatico? Risponda con un numero da 1 (scarso) a 5 (ottimo); qualsiasi altra cosa scriva ci arriva come sempre."
        }
        TextKey::SurveyThanks => "Grazie per la sua risposta.",
        TextKey::OpensToday => "oggi alle {time} ({zone})",
        TextKey::OpensOn => "{weekday} alle {time} ({zone})",
        TextKey::OpensLater => "{weekday}, {date}, alle {time} ({zone})",
        TextKey::Monday => "lunedì",
        TextKey::Tuesday => "martedì",
        TextKey::Wednesday => "mercoledì",
        TextKey::Thursday => "giovedì",
        TextKey::Friday => "venerdì",
        TextKey::Saturday => "sabato",
        TextKey::Sunday => "domenica",
        TextKey::TransferredTo => {
            "La sua conversazione è passata a {queue}, con tutto ciò che è stato detto."
        }
        TextKey::AiOff => {
            "L’assistente automatico è disattivato in questo momento; il suo messaggio va a una persona."
        }
        TextKey::CustomerEnded => {
            "È di nuovo con l’assistente automatico. Se avrà ancora bisogno di una persona, basta dirlo."
        }
        TextKey::Somebody => "Un membro del nostro team",
        TextKey::OurTeam => "il nostro team",
        TextKey::OfferTrouble => {
            "Mi dispiace, sembra che non la stia aiutando come si deve. Vuole che la metta in contatto con una persona? Risponda sì o no, per favore."
        }
        TextKey::IdleReminder => {
            "È ancora lì? Se le serve altro, scriva pure; altrimenti tra un po’ chiuderò questa conversazione."
        }
        TextKey::MentionPerson => {
            "A proposito: se preferisce parlare con una persona, può dirlo in qualsiasi momento."
        }
    }
}
