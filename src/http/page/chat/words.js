// Every text that the page says by itself, in the languages that triage hears. `ask` and `end` are said in the
// customer's name: the first is heard by triage, the second by the conversation.

const WORDS = {
  en: {
    title: "Chat", label: "Your message", send: "Send", close: "Close", attach: "Attach a file", person: "Talk to a person", ask: "I would like to talk to a person",
    back: "Back to the assistant", end: "/end", empty: "Hello! Ask us anything. An AI assistant answers, and you can talk to a person at any time.",
    you: "You", ai: "AI assistant", agent: "Agent",
    who: { ai: "The AI assistant answers", waiting: "Waiting for a person", human: "%s is here", closed: "Ended. Write to begin again", none: "We are here to help" },
    connecting: "Connecting you to a person…", place: "You are number %n in line.", soon: "About %n min.", opens: "We are closed now. A person answers from %s.", shut: "We are closed now. A person answers when we open.",
    typing: "%s is writing", thinking: "The assistant is thinking", offline: "No connection. Trying again…", idle: "Paused. Write to go on.", rules: "Paused: too much came from this page at once. Write to go on.",
    tabs: "This chat is open in too many tabs. Close one and write to go on.", blocked: "This page may not open this chat.", large: "This message is too long.",
    pending: "Sending", sent: "Sent", read: "Read", failed: "Not sent", retry: "Try again", discard: "Remove", cut: "Interrupted", newer: "New messages", today: "Today", yesterday: "Yesterday",
    download: "Download %s", fileLarge: "Files may have %n MB at most.", fileKind: "Files of this kind cannot be sent. Images, PDF, MP4 and plain text can.", fileFull: "No more files can be sent in this chat.", fileFailed: "The file could not be sent.", script: "This chat needs JavaScript.",
  },
  es: {
    title: "Chat", label: "Tu mensaje", send: "Enviar", close: "Cerrar", attach: "Adjuntar un archivo", person: "Hablar con una persona", ask: "Quiero hablar con una persona",
    back: "Volver al asistente", end: "/fin", empty: "¡Hola! Pregúntanos lo que quieras. Responde un asistente de IA y puedes hablar con una persona en cualquier momento.",
    you: "Tú", ai: "Asistente de IA", agent: "Agente",
    who: { ai: "Responde el asistente de IA", waiting: "Esperando a una persona", human: "Te atiende %s", closed: "Terminado. Escribe para empezar de nuevo", none: "Estamos para ayudarte" },
    connecting: "Te conectamos con una persona…", place: "Eres el número %n de la cola.", soon: "Unos %n min.", opens: "Ahora está cerrado. Una persona responde desde %s.", shut: "Ahora está cerrado. Una persona responde cuando abramos.",
    typing: "%s está escribiendo", thinking: "El asistente está pensando", offline: "Sin conexión. Reintentando…", idle: "En pausa. Escribe para seguir.", rules: "En pausa: esta página ha enviado demasiado a la vez. Escribe para seguir.",
    tabs: "Este chat está abierto en demasiadas pestañas. Cierra una y escribe para seguir.", blocked: "Esta página no puede abrir este chat.", large: "Este mensaje es demasiado largo.",
    pending: "Enviando", sent: "Enviado", read: "Leído", failed: "No enviado", retry: "Reintentar", discard: "Quitar", cut: "Interrumpido", newer: "Mensajes nuevos", today: "Hoy", yesterday: "Ayer",
    download: "Descargar %s", fileLarge: "Los archivos pueden tener %n MB como máximo.", fileKind: "No se pueden enviar archivos de este tipo. Sí imágenes, PDF, MP4 y texto.", fileFull: "No se pueden enviar más archivos en este chat.", fileFailed: "No se pudo enviar el archivo.", script: "Este chat necesita JavaScript.",
  },
  pt: {
    title: "Chat", label: "Sua mensagem", send: "Enviar", close: "Fechar", attach: "Anexar um arquivo", person: "Falar com uma pessoa", ask: "Quero falar com uma pessoa",
    back: "Voltar ao assistente", end: "/fim", empty: "Olá! Pergunte o que quiser. Um assistente de IA responde, e você pode falar com uma pessoa a qualquer momento.",
    you: "Você", ai: "Assistente de IA", agent: "Atendente",
    who: { ai: "O assistente de IA responde", waiting: "À espera de uma pessoa", human: "%s está com você", closed: "Encerrado. Escreva para começar de novo", none: "Estamos aqui para ajudar" },
    connecting: "Estamos chamando uma pessoa…", place: "Você é o número %n da fila.", soon: "Cerca de %n min.", opens: "Estamos fechados agora. Uma pessoa responde a partir de %s.", shut: "Estamos fechados agora. Uma pessoa responde quando abrirmos.",
    typing: "%s está escrevendo", thinking: "O assistente está pensando", offline: "Sem conexão. Tentando de novo…", idle: "Em pausa. Escreva para continuar.", rules: "Em pausa: esta página enviou demais de uma vez. Escreva para continuar.",
    tabs: "Este chat está aberto em abas demais. Feche uma e escreva para continuar.", blocked: "Esta página não pode abrir este chat.", large: "Esta mensagem é longa demais.",
    pending: "Enviando", sent: "Enviada", read: "Lida", failed: "Não enviada", retry: "Tentar de novo", discard: "Remover", cut: "Interrompida", newer: "Novas mensagens", today: "Hoje", yesterday: "Ontem",
    download: "Baixar %s", fileLarge: "Os arquivos podem ter no máximo %n MB.", fileKind: "Arquivos deste tipo não podem ser enviados. Imagens, PDF, MP4 e texto podem.", fileFull: "Não é possível enviar mais arquivos neste chat.", fileFailed: "O arquivo não pôde ser enviado.", script: "Este chat precisa de JavaScript.",
  },
  fr: {
    title: "Chat", label: "Votre message", send: "Envoyer", close: "Fermer", attach: "Joindre un fichier", person: "Parler à une personne", ask: "Je voudrais parler à une personne",
    back: "Revenir à l’assistant", end: "/fin", empty: "Bonjour ! Posez votre question. Un assistant IA répond, et vous pouvez parler à une personne à tout moment.",
    you: "Vous", ai: "Assistant IA", agent: "Conseiller",
    who: { ai: "L’assistant IA répond", waiting: "En attente d’une personne", human: "%s vous répond", closed: "Terminé. Écrivez pour recommencer", none: "Nous sommes là pour vous aider" },
    connecting: "Nous vous mettons en relation avec une personne…", place: "Vous êtes numéro %n dans la file.", soon: "Environ %n min.", opens: "Nous sommes fermés. Une personne répond à partir de %s.", shut: "Nous sommes fermés. Une personne répond à l’ouverture.",
    typing: "%s écrit", thinking: "L’assistant réfléchit", offline: "Pas de connexion. Nouvel essai…", idle: "En pause. Écrivez pour continuer.", rules: "En pause : cette page a trop envoyé d’un coup. Écrivez pour continuer.",
    tabs: "Ce chat est ouvert dans trop d’onglets. Fermez-en un et écrivez pour continuer.", blocked: "Cette page ne peut pas ouvrir ce chat.", large: "Ce message est trop long.",
    pending: "Envoi en cours", sent: "Envoyé", read: "Lu", failed: "Non envoyé", retry: "Réessayer", discard: "Retirer", cut: "Interrompu", newer: "Nouveaux messages", today: "Aujourd’hui", yesterday: "Hier",
    download: "Télécharger %s", fileLarge: "Les fichiers peuvent avoir %n Mo au plus.", fileKind: "Ce type de fichier ne peut pas être envoyé. Images, PDF, MP4 et texte le peuvent.", fileFull: "Plus aucun fichier ne peut être envoyé dans ce chat.", fileFailed: "Le fichier n’a pas pu être envoyé.", script: "Ce chat a besoin de JavaScript.",
  },
  de: {
    title: "Chat", label: "Ihre Nachricht", send: "Senden", close: "Schließen", attach: "Datei anhängen", person: "Mit einem Menschen sprechen", ask: "Ich möchte mit einem Menschen sprechen",
    back: "Zurück zum Assistenten", end: "/ende", empty: "Hallo! Fragen Sie uns. Ein KI-Assistent antwortet, und Sie können jederzeit mit einem Menschen sprechen.",
    you: "Sie", ai: "KI-Assistent", agent: "Mitarbeiter",
    who: { ai: "Der KI-Assistent antwortet", waiting: "Warten auf einen Menschen", human: "%s ist für Sie da", closed: "Beendet. Schreiben Sie, um neu zu beginnen", none: "Wir helfen gern" },
    connecting: "Wir verbinden Sie mit einem Menschen…", place: "Sie sind Nummer %n in der Reihe.", soon: "Etwa %n Min.", opens: "Wir haben geschlossen. Ein Mensch antwortet ab %s.", shut: "Wir haben geschlossen. Ein Mensch antwortet, sobald wir öffnen.",
    typing: "%s schreibt", thinking: "Der Assistent denkt nach", offline: "Keine Verbindung. Neuer Versuch…", idle: "Angehalten. Schreiben Sie, um fortzufahren.", rules: "Angehalten: Von dieser Seite kam zu viel auf einmal. Schreiben Sie, um fortzufahren.",
    tabs: "Dieser Chat ist in zu vielen Tabs offen. Schließen Sie einen und schreiben Sie weiter.", blocked: "Diese Seite darf diesen Chat nicht öffnen.", large: "Diese Nachricht ist zu lang.",
    pending: "Wird gesendet", sent: "Gesendet", read: "Gelesen", failed: "Nicht gesendet", retry: "Erneut senden", discard: "Entfernen", cut: "Unterbrochen", newer: "Neue Nachrichten", today: "Heute", yesterday: "Gestern",
    download: "%s herunterladen", fileLarge: "Dateien dürfen höchstens %n MB haben.", fileKind: "Dateien dieser Art können nicht gesendet werden. Bilder, PDF, MP4 und Text können es.", fileFull: "In diesem Chat können keine weiteren Dateien gesendet werden.", fileFailed: "Die Datei konnte nicht gesendet werden.", script: "Dieser Chat braucht JavaScript.",
  },
  it: {
    title: "Chat", label: "Il tuo messaggio", send: "Invia", close: "Chiudi", attach: "Allega un file", person: "Parla con una persona", ask: "Vorrei parlare con una persona",
    back: "Torna all’assistente", end: "/fine", empty: "Ciao! Chiedici quello che vuoi. Risponde un assistente IA, e puoi parlare con una persona in qualsiasi momento.",
    you: "Tu", ai: "Assistente IA", agent: "Operatore",
    who: { ai: "Risponde l’assistente IA", waiting: "In attesa di una persona", human: "%s è qui", closed: "Terminato. Scrivi per ricominciare", none: "Siamo qui per aiutarti" },
    connecting: "Ti mettiamo in contatto con una persona…", place: "Sei il numero %n in coda.", soon: "Circa %n min.", opens: "Ora siamo chiusi. Una persona risponde da %s.", shut: "Ora siamo chiusi. Una persona risponde quando apriamo.",
    typing: "%s sta scrivendo", thinking: "L’assistente sta pensando", offline: "Nessuna connessione. Nuovo tentativo…", idle: "In pausa. Scrivi per continuare.", rules: "In pausa: da questa pagina è arrivato troppo in una volta. Scrivi per continuare.",
    tabs: "Questa chat è aperta in troppe schede. Chiudine una e scrivi per continuare.", blocked: "Questa pagina non può aprire questa chat.", large: "Questo messaggio è troppo lungo.",
    pending: "Invio in corso", sent: "Inviato", read: "Letto", failed: "Non inviato", retry: "Riprova", discard: "Rimuovi", cut: "Interrotto", newer: "Nuovi messaggi", today: "Oggi", yesterday: "Ieri",
    download: "Scarica %s", fileLarge: "I file possono avere al massimo %n MB.", fileKind: "I file di questo tipo non si possono inviare. Immagini, PDF, MP4 e testo sì.", fileFull: "In questa chat non si possono inviare altri file.", fileFailed: "Il file non è stato inviato.", script: "Questa chat ha bisogno di JavaScript.",
  },
  nl: {
    title: "Chat", label: "Uw bericht", send: "Verzenden", close: "Sluiten", attach: "Bestand toevoegen", person: "Met een mens praten", ask: "Ik wil graag met een mens praten",
    back: "Terug naar de assistent", end: "/einde", empty: "Hallo! Stel gerust uw vraag. Een AI-assistent antwoordt, en u kunt altijd met een mens praten.",
    you: "U", ai: "AI-assistent", agent: "Medewerker",
    who: { ai: "De AI-assistent antwoordt", waiting: "Wachten op een mens", human: "%s is er voor u", closed: "Afgelopen. Schrijf om opnieuw te beginnen", none: "We helpen u graag" },
    connecting: "We verbinden u met een mens…", place: "U bent nummer %n in de rij.", soon: "Ongeveer %n min.", opens: "We zijn gesloten. Een mens antwoordt vanaf %s.", shut: "We zijn gesloten. Een mens antwoordt zodra we open zijn.",
    typing: "%s schrijft", thinking: "De assistent denkt na", offline: "Geen verbinding. Nieuwe poging…", idle: "Gepauzeerd. Schrijf om verder te gaan.", rules: "Gepauzeerd: er kwam te veel tegelijk van deze pagina. Schrijf om verder te gaan.",
    tabs: "Deze chat is in te veel tabbladen open. Sluit er een en schrijf om verder te gaan.", blocked: "Deze pagina mag deze chat niet openen.", large: "Dit bericht is te lang.",
    pending: "Wordt verzonden", sent: "Verzonden", read: "Gelezen", failed: "Niet verzonden", retry: "Opnieuw", discard: "Verwijderen", cut: "Onderbroken", newer: "Nieuwe berichten", today: "Vandaag", yesterday: "Gisteren",
    download: "%s downloaden", fileLarge: "Bestanden mogen hoogstens %n MB zijn.", fileKind: "Bestanden van deze soort kunnen niet worden verzonden. Afbeeldingen, PDF, MP4 en tekst wel.", fileFull: "In deze chat kunnen geen bestanden meer worden verzonden.", fileFailed: "Het bestand kon niet worden verzonden.", script: "Deze chat heeft JavaScript nodig.",
  },
  af: {
    title: "Klets", label: "Jou boodskap", send: "Stuur", close: "Maak toe", attach: "Heg ’n lêer aan", person: "Praat met ’n mens", ask: "Ek wil met ’n mens praat",
    back: "Terug na die assistent", end: "/einde", empty: "Hallo! Vra ons enigiets. ’n KI-assistent antwoord, en jy kan enige tyd met ’n mens praat.",
    you: "Jy", ai: "KI-assistent", agent: "Agent",
    who: { ai: "Die KI-assistent antwoord", waiting: "Wag vir ’n mens", human: "%s is hier", closed: "Klaar. Skryf om weer te begin", none: "Ons is hier om te help" },
    connecting: "Ons verbind jou met ’n mens…", place: "Jy is nommer %n in die ry.", soon: "Omtrent %n min.", opens: "Ons is nou toe. ’n Mens antwoord vanaf %s.", shut: "Ons is nou toe. ’n Mens antwoord wanneer ons oopmaak.",
    typing: "%s skryf", thinking: "Die assistent dink", offline: "Geen verbinding nie. Probeer weer…", idle: "Onderbreek. Skryf om aan te gaan.", rules: "Onderbreek: te veel het gelyk van hierdie bladsy gekom. Skryf om aan te gaan.",
    tabs: "Hierdie klets is in te veel oortjies oop. Maak een toe en skryf om aan te gaan.", blocked: "Hierdie bladsy mag nie hierdie klets oopmaak nie.", large: "Hierdie boodskap is te lank.",
    pending: "Word gestuur", sent: "Gestuur", read: "Gelees", failed: "Nie gestuur nie", retry: "Probeer weer", discard: "Verwyder", cut: "Onderbreek", newer: "Nuwe boodskappe", today: "Vandag", yesterday: "Gister",
    download: "Laai %s af", fileLarge: "Lêers mag hoogstens %n MB wees.", fileKind: "Hierdie soort lêer kan nie gestuur word nie. Beelde, PDF, MP4 en teks kan.", fileFull: "Geen verdere lêers kan in hierdie klets gestuur word nie.", fileFailed: "Die lêer kon nie gestuur word nie.", script: "Hierdie klets het JavaScript nodig.",
  },
};

// The words for a language tag, and the language they are in.
export function wordsOf(tag) {
  const language = String(tag || "").toLowerCase().split("-")[0];
  return Object.hasOwn(WORDS, language) ? { words: WORDS[language], spoken: language } : { words: WORDS.en, spoken: "en" };
}

export const languages = Object.keys(WORDS);
