//! What `segue init` writes: a commented configuration and a small sample of knowledge, both embedded.

/// The starter `segue.toml`: valid as it is, and the demonstration in substance.
pub const CONFIG: &str = include_str!("segue.toml");

/// The sample knowledge: file name and text. Also what the demonstration answers from.
pub const KNOWLEDGE: &[(&str, &str)] = &[
    (
        "opening-hours-and-contact.md",
        include_str!("knowledge/opening-hours-and-contact.md"),
    ),
    (
        "orders-and-returns.md",
        include_str!("knowledge/orders-and-returns.md"),
    ),
    (
        "pedidos-y-devoluciones.md",
        include_str!("knowledge/pedidos-y-devoluciones.md"),
    ),
];
