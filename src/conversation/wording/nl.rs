//! What customers are told in Dutch.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "Begrepen: een medewerker neemt dit over. Ik heb uw vraag doorgegeven en meestal komt er binnen {minutes} min antwoord, gewoon hier. Wie het overneemt ziet ons hele gesprek, dus u hoeft niets te herhalen."
        }
        TextKey::AckNoTime => {
            "Begrepen: een medewerker neemt dit over. Ik heb uw vraag doorgegeven en het antwoord komt gewoon hier. Wie het overneemt ziet ons hele gesprek, dus u hoeft niets te herhalen."
        }
        TextKey::Progress => {
            "Uw vraag ligt nog bij ons team en houdt zijn plaats. Er is nog niemand vrij; bedankt voor uw geduld."
        }
        TextKey::StillWorking => "Een ogenblik, ik zoek het nog uit.",
        TextKey::Apology => {
            "Het spijt me: niemand kon het op tijd overnemen. Uw vraag is met dit hele gesprek vastgelegd en blijft op de lijst van ons team; iemand pakt het op en antwoordt u hier. U kunt intussen blijven schrijven."
        }
        TextKey::Joined => "{agent} neemt nu deel aan het gesprek en heeft gelezen wat u schreef.",
        TextKey::HandedBack => {
            "{agent} heeft het gesprek verlaten en de automatische assistent helpt u weer. Die weet wat u samen besproken hebt."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} is niet meer in het gesprek en de automatische assistent helpt u weer. Hebt u nog een medewerker nodig, zeg het dan gewoon."
        }
        TextKey::ClosedByIdle => {
            "Omdat we een tijdje niets van u hebben gehoord, sluiten we dit gesprek. U kunt altijd weer schrijven."
        }
        TextKey::Offer => "Zal ik u met een medewerker verbinden? Antwoord met ja of nee.",
        TextKey::OfferYes => "Ja, graag",
        TextKey::OfferNo => "Nee, bedankt",
        TextKey::ModelTrouble => {
            "Sorry, er ging bij ons iets mis en ik kon daar geen antwoord op geven."
        }
        TextKey::AfterHours => {
            "Op dit moment is er niemand van ons team; we zijn er {opens} weer. Uw vraag staat met dit hele gesprek genoteerd en het antwoord komt gewoon hier."
        }
        TextKey::AfterHoursNoTime => {
            "Op dit moment is er niemand van ons team. Uw vraag staat met dit hele gesprek genoteerd en het antwoord komt gewoon hier zodra er weer iemand is."
        }
        TextKey::Meanwhile => "Tot die tijd kan ik u verder helpen.",
        TextKey::Place => "U bent nummer {position} in de rij.",
        TextKey::Pace => "In het huidige tempo duurt het ongeveer {minutes} min.",
        TextKey::Alternatives => {
            "Zo lang hoeft u niet te wachten. Antwoord met een cijfer als u liever iets anders doet:"
        }
        TextKey::LeaveMessage => "Een bericht achterlaten",
        TextKey::CallBack => "Teruggebeld worden",
        TextKey::GoOnWithAi => "Verdergaan met de automatische assistent",
        TextKey::MessageNoted => {
            "Schrijf uw bericht hier. U hoeft niet te wachten: een medewerker antwoordt u gewoon hier."
        }
        TextKey::CallBackNoted => {
            "Schrijf hier op welk nummer en wanneer we u kunnen bereiken. U hoeft niet te wachten: een medewerker belt u."
        }
        TextKey::Survey => {
            "Hoe heeft {agent} u geholpen? Antwoord met een cijfer van 1 (slecht) tot 5 (heel goed); al het andere dat u schrijft bereikt ons zoals altijd."
        }
        TextKey::SurveyAi => {
            "Hoe heeft de automatische assistent u geholpen? Antwoord met een cijfer van 1 (slecht) tot 5 (heel goed); al het andere dat u schrijft bereikt ons zoals altijd."
        }
        TextKey::SurveyThanks => "Bedankt voor uw reactie.",
        TextKey::OpensToday => "vandaag om {time} uur ({zone})",
        TextKey::OpensOn => "{weekday} om {time} uur ({zone})",
        TextKey::OpensLater => "{weekday} {date} om {time} uur ({zone})",
        TextKey::Monday => "maandag",
        TextKey::Tuesday => "dinsdag",
        TextKey::Wednesday => "woensdag",
        TextKey::Thursday => "donderdag",
        TextKey::Friday => "vrijdag",
        TextKey::Saturday => "zaterdag",
        TextKey::Sunday => "zondag",
        TextKey::TransferredTo => {
            "Uw gesprek is doorgegeven aan {queue}, met alles wat er is gezegd."
        }
        TextKey::AiOff => {
            "De automatische assistent staat op dit moment uit; uw bericht gaat naar een medewerker."
        }
        TextKey::CustomerEnded => {
            "U bent terug bij de automatische assistent. Hebt u weer een medewerker nodig, zeg het dan gewoon."
        }
        TextKey::Somebody => "Een medewerker van ons team",
        TextKey::OurTeam => "ons team",
        TextKey::OfferTrouble => {
            "Het spijt me, ik lijk u niet goed te helpen. Zal ik u met een medewerker verbinden? Antwoord met ja of nee."
        }
        TextKey::IdleReminder => {
            "Bent u er nog? Schrijf gerust als u nog iets nodig hebt; anders sluit ik dit gesprek over een tijdje."
        }
        TextKey::MentionPerson => {
            "Trouwens: wilt u liever met een medewerker praten, zeg het dan op elk moment."
        }
    }
}
