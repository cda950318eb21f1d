//! What customers are told in German.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "Verstanden: Ein Mensch übernimmt. Ihr Anliegen ist weitergegeben, und eine Antwort kommt meist innerhalb von {minutes} Min., genau hier. Wer übernimmt, sieht unser ganzes Gespräch; Sie müssen also nichts wiederholen."
        }
        TextKey::AckNoTime => {
            "Verstanden: Ein Mensch übernimmt. Ihr Anliegen ist weitergegeben, und die Antwort kommt genau hier. Wer übernimmt, sieht unser ganzes Gespräch; Sie müssen also nichts wiederholen."
        }
        TextKey::Progress => {
            "Ihr Anliegen liegt weiter bei unserem Team und behält seinen Platz. Noch ist niemand frei; danke für Ihre Geduld."
        }
        TextKey::StillWorking => "Einen Moment, ich sehe noch nach.",
        TextKey::Apology => {
            "Es tut mir leid: Niemand konnte rechtzeitig übernehmen. Ihr Anliegen ist mit dem ganzen Gespräch vermerkt und bleibt auf der Liste unseres Teams; jemand kümmert sich darum und antwortet Ihnen hier. Sie können inzwischen weiterschreiben."
        }
        TextKey::Joined => {
            "{agent} ist jetzt im Gespräch und hat gelesen, was Sie geschrieben haben."
        }
        TextKey::HandedBack => {
            "{agent} hat das Gespräch verlassen, und der automatische Assistent ist wieder für Sie da. Er weiß, was Sie besprochen haben."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} ist nicht mehr im Gespräch, und der automatische Assistent ist wieder für Sie da. Wenn Sie weiterhin einen Menschen brauchen, sagen Sie es einfach."
        }
        TextKey::ClosedByIdle => {
            "Da wir eine Weile nichts von Ihnen gehört haben, ist dieses Gespräch nun geschlossen. Schreiben Sie jederzeit wieder."
        }
        TextKey::Offer => {
            "Soll ich Sie mit einem Menschen verbinden? Bitte antworten Sie mit Ja oder Nein."
        }
        TextKey::OfferYes => "Ja, bitte",
        TextKey::OfferNo => "Nein, danke",
        TextKey::ModelTrouble => {
            "Entschuldigung, bei uns ist etwas schiefgegangen, und ich konnte darauf nicht antworten."
        }
        TextKey::AfterHours => {
            "Um diese Zeit ist von unserem Team niemand da; es ist {opens} wieder erreichbar. Ihr Anliegen ist mit dem ganzen Gespräch vorgemerkt, und die Antwort kommt genau hier."
        }
        TextKey::AfterHoursNoTime => {
            "Um diese Zeit ist von unserem Team niemand da. Ihr Anliegen ist mit dem ganzen Gespräch vorgemerkt, und die Antwort kommt genau hier, sobald wieder jemand da ist."
        }
        TextKey::Meanwhile => "Bis dahin kann ich Ihnen weiterhelfen.",
        TextKey::Place => "Sie sind Nummer {position} in der Warteschlange.",
        TextKey::Pace => "Im Augenblick dauert es etwa {minutes} Min.",
        TextKey::Alternatives => {
            "So lange müssen Sie nicht warten. Antworten Sie mit einer Zahl, wenn Ihnen etwas anderes lieber ist:"
        }
        TextKey::LeaveMessage => "Eine Nachricht hinterlassen",
        TextKey::CallBack => "Zurückgerufen werden",
        TextKey::GoOnWithAi => "Mit dem automatischen Assistenten weitermachen",
        TextKey::MessageNoted => {
            "Bitte schreiben Sie Ihre Nachricht hierher. Sie müssen nicht warten: Ein Mensch antwortet Ihnen genau hier."
        }
        TextKey::CallBackNoted => {
            "Bitte schreiben Sie hierher, unter welcher Nummer und wann wir Sie erreichen. Sie müssen nicht warten: Ein Mensch ruft Sie an."
        }
        TextKey::Survey => {
            "Wie zufrieden waren Sie mit {agent}? Antworten Sie mit einer Zahl von 1 (gar nicht) bis 5 (sehr); alles andere, was Sie schreiben, erreicht uns wie gewohnt."
        }
        TextKey::SurveyAi => {
            "Wie zufrieden waren Sie mit dem automatischen Assistenten? Antworten Sie mit einer Zahl von 1 (gar nicht) bis 5 (sehr); alles andere, was Sie schreiben, erreicht uns wie gewohnt."
        }
        TextKey::SurveyThanks => "Danke für Ihre Rückmeldung.",
        TextKey::OpensToday => "heute um {time} Uhr ({zone})",
        TextKey::OpensOn => "am {weekday} um {time} Uhr ({zone})",
        TextKey::OpensLater => "am {weekday}, {date}, um {time} Uhr ({zone})",
        TextKey::Monday => "Montag",
        TextKey::Tuesday => "Dienstag",
        TextKey::Wednesday => "Mittwoch",
        TextKey::Thursday => "Donnerstag",
        TextKey::Friday => "Freitag",
        TextKey::Saturday => "Samstag",
        TextKey::Sunday => "Sonntag",
        TextKey::TransferredTo => {
            "Ihr Gespräch wurde mit allem, was gesagt wurde, weitergegeben an: {queue}."
        }
        TextKey::AiOff => {
            "Der automatische Assistent ist im Augenblick abgeschaltet; Ihre Nachricht geht an einen Menschen."
        }
        TextKey::CustomerEnded => {
            "Sie sind wieder mit dem automatischen Assistenten verbunden. Wenn Sie noch einmal einen Menschen brauchen, sagen Sie es einfach."
        }
        TextKey::Somebody => "Jemand aus unserem Team",
        TextKey::OurTeam => "unser Team",
        TextKey::OfferTrouble => {
            "Es tut mir leid, ich helfe Ihnen hier offenbar nicht richtig weiter. Soll ich Sie mit einem Menschen verbinden? Bitte antworten Sie mit Ja oder Nein."
        }
        TextKey::IdleReminder => {
            "Sind Sie noch da? Wenn Sie noch etwas brauchen, schreiben Sie einfach; sonst schließe ich dieses Gespräch in einer Weile."
        }
        TextKey::MentionPerson => {
            "Übrigens: Wenn Sie lieber mit einem Menschen sprechen möchten, sagen Sie es jederzeit."
        }
    }
}
