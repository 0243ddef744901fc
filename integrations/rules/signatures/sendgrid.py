"""SendGrid: ECDSA over time stamp and body; what we know is their public key."""

import base64
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from integrations.rules.signatures.callbacks import (
    Callback,
    Refusal,
    outside_window,
    seconds_of,
)

HEADER = "X-Twilio-Email-Event-Webhook-Signature"
STAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def verify(
    callback: Callback, *, secrets: Sequence[str], now: datetime
) -> Refusal | None:
    """Check the proof; `secrets` are public keys, as SendGrid shows them."""
    given, stamp = callback.header(HEADER), callback.header(STAMP)
    if not given:
        return Refusal.UNSIGNED
    sent = seconds_of(stamp)
    if sent is None:
        return Refusal.UNREADABLE
    message = stamp.encode() + callback.body
    return _refusal_of(given, message, secrets) or outside_window(sent, now=now)


def _refusal_of(given: str, message: bytes, secrets: Sequence[str]) -> Refusal | None:
    try:
        proof = base64.b64decode(given, validate=True)
    except ValueError:
        return Refusal.UNREADABLE
    keys = [key for secret in secrets if (key := _public_key(secret))]
    if not keys:
        return Refusal.NO_KEY
    if not any(_has_signed(key, proof, message) for key in keys):
        return Refusal.MISMATCH
    return None


def _public_key(text: str) -> ec.EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None


def _has_signed(key: ec.EllipticCurvePublicKey, proof: bytes, message: bytes) -> bool:
    try:
        key.verify(proof, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
