"""Access tokens: ours and fresh, or none; and what they cost."""

import base64
import hmac
import json
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings

from accounts import selectors
from core.actors import Role
from tests.accounts.conftest import ME, bearer, tokens_of
from tests.factories import NOW, make_location, make_technician, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def signed(claims: Any, *, key: str = "", algorithm: str = "HS256", **headers) -> str:
    """Sign by hand: the library would refuse to make some of these."""
    header = {"typ": "JWT", "alg": algorithm} | headers
    text = f"{segment(header)}.{segment(claims)}"
    digest = f"sha{algorithm.removeprefix('HS')}"
    secret = (key or settings.SECRET_KEY).encode()
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), digest))}"


def segment(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return encoded(text.encode())


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


def at(**shift: float) -> int:
    return int((NOW + timedelta(**shift)).timestamp())


# Each makes a token from the claims of a good one.
FORGERIES = {
    "no signature": lambda c: f"{segment({'alg': 'none'})}.{segment(c)}.",
    "alg none, any case": lambda c: f"{segment({'alg': 'nOnE'})}.{segment(c)}.",
    "another key": lambda c: signed(c, key="k" * 50),
    "HS384": lambda c: signed(c, algorithm="HS384"),
    "HS512": lambda c: signed(c, algorithm="HS512"),
    "kid that is a path": lambda c: signed(c, key="k" * 50, kid="../../dev/null"),
    "jku": lambda c: signed(c, key="k" * 50, jku="https://evil.example/jwks"),
    "unknown crit": lambda c: signed(c, crit=["exp"]),
    "RS256 header over an HMAC": lambda c: (
        f"{segment({'alg': 'RS256'})}.{signed(c).split('.', 1)[1]}"
    ),
    "expired": lambda c: signed(c | {"exp": at(seconds=-11)}),
    "no expiry": lambda c: signed(without(c, "exp")),
    "expiry is text": lambda c: signed(c | {"exp": "tomorrow"}),
    "not yet": lambda c: signed(c | {"nbf": at(minutes=1)}),
    "issued tomorrow": lambda c: signed(c | {"iat": at(days=1)}),
    "another issuer": lambda c: signed(c | {"iss": "evil"}),
    "no issuer": lambda c: signed(without(c, "iss")),
    "issuer in a list": lambda c: signed(c | {"iss": ["fieldbook"]}),
    "refresh for access": lambda c: signed(c | {"token_use": "refresh"}),
    "no use": lambda c: signed(without(c, "token_use")),
    "the default name of the use": lambda c: signed(
        without(c, "token_use") | {"token_type": "access"}
    ),
    "no id": lambda c: signed(without(c, "jti")),
    "no subject": lambda c: signed(without(c, "sub")),
    "unknown subject": lambda c: signed(c | {"sub": str(uuid.uuid4())}),
    "subject is no id": lambda c: signed(c | {"sub": "admin"}),
    "subject is SQL": lambda c: signed(c | {"sub": "' OR 1=1 --"}),
    "subject with NUL": lambda c: signed(c | {"sub": "\x00"}),
    "no session": lambda c: signed(without(c, "sid")),
    "unknown session": lambda c: signed(c | {"sid": str(uuid.uuid4())}),
    "session is a list": lambda c: signed(c | {"sid": []}),
    "no version": lambda c: signed(without(c, "tv")),
    "another version": lambda c: signed(c | {"tv": c["tv"] + 1}),
    "version is text": lambda c: signed(c | {"tv": "one"}),
    "version is huge": lambda c: signed(c | {"tv": 2**70}),
    "not a token": lambda _: "x",
    "empty": lambda _: "",
    "three dots": lambda _: "...",
    "two tokens": lambda c: f"{signed(c)} {signed(c)}",
    "cut": lambda c: signed(c)[:-3],
    "payload is a list": lambda c: signed([c]),
    "payload is no JSON": lambda _: signed("{"),
    "not ASCII": lambda _: "\xe9.\xe9.\xe9",
    "deep header": lambda _: f"{segment('[' * 560)}.e30.e30",
    "oversize": lambda c: signed(c | {"pad": "x" * 2000}),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_is_refused(forge) -> None:
    good = tokens_of(make_user(Role.ADMIN))["access"]
    token = forge(claims_of(good))

    answer = bearer(token).get(ME)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert bearer(good).get(ME).status_code == 200


def test_a_session_belongs_to_its_user() -> None:
    mine = claims_of(tokens_of(make_user())["access"])
    admin = make_user(Role.ADMIN)

    answer = bearer(signed(mine | {"sub": str(admin.pk)})).get(ME)

    assert answer.status_code == 401


def test_who_shows_nothing_is_asked_to_sign_in(api) -> None:
    answer = api.get(ME)

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("header", ["Basic YTpi", "Token abc", "bearer", "Bearer  "])
def test_other_headers_do_not_sign_in(api, header) -> None:
    assert api.get(ME, HTTP_AUTHORIZATION=header).status_code == 401


def test_the_scheme_is_read_in_any_case(api) -> None:
    token = tokens_of(make_user())["access"]

    assert api.get(ME, HTTP_AUTHORIZATION=f"bearer {token}").status_code == 200


def test_the_caller_costs_one_query(django_assert_num_queries) -> None:
    user = make_user(locations=[make_location(), make_location()])
    claims = claims_of(tokens_of(user)["access"])

    with django_assert_num_queries(1):
        caller = selectors.caller_of_session(
            user_id=user.pk,
            session_id=uuid.UUID(claims["sid"]),
            token_version=user.token_version,
            now=NOW,
        )

    assert caller is not None
    assert len(caller.actor.location_ids or ()) == 2


def test_a_role_decides_how_far_one_sees() -> None:
    branch = make_location()
    office = {
        role: make_user(role, locations=[branch])
        for role in (Role.ADMIN, Role.DISPATCHER, Role.VIEWER, Role.INTEGRATION)
    }
    linked = make_user(Role.TECHNICIAN, locations=[branch])
    technician = make_technician(user=linked, location=branch)
    stranger = make_user(Role.TECHNICIAN, locations=[branch])

    reach = {
        role: selectors.actor_of_user(user).location_ids
        for role, user in office.items()
    }
    own = selectors.actor_of_user(linked)
    nobody = selectors.actor_of_user(stranger)

    assert reach.pop(Role.ADMIN) is None
    assert set(reach.values()) == {frozenset({branch.pk})}
    assert own.technician_id == technician.pk
    assert own.location_ids == frozenset({branch.pk})
    # Without a technician to be, one must not see the others' work.
    assert (nobody.technician_id, nobody.location_ids) == (None, frozenset())
