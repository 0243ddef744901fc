"""A call from outside, why one is refused, and what all schemes compare with."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

WINDOW_SECONDS = 300
"""How far the sender's clock may be from ours, either way."""
_DIGITS = re.compile(r"[0-9]{1,13}")


class Refusal(StrEnum):
    """Why a callback is not believed. The sender is not told."""

    NO_KEY = "no_key"
    UNSIGNED = "unsigned"
    UNREADABLE = "unreadable"  # the proof is not in the form of its scheme
    UNKNOWN_SCHEME = "unknown_scheme"
    MISMATCH = "mismatch"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A request as it came: `url` as the outside knows it, `body` the very bytes."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    method: str = "POST"

    def header(self, name: str) -> str:
        """Return a header, in whatever case it came; "" where there is none."""
        wanted = name.lower()
        found = (v for key, v in self.headers.items() if key.lower() == wanted)
        return next(found, "").strip()


def mac(secret: bytes, message: bytes, hash_name: str = "sha256") -> bytes:
    """Return the HMAC of a message."""
    return hmac.new(secret, message, getattr(hashlib, hash_name)).digest()


def is_one_of(given: Iterable[str], expected: Iterable[str]) -> bool:
    """Tell whether any proof given is one that we expect, not by how much it is not."""
    wanted = [text.encode() for text in expected]
    shown = [text.encode(errors="replace") for text in given]
    return any(hmac.compare_digest(a, b) for a in shown for b in wanted)


def seconds_of(text: str) -> int | None:
    """Return a time stamp in digits, or None for anything else."""
    return int(text) if _DIGITS.fullmatch(text) else None


def outside_window(sent: float, *, now: datetime) -> Refusal | None:
    """Refuse what was sent too long ago, or will be sent in the future."""
    age = now.timestamp() - sent
    if age > WINDOW_SECONDS:
        return Refusal.TOO_OLD
    return Refusal.TOO_NEW if age < -WINDOW_SECONDS else None


def signed_with_any(
    given: Iterable[str], secrets: Iterable[str], sign: Callable[[str], str]
) -> Refusal | None:
    """Refuse what none of the secrets explains; two are known while one is replaced.

    An empty secret explains nothing: anybody can sign with it.
    """
    known = [secret for secret in secrets if secret]
    shown = [text for text in given if text]
    if not known:
        return Refusal.NO_KEY
    if not shown:
        return Refusal.UNSIGNED
    if is_one_of(shown, map(sign, known)):
        return None
    return Refusal.MISMATCH
