//! What customers are told in Portuguese, of Brazil and Portugal as far as one wording can be.
//!
//! Polite and short; the same placeholders as the English texts. A text that is missing does not compile.

use crate::conversation::texts::TextKey;

/// The bundled text of `key`.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each text")]
pub(super) const fn text(key: TextKey) -> &'static str {
    match key {
        TextKey::Ack => {
            "Entendido: uma pessoa vai cuidar disto. Já encaminhei o seu pedido e a resposta costuma chegar em cerca de {minutes} min, aqui mesmo. Quem atender verá toda a nossa conversa, por isso não será preciso repetir nada."
        }
        TextKey::AckNoTime => {
            "Entendido: uma pessoa vai cuidar disto. Já encaminhei o seu pedido e a resposta chegará aqui mesmo. Quem atender verá toda a nossa conversa, por isso não será preciso repetir nada."
        }
        TextKey::Progress => {
            "O seu pedido continua com a nossa equipe e mantém o seu lugar. Ainda ninguém ficou livre; obrigado pela paciência."
        }
        TextKey::StillWorking => "Um momento, ainda estou verificando.",
        TextKey::Apology => {
            "Lamento: ninguém pôde atender a tempo. O seu pedido fica registrado com toda esta conversa e continua na lista da nossa equipe; uma pessoa vai tratar dele e responder aqui. Enquanto isso, pode continuar escrevendo."
        }
        TextKey::Joined => "{agent} entrou na conversa e já leu o que escreveu.",
        TextKey::HandedBack => {
            "{agent} saiu da conversa e o assistente automático volta a atender. Ele sabe o que conversaram."
        }
        TextKey::HandedBackByTimeout => {
            "{agent} já não está na conversa e o assistente automático volta a atender. Se ainda precisar de uma pessoa, é só dizer."
        }
        TextKey::ClosedByIdle => {
            "Como não temos notícias suas há algum tempo, encerramos esta conversa. Pode voltar a escrever quando quiser."
        }
        TextKey::Offer => {
            "Quer que eu passe a conversa a uma pessoa? Responda sim ou não, por favor."
        }
        TextKey::OfferYes => "Sim, por favor",
        TextKey::OfferNo => "Não, obrigado",
        TextKey::ModelTrouble => "Lamento, algo falhou do nosso lado e não consegui responder.",
        TextKey::AfterHours => {
            "A esta hora não há ninguém da nossa equipe; o atendimento volta {opens}. O seu pedido fica marcado com toda esta conversa e a resposta chegará aqui mesmo."
        }
        TextKey::AfterHoursNoTime => {
            "A esta hora não há ninguém da nossa equipe. O seu pedido fica marcado com toda esta conversa e a resposta chegará aqui mesmo assim que o atendimento voltar."
        }
        TextKey::Meanwhile => "Até lá posso continuar ajudando.",
        TextKey::Place => "A sua posição na fila é {position}.",
        TextKey::Pace => "No ritmo atual, são cerca de {minutes} min.",
        TextKey::Alternatives => {
            "Não precisa esperar tanto. Responda com um número se preferir outra opção:"
        }
        TextKey::LeaveMessage => "Deixar uma mensagem",
        TextKey::CallBack => "Receber uma ligação",
        TextKey::GoOnWithAi => "Continuar com o assistente automático",
        TextKey::MessageNoted => {
            "Escreva aqui a sua mensagem. Não precisa ficar à espera: uma pessoa vai responder aqui mesmo."
        }
        TextKey::CallBackNoted => {
            "Escreva aqui para que número e a que horas podemos ligar. Não precisa ficar à espera: uma pessoa vai ligar."
        }
        TextKey::Survey => {
            "Como foi o atendimento de {agent}? Responda com um número de 1 (mau) a 5 (muito bom); qualquer outra coisa que escrever chega até nós como sempre."
        }
        TextKey::SurveyAi => {
            "Como foi o atendimento do assistente automático? Responda com um número de 1 (mau) a 5 (muito bom); qualquer outra coisa que escrever chega até nós como sempre."
        }
        TextKey::SurveyThanks => "Obrigado pela sua resposta.",
        TextKey::OpensToday => "hoje às {time} ({zone})",
        TextKey::OpensOn => "{weekday} às {time} ({zone})",
        TextKey::OpensLater => "{weekday}, {date}, às {time} ({zone})",
        TextKey::Monday => "segunda-feira",
        TextKey::Tuesday => "terça-feira",
        TextKey::Wednesday => "quarta-feira",
        TextKey::Thursday => "quinta-feira",
        TextKey::Friday => "sexta-feira",
        TextKey::Saturday => "sábado",
        TextKey::Sunday => "domingo",
        TextKey::TransferredTo => "A sua conversa passou para {queue}, com tudo o que já foi dito.",
        TextKey::AiOff => {
            "O assistente automático está desligado neste momento; a sua mensagem vai para uma pessoa."
        }
        TextKey::CustomerEnded => {
            "Está de novo com o assistente automático. Se voltar a precisar de uma pessoa, é só dizer."
        }
        TextKey::Somebody => "Alguém da nossa equipe",
        TextKey::OurTeam => "a nossa equipe",
        TextKey::OfferTrouble => {
            "Lamento, parece que não estou acertando. Quer que eu passe a conversa a uma pessoa? Responda sim ou não, por favor."
        }
        TextKey::IdleReminder => {
            "Ainda está aí? Se precisar de mais alguma coisa, é só escrever; caso contrário, encerro esta conversa daqui a pouco."
        }
        TextKey::MentionPerson => {
            "A propósito: se preferir falar com uma pessoa, é só dizer a qualquer momento."
        }
    }
}
