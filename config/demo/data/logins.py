"""Who can log in to the demo."""

from config.demo.data.branches import EMAIL_DOMAIN

# Printed at every start, and in the README.
PASSWORD = "keep-cool-in-july"  # noqa: S105  # it guards nothing but a demo

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
