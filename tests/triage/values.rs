//! What a message is worth, and the wordings of topics that a stranger's lines had shown to be missing.

use segue::triage::{BUNDLED, Context};

use super::decided;

fn check(text: &str, expected: &str) {
    assert_eq!(decided(text, &Context::default()), expected, "{text:?}");
}

#[test]
fn any_goods_that_are_wanted_in_numbers_are_a_value() {
    [
        "we need 500 kettles for our hotel chain",
        "hi, we need 500 kettles",
        "need 300 chairs asap",
        "I want to order 250 mugs",
        "we would like to buy 1,000 pens with our logo",
        "can you send me a quote for 400 stainless steel bottles openers",
        "can you deliver 200 tables by friday",
        "do you have 350 blankets",
        "what is the price for 600 umbrellas",
        "looking for about 150 lamps for a hotel",
        "we want to place an order of 700 notebooks",
        "could we get two hundred hoodies",
        "i'd like 2k stickers",
        "we need 2000 towels",
        "necesitamos 500 teteras para el hotel",
        "quisiera un presupuesto para 300 sillas",
        "precisamos de 500 chaleiras",
        "il nous faut 400 bouilloires",
        "un devis pour 250 chaises svp",
        "wir brauchen 500 Wasserkocher",
        "ich möchte ein Angebot für 300 Stühle",
        "ci servono 500 bollitori",
        "vorrei un preventivo per 200 sedie",
        "we willen 500 waterkokers bestellen",
        "we hebben 300 stoelen nodig",
        "ons benodig 500 ketels",
    ]
    .into_iter()
    .for_each(|text| check(text, "handoff value.quantity"));
}

#[test]
fn numbers_that_count_no_goods_are_no_value() {
    [
        "I have 200 messages",
        "you have 500 kettles on your site",
        "i get a 500 error",
        "i need the 500 error fixed",
        "I want order 58123 shipped",
        "where is my order 500 kettles are late",
        "i need 2024 models",
        "my phone is 5551234567 calls please",
        "i want 150 for my old shoes",
        "I need 365 days",
        "we need 300 more points",
        "it is 500 miles away, do i need tickets",
        "do i need 500 points for this",
        "they need 500 volunteers, not my problem",
        "100 percent cotton shirts?",
        "my order of 500 kettles has not arrived",
        "the quote for 500 kettles was wrong",
        "we don't need 500 kettles",
        "i ordered 500 kettles last year",
        "I want a 500 watts kettle",
        "i want 12 kettles",
        "necesito 200 puntos más",
        "wir brauchen 200 für die Reise",
        "ich brauche 100 Tage",
        "we hebben 500 stoelen",
    ]
    .into_iter()
    .for_each(|text| {
        let triage = BUNDLED.before_model(text, &Context::default());
        let value = triage.findings.iter().find(|f| f.rule == "value.quantity");
        assert_eq!(value, None, "{text:?}");
    });
}

#[test]
fn a_limit_is_no_deal() {
    check("our budget is $20,000 for kitchens", "handoff value.deal");
    check("our budget limit is $20,000", "handoff value.deal");
    [
        "can i raise my credit limit to $12,000",
        "is it possible to get a new credit limit of $10,000",
        "what is the daily limit, 20000 euros?",
        "quiero subir el límite de mi tarjeta a 20000 euros",
        "Kreditrahmen auf 15.000 € erhöhen",
    ]
    .into_iter()
    .for_each(|text| check(text, "model"));
}

#[test]
fn an_account_of_another_network_is_no_enterprise() {
    check("how do i verify my WhatsApp business account", "model");
    check("transfer that to my business account", "model");
    check(
        "we want a corporate account for our firm",
        "handoff value.enterprise",
    );
}

#[test]
fn a_price_is_negotiated_in_plain_words() {
    [
        "is the price negotiable",
        "are your prices negotiable?",
        "can you knock ten percent off if I take three",
        "could you knock a bit off the price",
        "would you take 10% off",
        "mi fate uno sconto se ne prendo tre",
        "kan er nog iets van de prijs af",
        "krijg ik korting als ik er drie neem",
        "kan jy my 'n beter prys gee",
        "me haces un descuento si llevo tres",
        "faz um desconto pra mim?",
        "vous me faites une remise si j'en prends trois",
        "gibt es rabatt wenn ich drei nehme",
    ]
    .into_iter()
    .for_each(|text| check(text, "handoff scope.price_negotiation"));
    [
        "do you have a student discount",
        "where do i enter the discount code",
        "the salary is non negotiable",
        "is shipping included in the price",
        "my code gives me 10% off but it does not work",
        "avete sconti per studenti",
        "is er korting voor studenten",
        "so how many days did i take off",
        "can you take a bit off the top please",
    ]
    .into_iter()
    .for_each(|text| check(text, "model"));
}

#[test]
fn health_is_heard_in_plain_words() {
    [
        "Ich habe von der Creme einen allergischen Ausschlag bekommen",
        "me salió una alergia con la crema",
        "i broke out in a rash after using it",
        "ho avuto uno sfogo cutaneo",
        "ik heb uitslag gekregen van de creme",
    ]
    .into_iter()
    .for_each(|text| check(text, "handoff scope.health"));
    [
        "es antialérgico, para la alergia?",
        "wat was de uitslag van de wedstrijd",
        "is this good for sensitive skin",
    ]
    .into_iter()
    .for_each(|text| check(text, "model"));
}

#[test]
fn a_sum_without_a_currency_is_money_where_a_refund_is_asked_for() {
    [
        "i want 1.5k refunded",
        "I want 1500 back",
        "ek wil 500 rand terughê",
        "quiero 300 de vuelta",
    ]
    .into_iter()
    .for_each(|text| check(text, "handoff scope.large_refund"));
    check("ek wil my geld terughê", "offer keyword.refund");
    [
        "i want 20 refunded",
        "i want 2 items returned",
        "where is order 58123",
        "i need size 501 back in stock",
    ]
    .into_iter()
    .for_each(|text| {
        let triage = BUNDLED.before_model(text, &Context::default());
        let large = triage
            .findings
            .iter()
            .find(|f| f.rule == "scope.large_refund");
        assert_eq!(large, None, "{text:?}");
    });
}
