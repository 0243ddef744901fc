"""What a text that somebody sends us asks for.

A word in any of its forms stops all texts: carriers treat CANCEL so too (47 CFR
64.1200 names stop, quit, end, revoke, opt out, cancel and unsubscribe). It counts
alone, whatever stands around it in punctuation; a sentence is for a person.
"""

import re
from enum import StrEnum


class Meaning(StrEnum):
    """What it asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    CANCEL = "cancel"
    OTHER = "other"


_WORDS = {
    Meaning.STOP: {
        *("stop", "stopall", "stop all", "quit", "end", "revoke", "unsubscribe"),
        *("optout", "opt out", "opt-out", "stop texting me", "remove me"),
    },
    Meaning.CANCEL: {"cancel"},
    Meaning.START: {"start", "unstop", "subscribe", "opt in", "optin", "opt-in"},
    Meaning.HELP: {"help", "info"},
}
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def meaning_of(text: str) -> Meaning:
    """Return what a text asks for, by its words alone."""
    words = " ".join(_AROUND.sub("", text.casefold()).split())
    for meaning, known in _WORDS.items():
        if words in known:
            return meaning
    return Meaning.OTHER
