"""Every published or measured vector, at its own moment; and what must never pass."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations.rules.signatures import (
    Callback,
    Refusal,
    body_mac,
    form_mac,
    housecallpro,
    hubspot,
    sendgrid,
    standard,
    stripe,
)
from integrations.rules.signatures.callbacks import mac

VECTORS = json.loads(Path("tests/integrations/vectors.json").read_text())
BY_NAME = {vector["name"]: vector for vector in VECTORS["vectors"]}
SIGNED = [
    vector
    for vector in VECTORS["vectors"]
    if vector["name"] not in {"google-url-signing", "housecallpro-handshake"}
]
FORM = "application/x-www-form-urlencoded"
Verify = Callable[..., Refusal | None]

VERIFY: dict[str, tuple[Verify, dict[str, Any]]] = {
    "stripe": (stripe.verify, {}),
    "twilio": (form_mac.verify_twilio, {}),
    "mailchimp-transactional": (form_mac.verify_mandrill, {}),
    "hubspot": (hubspot.verify, {"old_versions": frozenset({"v1", "v2"})}),
    "sendgrid": (sendgrid.verify, {}),
    "standard-webhooks": (standard.verify, {}),
    "housecallpro": (housecallpro.verify, {}),
    "servicetitan": (body_mac.verify, {"header": "X-ServiceTitan-Signature"}),
    "github": (
        body_mac.verify,
        {"header": "X-Hub-Signature-256", "encoding": "hex", "prefix": "sha256="},
    ),
}


def callback_of(vector: dict[str, Any]) -> Callback:
    headers = dict(vector["headers"])
    body = vector.get("body", "").encode()
    if "form" in vector:
        headers["Content-Type"] = FORM
        body = urlencode(vector["form"]).encode()
    return Callback(
        body=body,
        headers=headers,
        url=vector.get("url", ""),
        method=vector.get("method", "POST"),
    )


def secrets_of(vector: dict[str, Any]) -> list[str]:
    """Return what the receiver knows; a shared key of Twilio's with its name."""
    secret = vector.get("public_key") or vector["secret"]
    if vector["name"] == "twilio-sharedkey-sha256":
        return [f"webhooks_sharedkey_test:{secret}"]
    return [secret]


def now_of(vector: dict[str, Any]) -> datetime:
    moment = int(vector.get("now", VECTORS["_fixed_time"]))
    return datetime.fromtimestamp(moment, UTC)


def judge(vector: dict[str, Any], **given: Any) -> Refusal | None:
    """Verify a vector, or the same with something else in it."""
    verify, options = VERIFY[vector["vendor"]]
    return verify(
        given.pop("callback", None) or callback_of(vector),
        **options | {"secrets": secrets_of(vector), "now": now_of(vector)} | given,
    )


def changed(callback: Callback, **given: Any) -> Callback:
    fields = {name: getattr(callback, name) for name in Callback.__slots__}
    return Callback(**fields | given)


GOOD = [vector for vector in SIGNED if vector["expect"] == "accept"]


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def test_all_vectors_are_here() -> None:
    assert len(VECTORS["vectors"]) == 33
    assert len(SIGNED) == 31
    assert {vector["expect"] for vector in SIGNED} == {"accept", "reject"}


@pytest.mark.parametrize("vector", SIGNED, ids=name_of)
def test_vector(vector) -> None:
    refusal = judge(vector)

    assert (refusal is None) is (vector["expect"] == "accept"), refusal


def test_google_signs_urls_with_the_same_code() -> None:
    vector = BY_NAME["google-url-signing"]

    key = base64.urlsafe_b64decode(vector["secret"])
    made = base64.urlsafe_b64encode(mac(key, vector["string_to_sign"].encode(), "sha1"))

    assert made.decode() == vector["expected"]


