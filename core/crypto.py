"""Secrets at rest: encrypted with a key that can be rotated."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


def _ciphers() -> list[Fernet]:
    """Return a cipher for each key, the newest first."""
    return [
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
        for key in settings.FIELD_ENCRYPTION_KEYS
    ]


def _cipher() -> MultiFernet:
    """Return the cipher: the newest key encrypts, the older ones still decrypt."""
    return MultiFernet(_ciphers())


def seal(text: str) -> str:
    """Return the text as it may be kept outside of the process."""
    return _cipher().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return a text that was sealed.

    Raises:
        InvalidToken: no key opens it.
    """
    return _cipher().decrypt(sealed.encode()).decode()


def reseal(sealed: str) -> str:
    """Return a sealed text as the newest key seals it; unchanged if that key did.

    Raises:
        InvalidToken: no key opens it.
    """
    try:
        _ciphers()[0].decrypt(sealed.encode())
    except InvalidToken:
        return _cipher().rotate(sealed.encode()).decode()
    return sealed


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # at run time
    """Text that is readable in Python and ciphertext in the database.

    It cannot be searched. A value that no key opens raises InvalidToken: better a
    loud error than a wrong secret.
    """

    def get_prep_value(self, value: Any) -> Any:
        if value in {None, ""}:
            return value
        return seal(str(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value in {None, ""}:
            return value
        return unseal(value)


__all__ = ["EncryptedTextField", "InvalidToken", "reseal", "seal", "unseal"]
