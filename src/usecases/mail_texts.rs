//! What mails and text messages of this server say, in Danish and in English.

/// What a message says.
pub struct Text {
    pub subject: &'static str,
    pub text: String,
}

/// The link to a new password.
pub fn new_password(is_danish: bool, name: &str, is_mail: bool, link: &str) -> Text {
    let subject = if is_danish { "Ny adgangskode" } else { "New password" };
    let text = match (is_mail, is_danish) {
        (false, true) => format!("Vælg en ny adgangskode inden 30 minutter: {link}"),
        (false, false) => format!("Choose a new password within 30 minutes: {link}"),
        (true, true) => format!(
            "Hej {name}\n\nVælg en ny adgangskode inden 30 minutter med dette link:\n\n{link}\n\nHar du ikke bedt om det, skal du ikke gøre noget: adgangskoden er uændret.\n"
        ),
        (true, false) => format!(
            "Hello {name}\n\nChoose a new password within 30 minutes, by this link:\n\n{link}\n\nIf you did not ask for it, do nothing: your password has not changed.\n"
        ),
    };
    Text { subject, text }
}
