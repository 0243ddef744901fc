"""Identifiers: UUIDv7 for machines, short references for people."""

import secrets
import time
import uuid

# Crockford's base 32: no I, L, O or U, so that a reference survives the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID (RFC 9562, section 5.7).

    New rows land side by side in the index, as they would with a serial key, and
    no caller can count our customers.
    """
    return uuid7_from(
        milliseconds=time.time_ns() // 1_000_000, random_bits=secrets.randbits(74)
    )


def uuid7_from(*, milliseconds: int, random_bits: int) -> uuid.UUID:
    """Return the UUIDv7 of that Unix time and those 74 bits."""
    value = milliseconds << 80 | 0x7 << 76 | (random_bits >> 62) << 64
    value |= 0b10 << 62 | random_bits & (1 << 62) - 1
    return uuid.UUID(int=value)


def make_reference(prefix: str) -> str:
    """Return a reference such as V-7K2M9QXT: 40 random bits after the prefix."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(8))}"