class TestWhatMustNeverPass:
    """Flipped, cut, forged, or signed with nothing."""

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    @pytest.mark.parametrize("place", [0, -1])
    def test_a_flipped_byte(self, vector, place) -> None:
        body = bytearray(callback_of(vector).body)
        body[place] ^= 1

        bad = changed(callback_of(vector), body=bytes(body))

        assert judge(vector, callback=bad) in {Refusal.MISMATCH, Refusal.UNREADABLE}

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    def test_a_longer_body(self, vector) -> None:
        longer = changed(callback_of(vector), body=callback_of(vector).body + b"&a=b")

        assert judge(vector, callback=longer) is Refusal.MISMATCH

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    def test_no_proof(self, vector) -> None:
        bare = changed(callback_of(vector), headers={"Content-Type": FORM})

        assert judge(vector, callback=bare) is Refusal.UNSIGNED

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    @pytest.mark.parametrize("proof", ["", "=", "é\x00", "v1,", "t=,v1=", "a" * 9000])
    def test_an_odd_proof(self, vector, proof) -> None:
        odd = {
            name: proof if "signature" in name.lower() else value
            for name, value in callback_of(vector).headers.items()
        }

        refusal = judge(vector, callback=changed(callback_of(vector), headers=odd))

        assert refusal is not None

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    @pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
    def test_no_secret_of_ours(self, vector, secrets) -> None:
        refusal = judge(vector, secrets=secrets)

        assert refusal in {Refusal.NO_KEY, Refusal.UNKNOWN_SCHEME, Refusal.MISMATCH}

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    def test_anothers_secret(self, vector) -> None:
        assert judge(vector, secrets=["whsec_c29tZWJvZHkgZWxzZQ=="]) is not None

    @pytest.mark.parametrize("secrets", [[""], ["", "another"]])
    def test_an_empty_secret_signs_for_nobody(self, secrets) -> None:
        """Sign with nothing, as a stranger could where no secret is set."""
        vector = BY_NAME["stripe-valid"]
        message = f"{vector['timestamp']}.{vector['body']}".encode()
        proof = f"t={vector['timestamp']},v1={mac(b'', message).hex()}"
        forged = changed(callback_of(vector), headers={"Stripe-Signature": proof})

        assert judge(vector, callback=forged, secrets=secrets) is not None

    @pytest.mark.parametrize("secrets", [[""], ["", "another"]])
    def test_nor_does_it_sign_a_form(self, secrets) -> None:
        proof = base64.b64encode(mac(b"", b"https://a.example/xy1", "sha1")).decode()
        forged = Callback(
            body=b"y=1",
            url="https://a.example/x",
            headers={"Content-Type": FORM, form_mac.TWILIO: proof},
        )

        refusal = form_mac.verify_twilio(forged, secrets=secrets, now=datetime.now(UTC))

        assert refusal is not None

    @pytest.mark.parametrize(
        "stamp", ["", "-1", "1e9", "1760000000.5", "\uff11\uff17", " "]
    )
    @pytest.mark.parametrize(
        "name", ["housecallpro-valid", "sendgrid-event", "standard-webhooks-doc"]
    )
    def test_a_stamp_that_is_no_number(self, name, stamp) -> None:
        vector = BY_NAME[name]
        headers = {
            key: stamp if "timestamp" in key.lower() else value
            for key, value in vector["headers"].items()
        }

        bad = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=bad) is Refusal.UNREADABLE

    @pytest.mark.parametrize("stamps", ["", "t=", "t=1760000000,t=1760000000", "t=x"])
    def test_stripe_says_once_when(self, stamps) -> None:
        vector = BY_NAME["stripe-valid"]
        proof = vector["headers"]["Stripe-Signature"].partition(",")[2]
        headers = {"Stripe-Signature": f"{stamps},{proof}"}

        odd = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=odd) is Refusal.UNREADABLE


class TestTheWindow:
    """Where a scheme has a time stamp, it counts."""

    TIMED = [
        vector
        for vector in GOOD
        if "now" in vector and vector["vendor"] not in {"twilio", "github"}
    ]

    @pytest.mark.parametrize("vector", TIMED, ids=name_of)
    @pytest.mark.parametrize(
        ("after", "expected"),
        [
            (-301, Refusal.TOO_NEW),
            (-300, None),
            (0, None),
            (300, None),
            (301, Refusal.TOO_OLD),
        ],
    )
    def test_is_five_minutes_either_way(self, vector, after, expected) -> None:
        sent = int(vector.get("timestamp") or vector["timestamp_ms"] // 1000)

        refusal = judge(vector, now=datetime.fromtimestamp(sent + after, UTC))

        assert refusal is expected

    @pytest.mark.parametrize("vector", TIMED, ids=name_of)
    def test_a_moved_stamp_breaks_the_proof(self, vector) -> None:
        headers = {
            key: value.replace("17600000", "17600001").replace("16142653", "16142654")
            for key, value in vector["headers"].items()
        }

        moved = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=moved) is Refusal.MISMATCH


class TestHeaders:
    """HTTP does not care how their names are written."""

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    @pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
    def test_names_may_come_in_any_case(self, vector, spell) -> None:
        headers = {spell(k): v for k, v in callback_of(vector).headers.items()}

        spelt = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=spelt) is None


class TestTwoSecrets:
    """While a secret is replaced, two of them hold."""

    @pytest.mark.parametrize("vector", GOOD, ids=name_of)
    def test_either_of_them_is_enough(self, vector) -> None:
        new = "a-new-secret"  # for SendGrid no key at all, which hides no other

        known = secrets_of(vector)

        assert judge(vector, secrets=[new, *known]) is None
        assert judge(vector, secrets=[*known, new]) is None


