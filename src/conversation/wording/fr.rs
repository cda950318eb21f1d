//! What customers are told in French.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "C’est noté : une personne va prendre le relais. J’ai transmis votre demande ; la réponse arrive en général sous {minutes} min, ici même. La personne verra toute notre conversation, vous n’aurez donc rien à répéter."
        }
        TextKey::AckNoTime => {
            "C’est noté : une personne va prendre le relais. J’ai transmis votre demande et la réponse arrivera ici même. La personne verra toute notre conversation, vous n’aurez donc rien à répéter."
        }
        TextKey::Progress => {
            "Votre demande est toujours auprès de notre équipe et garde sa place. Personne ne s’est encore libéré ; merci de votre patience."
        }
        TextKey::StillWorking => "Un instant, je cherche encore.",
        TextKey::Apology => {
            "Je suis désolé : personne n’a pu prendre le relais à temps. Votre demande est enregistrée avec toute cette conversation et reste sur la liste de notre équipe ; une personne y donnera suite et vous répondra ici. Vous pouvez continuer à écrire en attendant."
        }
        TextKey::Joined => "{agent} a rejoint la conversation et a lu vos messages.",
        TextKey::HandedBack => {
            "{agent} a quitté la conversation et l’assistant automatique est de nouveau à votre écoute. Il sait ce dont vous avez parlé."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} n’est plus dans la conversation et l’assistant automatique est de nouveau à votre écoute. S’il vous faut encore une personne, dites-le simplement."
        }
        TextKey::ClosedByIdle => {
            "Sans nouvelles de vous depuis un moment, nous fermons cette conversation. Vous pouvez écrire de nouveau à tout moment."
        }
        TextKey::Offer => {
            "Voulez-vous que je vous mette en relation avec une personne ? Répondez par oui ou par non, s’il vous plaît."
        }
        TextKey::OfferYes => "Oui, merci",
        TextKey::OfferNo => "Non, merci",
        TextKey::ModelTrouble => "Désolé, un problème de notre côté m’a empêché de répondre.",
        TextKey::AfterHours => {
            "Notre équipe n’est pas là à cette heure-ci ; elle sera de retour {opens}. Votre demande lui est signalée avec toute cette conversation et la réponse arrivera ici même."
        }
        TextKey::AfterHoursNoTime => {
            "Notre équipe n’est pas là à cette heure-ci. Votre demande lui est signalée avec toute cette conversation et la réponse arrivera ici même dès son retour."
        }
        TextKey::Meanwhile => "D’ici là, je peux continuer à vous aider.",
        TextKey::Place => "Vous êtes en position {position} dans la file d’attente.",
        TextKey::Pace => "Au rythme actuel, il faut compter environ {minutes} min.",
        TextKey::Alternatives => {
            "Rien ne vous oblige à attendre aussi longtemps. Répondez par un chiffre si vous préférez autre chose :"
        }
        TextKey::LeaveMessage => "Laisser un message",
        TextKey::CallBack => "Être rappelé",
        TextKey::GoOnWithAi => "Continuer avec l’assistant automatique",
        TextKey::MessageNoted => {
            "Écrivez votre message ici. Vous n’avez pas besoin de rester : une personne vous répondra ici même."
        }
        TextKey::CallBackNoted => {
            "Écrivez ici à quel numéro et à quel moment nous pouvons vous joindre. Vous n’avez pas besoin de rester : une personne vous appellera."
        }
        TextKey::Survey => {
            "Comment s’est passé votre échange avec {agent} ? Répondez par un chiffre de 1 (mal) à 5 (très bien) ; tout autre message nous parvient comme d’habitude."
        }
        TextKey::SurveyAi => {
            "Comment s’est passé votre échange avec l’assistant automatique ? Répondez par un chiffre de 1 (mal) à 5 (très bien) ; tout autre message nous parvient comme d’habitude."
        }
        TextKey::SurveyThanks => "Merci pour votre réponse.",
        TextKey::OpensToday => "aujourd’hui à {time} ({zone})",
        TextKey::OpensOn => "{weekday} à {time} ({zone})",
        TextKey::OpensLater => "{weekday} {date} à {time} ({zone})",
        TextKey::Monday => "lundi",
        TextKey::Tuesday => "mardi",
        TextKey::Wednesday => "mercredi",
        TextKey::Thursday => "jeudi",
        TextKey::Friday => "vendredi",
        TextKey::Saturday => "samedi",
        TextKey::Sunday => "dimanche",
        TextKey::TransferredTo => {
            "Votre conversation a été transmise à {queue}, avec tout ce qui a été dit."
        }
        TextKey::AiOff => {
            "L’assistant automatique est désactivé pour le moment ; votre message est transmis à une personne."
        }
        TextKey::CustomerEnded => {
            "Vous êtes de nouveau avec l’assistant automatique. S’il vous faut encore une personne, dites-le simplement."
        }
        TextKey::Somebody => "Un membre de notre équipe",
        TextKey::OurTeam => "notre équipe",
        TextKey::OfferTrouble => {
            "Je suis désolé, je ne semble pas vous aider comme il faut. Voulez-vous que je vous mette en relation avec une personne ? Répondez par oui ou par non, s’il vous plaît."
        }
        TextKey::IdleReminder => {
            "Êtes-vous toujours là ? S’il vous faut autre chose, écrivez-le ; sinon, je fermerai cette conversation dans un moment."
        }
        TextKey::MentionPerson => {
            "Au fait : si vous préférez parler à une personne, dites-le à tout moment."
        }
    }
}
