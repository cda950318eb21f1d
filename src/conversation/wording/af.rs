//! What customers are told in Afrikaans.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "Verstaan: ’n mens neem dit oor. Ek het u versoek aangestuur en ’n antwoord kom gewoonlik binne {minutes} min, net hier. Wie dit ook al oorneem, sien ons hele gesprek, so u hoef niks te herhaal nie."
        }
        TextKey::AckNoTime => {
            "Verstaan: ’n mens neem dit oor. Ek het u versoek aangestuur en die antwoord kom net hier. Wie dit ook al oorneem, sien ons hele gesprek, so u hoef niks te herhaal nie."
        }
        TextKey::Progress => {
            "U versoek is nog by ons span en behou sy plek. Niemand is nog vry nie; dankie vir u geduld."
        }
        TextKey::StillWorking => "Een oomblik, ek soek nog.",
        TextKey::Apology => {
            "Ek is jammer: niemand kon betyds oorneem nie. U versoek is saam met hierdie hele gesprek aangeteken en bly op ons span se lys; iemand sal dit opvolg en u hier antwoord. U kan intussen aanhou skryf."
        }
        TextKey::Joined => "{agent} het by die gesprek aangesluit en het gelees wat u geskryf het.",
        TextKey::HandedBack => {
            "{agent} het die gesprek verlaat en die outomatiese assistent help u weer. Dit weet waaroor u gesels het."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} is nie meer in die gesprek nie en die outomatiese assistent help u weer. As u nog ’n mens nodig het, sê dit net."
        }
        TextKey::ClosedByIdle => {
            "Ons het ’n ruk niks van u gehoor nie, so hierdie gesprek is nou gesluit. U kan enige tyd weer skryf."
        }
        TextKey::Offer => "Sal ek u met ’n mens verbind? Antwoord asseblief ja of nee.",
        TextKey::OfferYes => "Ja, asseblief",
        TextKey::OfferNo => "Nee, dankie",
        TextKey::ModelTrouble => {
            "Jammer, iets het aan ons kant verkeerd geloop en ek kon nie daarop antwoord nie."
        }
        TextKey::AfterHours => {
            "Ons span is nie nou daar nie; hulle is {opens} terug. U versoek is saam met hierdie hele gesprek vir hulle gemerk en die antwoord kom net hier."
        }
        TextKey::AfterHoursNoTime => {
            "Ons span is nie nou daar nie. U versoek is saam met hierdie hele gesprek vir hulle gemerk en die antwoord kom net hier sodra hulle terug is."
        }
        TextKey::Meanwhile => "Tot dan kan ek u verder help.",
        TextKey::Place => "U is nommer {position} in die ry.",
        TextKey::Pace => "Teen die huidige tempo neem dit omtrent {minutes} min.",
        TextKey::Alternatives => {
            "U hoef nie so lank te wag nie. Antwoord met ’n nommer as u liewer iets anders wil doen:"
        }
        TextKey::LeaveMessage => "Los ’n boodskap",
        TextKey::CallBack => "Word teruggebel",
        TextKey::GoOnWithAi => "Gaan voort met die outomatiese assistent",
        TextKey::MessageNoted => {
            "Skryf asseblief u boodskap hier. U hoef nie te wag nie: ’n mens sal u net hier antwoord."
        }
        TextKey::CallBackNoted => {
            "Skryf asseblief hier op watter nommer en wanneer ons u kan bereik. U hoef nie te wag nie: ’n mens sal u bel."
        }
        TextKey::Survey => {
            "Hoe het {agent} u gehelp? Antwoord met ’n nommer van 1 (swak) tot 5 (baie goed); enigiets anders wat u skryf, bereik ons soos gewoonlik."
        }
        TextKey::SurveyAi => {
            "Hoe het die outomatiese assistent u gehelp? Antwoord met ’n nommer van 1 (swak) tot 5 (baie goed); enigiets anders wat u skryf, bereik ons soos gewoonlik."
        }
        TextKey::SurveyThanks => "Dankie dat u ons laat weet het.",
        TextKey::OpensToday => "vandag om {time} ({zone})",
        TextKey::OpensOn => "{weekday} om {time} ({zone})",
        TextKey::OpensLater => "{weekday}, {date}, om {time} ({zone})",
        TextKey::Monday => "Maandag",
        TextKey::Tuesday => "Dinsdag",
        TextKey::Wednesday => "Woensdag",
        TextKey::Thursday => "Donderdag",
        TextKey::Friday => "Vrydag",
        TextKey::Saturday => "Saterdag",
        TextKey::Sunday => "Sondag",
        TextKey::TransferredTo => "U gesprek is aan {queue} oorgedra, met alles wat gesê is.",
        TextKey::AiOff => {
            "Die outomatiese assistent is tans afgeskakel; u boodskap gaan na ’n mens."
        }
        TextKey::CustomerEnded => {
            "U is terug by die outomatiese assistent. As u weer ’n mens nodig het, sê dit net."
        }
        TextKey::Somebody => "’n Lid van ons span",
        TextKey::OurTeam => "ons span",
        TextKey::OfferTrouble => {
            "Ek is jammer, dit lyk of ek u nie reg help nie. Sal ek u met ’n mens verbind? Antwoord asseblief ja of nee."
        }
        TextKey::IdleReminder => {
            "Is u nog daar? As u nog iets nodig het, skryf net; anders sluit ek hierdie gesprek oor ’n rukkie."
        }
        TextKey::MentionPerson => {
            "Terloops: as u liewer met ’n mens wil praat, sê dit net enige tyd."
        }
    }
}
