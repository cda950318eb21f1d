//! What customers are told in English.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "Understood: a person will take this over. I have passed your request on, and an answer usually comes within {minutes} min, right here. Whoever takes it sees our whole conversation, so you will not have to repeat anything."
        }
        TextKey::AckNoTime => {
            "Understood: a person will take this over. I have passed your request on, and the answer will come right here. Whoever takes it sees our whole conversation, so you will not have to repeat anything."
        }
        TextKey::Progress => {
            "Your request is still with our team and has kept its place. Nobody has been free yet; thank you for your patience."
        }
        TextKey::StillWorking => "One moment, I am still looking into this.",
        TextKey::Apology => {
            "I am sorry: nobody could take over in time. Your request is recorded together with this whole conversation and stays on our team's list; a person will follow it up and answer you here. You can keep writing in the meantime."
        }
        TextKey::Joined => "{agent} has joined the conversation and has read what you wrote.",
        TextKey::HandedBack => {
            "{agent} has left the conversation, and the automated assistant is with you again. It knows what the two of you discussed."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} is no longer in the conversation, and the automated assistant is with you again. If you still need a person, just say so."
        }
        TextKey::ClosedByIdle => {
            "As we have not heard from you for a while, this conversation is now closed. Write again at any time."
        }
        TextKey::Offer => "Shall I connect you with a person? Please answer yes or no.",
        TextKey::OfferYes => "Yes, please",
        TextKey::OfferNo => "No, thanks",
        TextKey::ModelTrouble => {
            "Sorry, something went wrong on our side and I could not answer that."
        }
        TextKey::AfterHours => {
            "Our team is not there at this hour; they are back {opens}. Your request is marked for them together with this whole conversation, and they will answer you right here."
        }
        TextKey::AfterHoursNoTime => {
            "Our team is not there at this hour. Your request is marked for them together with this whole conversation, and they will answer you right here once they are back."
        }
        TextKey::Meanwhile => "Until then I can go on helping you.",
        TextKey::Place => "You are number {position} in line.",
        TextKey::Pace => "At the present pace it takes about {minutes} min.",
        TextKey::Alternatives => {
            "You do not have to wait for that. Answer with a number if you would rather do something else:"
        }
        TextKey::LeaveMessage => "Leave a message",
        TextKey::CallBack => "Be called back",
        TextKey::GoOnWithAi => "Go on with the automated assistant",
        TextKey::MessageNoted => {
            "Please write your message here. You need not stay: a person will answer it right here."
        }
        TextKey::CallBackNoted => {
            "Please write here on which number, and when, we can reach you. You need not stay: a person will call you."
        }
        TextKey::Survey => {
            "How did {agent} do? Answer with a number from 1 (badly) to 5 (very well); anything else you write reaches us as usual."
        }
        TextKey::SurveyAi => {
            "How did the automated assistant do? Answer with a number from 1 (badly) to 5 (very well); anything else you write reaches us as usual."
        }
        TextKey::SurveyThanks => "Thank you for letting us know.",
        TextKey::OpensToday => "today at {time} ({zone})",
        TextKey::OpensOn => "on {weekday} at {time} ({zone})",
        TextKey::OpensLater => "on {weekday}, {date}, at {time} ({zone})",
        TextKey::Monday => "Monday",
        TextKey::Tuesday => "Tuesday",
        TextKey::Wednesday => "Wednesday",
        TextKey::Thursday => "Thursday",
        TextKey::Friday => "Friday",
        TextKey::Saturday => "Saturday",
        TextKey::Sunday => "Sunday",
        TextKey::TransferredTo => {
            "Your conversation has been passed on to {queue}, with everything that was said."
        }
        TextKey::AiOff => {
            "The automated assistant is switched off at the moment; your message goes to a person."
        }
        TextKey::CustomerEnded => {
            "You are back with the automated assistant. If you need a person again, just say so."
        }
        TextKey::Somebody => "A member of our team",
        TextKey::OurTeam => "our team",
        TextKey::OfferTrouble => {
            "I am sorry, I do not seem to be getting this right. Shall I connect you with a person? Please answer yes or no."
        }
        TextKey::IdleReminder => {
            "Are you still there? If there is anything else, just write; otherwise I will close this conversation in a while."
        }
        TextKey::MentionPerson => {
            "By the way: if you would rather talk to a person, just say so at any time."
        }
    }
}
