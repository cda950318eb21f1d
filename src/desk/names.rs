//! What an agent can be called: customers read the name, and pages, addresses and log lines carry it.

use super::people::PeopleError;

/// The longest name, in characters: customers read it before every message.
pub const NAME_CHARS_MAX: usize = 40;

/// Who did it, where nobody signed in but a command of this machine did it: nobody may be called so.
pub const CONTROL_SOCKET: &str = "control socket";

/// Whether customers can be shown this name, and every page, URL and log line can carry it.
pub(super) fn check_name(name: &str) -> Result<(), PeopleError> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    let visible = name
        .chars()
        .all(|c| c == ' ' || !(c.is_whitespace() || c.is_control() || is_invisible(c)));
    if fits
        && visible
        && name.trim() == name
        && !name.eq_ignore_ascii_case("me")
        && !name.eq_ignore_ascii_case(CONTROL_SOCKET)
        && !matches!(name, "." | "..")
    {
        Ok(())
    } else {
        Err(PeopleError::Name)
    }
}

/// Characters that show nothing or turn the direction of writing: two names that look alike must be alike.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_something_a_customer_can_read() {
        let check = |name: &str, fine: bool| assert_eq!(check_name(name).is_ok(), fine, "{name:?}");
        check("Ana", true);
        check("María José (Ventas)", true);
        check(&"x".repeat(40), true);
        check(&"x".repeat(41), false);
        check("", false);
        check(" Ana", false);
        check("Ana\n", false);
        check("Ana\u{202e}", false);
        check("An\u{200b}a", false);
        check("me", false);
        check("ME", false);
        check("Control Socket", false);
    }
}
