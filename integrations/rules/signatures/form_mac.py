"""An HMAC of the URL and the sorted fields of a form: Twilio, and Mandrill after it.

There is no time stamp, so what is sent again later looks the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

from integrations.rules.signatures.callbacks import (
    Callback,
    Refusal,
    is_one_of,
    mac,
)

TWILIO = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
MANDRILL = "X-Mandrill-Signature"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000
_USUAL_PORTS = {"https": 443, "http": 80}
_BODY_HASH = "bodySHA256"


def verify_twilio(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    """Check the proof.

    The auth token signs by SHA-1. A secret that is written `KEY_ID:SECRET` is one of
    Twilio's newer shared keys: it signs by SHA-256, and a header names it. That header
    never picks a method for a key that was not made for it.
    """
    named = callback.header(SETTINGS)
    if not named:
        tokens = [secret for secret in secrets if ":" not in secret]
        return _verify(callback, header=TWILIO, secrets=tokens, hash_name="sha1")
    said = dict(_pairs(named))
    if said.get("algorithm", "").upper() != "HMAC_SHA256" or not said.get("key"):
        return Refusal.UNKNOWN_SCHEME
    prefix = f"{said['key']}:"
    keys = [s.removeprefix(prefix) for s in secrets if s.startswith(prefix)]
    if not keys:
        return Refusal.UNKNOWN_SCHEME
    return _verify(callback, header=TWILIO, secrets=keys, hash_name="sha256")


def verify_mandrill(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    """Check the proof."""
    return _verify(callback, header=MANDRILL, secrets=secrets, hash_name="sha1")


def _verify(
    callback: Callback, *, header: str, secrets: Sequence[str], hash_name: str
) -> Refusal | None:
    proof = callback.header(header)
    if not proof:
        return Refusal.UNSIGNED
    signed = _signed_part_of(callback)
    if isinstance(signed, Refusal):
        return signed
    urls = [url + signed for url in _spellings(callback.url)]
    expected = (
        _proof(secret, text, hash_name) for secret in secrets if secret for text in urls
    )
    if not any(secrets):
        return Refusal.NO_KEY
    return None if is_one_of([proof], expected) else Refusal.MISMATCH


def _proof(secret: str, text: str, hash_name: str) -> str:
    code = mac(secret.encode(), text.encode(), hash_name)
    return base64.b64encode(code).decode()


def _signed_part_of(callback: Callback) -> str | Refusal:
    """Return what is signed besides the URL, which may vouch for the body itself."""
    kind = callback.header("Content-Type").partition(";")[0].strip().lower()
    if kind == _FORM or not callback.body:
        return _fields_of(callback.body)
    hashes = parse_qs(urlsplit(callback.url).query).get(_BODY_HASH, [])
    if not hashes:
        return Refusal.UNSIGNED  # nobody vouches for the body
    body_hash = hashlib.sha256(callback.body).hexdigest()
    given = hashes[0].lower().encode(errors="replace")
    return "" if hmac.compare_digest(given, body_hash.encode()) else Refusal.MISMATCH


def _fields_of(body: bytes) -> str | Refusal:
    try:
        fields = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # no UTF-8, or too many
        return Refusal.UNREADABLE
    return "".join(name + value for name, value in sorted(set(fields)))


def _spellings(url: str) -> Iterator[str]:
    """Yield the URL with and without its port: Twilio signs now this, now that."""
    yield url
    parts = urlsplit(url)
    usual = _USUAL_PORTS.get(parts.scheme)
    if parts.port is None:
        yield url.replace(parts.netloc, f"{parts.netloc}:{usual}", 1)
    else:
        bare = parts.netloc.rpartition(":")[0]
        yield url.replace(parts.netloc, bare, 1)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()
