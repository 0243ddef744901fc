"""Who can log in to the demo. The password guards nothing but a demo."""

from config.demo.data.branches import EMAIL_DOMAIN

PASSWORD = "keep-cool-in-july"  # noqa: S105

# Mailbox, and what this user is there to show.
LOGINS = {
    "admin": "sees and changes everything",
    "dispatcher.phoenix": "plans one branch",
    "tech": "sees only visits of his own",
    "viewer": "reads everything",
    "integration": "books for the website, by the API alone",
}


def address(mailbox: str) -> str:
    """Return the e-mail that this user logs in with."""
    return f"{mailbox}@{EMAIL_DOMAIN}"
