"""What our fakes sign is what the vendors' own code would have signed."""

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.stripe import ledger
from integrations.sandbox.twilio import signing

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text())
STRIPE = [each for each in VECTORS["vectors"] if each["vendor"] == "stripe"]
TWILIO = [
    each
    for each in VECTORS["vectors"]
    if each["vendor"] == "twilio" and "algorithm=" not in str(each["headers"])
]


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@pytest.mark.parametrize("vector", STRIPE, ids=named)
def test_stripe_signs_as_stripe_does(vector) -> None:
    body, at = vector["body"].encode(), vector["timestamp"]
    signed = ledger.signature(body, at=at, secrets=[vector["secret"]])

    is_ours = signed.split(",")[1] in vector["headers"]["Stripe-Signature"].split(",")
    is_late = vector["now"] - at > 300
    assert (is_ours and not is_late) == (vector["expect"] == "accept")


@pytest.mark.parametrize("vector", TWILIO, ids=named)
def test_twilio_signs_as_twilio_does(vector) -> None:
    url = vector.get("url_signed", vector["url"])
    signed = signing.signature(url, vector.get("form", {}), key=vector["secret"])

    is_ours = signed == vector["headers"]["X-Twilio-Signature"]
    assert is_ours == (vector["expect"] == "accept")
