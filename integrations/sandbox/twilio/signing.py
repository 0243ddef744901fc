"""The signature by which a callback of Twilio's is known."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urldefrag, urlencode
from uuid import uuid4

from integrations.sandbox.wire import Callback


def signature(url: str, form: Mapping[str, str], *, key: str) -> str:
    """Return the signature of a form that is posted to exactly this URL."""
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.digest(key.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()


def signed(url: str, form: Mapping[str, str], *, key: str) -> Callback:
    """Return the callback. What follows a # in the URL is neither sent nor signed."""
    plain = urldefrag(url).url
    return Callback(
        url=plain,
        headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(plain, form, key=key),
            "I-Twilio-Idempotency-Token": str(uuid4()),
        },
        body=urlencode(form).encode(),
    )