class TestTwilio:
    """Two kinds of keys, forms and bodies."""

    def test_a_header_does_not_pick_the_method_for_an_auth_token(self) -> None:
        vector = BY_NAME["twilio-sharedkey-sha256"]

        refusal = judge(vector, secrets=[vector["secret"]])

        assert refusal is Refusal.UNKNOWN_SCHEME

    def test_a_shared_key_signs_only_under_its_header(self) -> None:
        vector = BY_NAME["twilio-status-callback"]

        refusal = judge(vector, secrets=[f"webhooks_sharedkey_a:{vector['secret']}"])

        assert refusal is Refusal.NO_KEY

    @pytest.mark.parametrize(
        "settings",
        [
            "key=webhooks_sharedkey_test,algorithm=HMAC_SHA512",
            "key=webhooks_sharedkey_test,algorithm=HMAC_SHA1",
            "key=webhooks_sharedkey_test,algorithm=none",
            "key=webhooks_sharedkey_other,algorithm=HMAC_SHA256",
            "key=,algorithm=HMAC_SHA256",
            "algorithm=HMAC_SHA256",
            "key=webhooks_sharedkey_test",
            ",",
        ],
    )
    def test_an_unknown_scheme_is_refused(self, settings) -> None:
        vector = BY_NAME["twilio-sharedkey-sha256"]
        headers = {**callback_of(vector).headers, form_mac.SETTINGS: settings}

        odd = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=odd) is Refusal.UNKNOWN_SCHEME

    def test_a_body_that_nobody_vouches_for(self) -> None:
        """Sign the bare URL, as for a form without fields, and send JSON with it."""
        url = "https://api.example.test/hook"
        proof = base64.b64encode(mac(b"12345", url.encode(), "sha1")).decode()
        sent = Callback(
            body=b'{"status":"sent"}',
            url=url,
            headers={"X-Twilio-Signature": proof, "Content-Type": "application/json"},
        )

        refusal = form_mac.verify_twilio(sent, secrets=["12345"], now=datetime.now(UTC))

        assert refusal is Refusal.UNSIGNED

    def test_another_body_under_the_hash_of_the_first(self) -> None:
        vector = BY_NAME["twilio-json-bodySHA256"]

        other = changed(callback_of(vector), body=b'{"sid":"SM1","status":"failed"}')

        assert judge(vector, callback=other) is Refusal.MISMATCH

    def test_another_path(self) -> None:
        vector = BY_NAME["twilio-status-callback"]

        other = changed(callback_of(vector), url=vector["url"] + "&more=1")

        assert judge(vector, callback=other) is Refusal.MISMATCH

    @pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=%ff", b"a=1&" * 2000])
    def test_a_form_that_cannot_be_read(self, body) -> None:
        vector = BY_NAME["twilio-status-callback"]

        odd = changed(callback_of(vector), body=body)

        assert judge(vector, callback=odd) is Refusal.UNREADABLE


class TestStandardWebhooks:
    """One version counts, and an id has no dot in it."""

    @pytest.mark.parametrize("version", ["v1a", "v2", "v0", "V1", ""])
    def test_another_version_proves_nothing(self, version) -> None:
        vector = BY_NAME["standard-webhooks-ours"]
        given = vector["headers"]["webhook-signature"]
        headers = vector["headers"] | {
            "webhook-signature": given.replace("v1,", f"{version},")
        }

        other = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=other) is Refusal.UNSIGNED

    def test_an_id_with_a_dot_could_be_read_in_two_ways(self) -> None:
        vector = BY_NAME["standard-webhooks-ours"]
        key = base64.b64decode(vector["secret"].removeprefix("whsec_"))
        message = f"a.1.{vector['timestamp']}.{vector['body']}".encode()
        headers = vector["headers"] | {
            "webhook-id": "a.1",
            "webhook-signature": f"v1,{base64.b64encode(mac(key, message)).decode()}",
        }

        dotted = changed(callback_of(vector), headers=headers)

        assert judge(vector, callback=dotted) is Refusal.UNREADABLE


class TestHubSpot:
    """Three versions, one of them good."""

    @pytest.mark.parametrize("name", ["hubspot-v1", "hubspot-v2"])
    def test_weaker_versions_have_to_be_allowed(self, name) -> None:
        assert judge(BY_NAME[name], old_versions=frozenset()) is Refusal.UNKNOWN_SCHEME

    def test_who_sends_a_v3_is_held_to_it(self) -> None:
        weak, strong = BY_NAME["hubspot-v1"], BY_NAME["hubspot-v3"]
        headers = weak["headers"] | strong["headers"]
        headers[hubspot.HEADER] = "AAAA"

        both = changed(callback_of(strong), headers=headers)

        assert judge(strong, callback=both) is Refusal.MISMATCH


class TestServiceTitan:
    """What is not published can be set."""

    @pytest.mark.parametrize(
        ("name", "encoding", "good"),
        [
            ("servicetitan-hex", "hex", True),
            ("servicetitan-hex", "base64", False),
            ("servicetitan-base64", "base64", True),
            ("servicetitan-base64", "hex", False),
        ],
    )
    def test_the_encoding_can_be_told(self, name, encoding, good) -> None:
        assert (judge(BY_NAME[name], encoding=encoding) is None) is good

    def test_and_so_can_the_header(self) -> None:
        vector = BY_NAME["servicetitan-hex"]

        assert judge(vector, header="X-Other") is Refusal.UNSIGNED
