"""Every route x method x role x {own, elsewhere, a colleague's, missing, no access}.

The routes come from the URL conf, what is allowed from the policy, and the things
from `tests.accounts.routes`.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from accounts.api.routes import Route, api_routes
from accounts.models import User
from accounts.rules.policy import POLICY
from core.actors import Role
from technicians.models import Technician
from tests.accounts.conftest import bearer, tokens_of
from tests.accounts.routes import ROWS, Made, Row
from tests.factories import NOW, make_location, make_technician, make_user

API = "api/v1/"
NOTHING: Made = {}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ALL_ROUTES = [route for route in api_routes() if route.is_ruled]
ROUTES = [route for route in ALL_ROUTES if route.path.removeprefix(API) in ROWS]
SIGNED_IN = [role for role in Role if role is not Role.ANONYMOUS]
REFUSED = {401, 403, 404}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "no_limits")]


def row_of(route: Route) -> Row:
    return ROWS[route.path.removeprefix(API)]


def allowed(route: Route) -> list[Role]:
    return [role for role in SIGNED_IN if role in POLICY[route.key]]


THINGS = [route for route in ROUTES if "<" in route.path]
SCOPED = [route for route in THINGS if not row_of(route).company_wide]
LISTS = [r for r in ROUTES if r.method == "get" and r not in THINGS and row_of(r).make]


class World:
    """Two branches: one with a user of each role and two technicians, one with one."""

    def __init__(self) -> None:
        self.here, self.there = make_location(), make_location()
        self.people: dict[Role, User] = {role: self.person(role) for role in SIGNED_IN}
        worker = self.people[Role.TECHNICIAN]
        self.own = make_technician(location=self.here, user=worker, shift=None)
        self.colleague = make_technician(location=self.here, shift=None)
        self.elsewhere = make_technician(location=self.there, shift=None)

    def person(self, role: Role) -> User:
        return make_user(role, locations=[self.here], password=None)

    def client(self, role: Role) -> APIClient:
        return bearer(tokens_of(self.people[role])["access"])


@pytest.fixture
def world() -> World:
    return World()


@dataclass(frozen=True)
class Answer:
    """A status and a body, without what differs from one request to the next."""

    status: int
    body: Any

    def ids(self) -> set[str]:
        found = self.body if isinstance(self.body, list) else self.body["results"]
        return {item["id"] for item in found}


def call(client: APIClient, route: Route, made: Made = NOTHING) -> Answer:
    """Send the request, and undo what it did."""
    row = row_of(route)
    path = PARAMETER.sub(lambda name: str(made[name[1]]), route.path)
    body = row.body(method=route.method, made=made)
    headers = row.filled_headers(made=made)
    if route.method != "get":
        headers |= {"Idempotency-Key": str(uuid.uuid4()), "If-Match": "*"}
    with transaction.atomic():
        send = getattr(client, route.method)
        if route.method == "get":
            response = send(f"/{path}?{row.query}", headers=headers)
        else:
            response = send(f"/{path}", body, format="json", headers=headers)
        transaction.set_rollback(True)
    shown = response.json() if response.content else None
    if isinstance(shown, dict):
        shown.pop("request_id", None)
    return Answer(response.status_code, shown)


def make(route: Route, technician: Technician) -> Made:
    maker = row_of(route).make
    return maker(technician) if maker else NOTHING


def missing(route: Route, made: Made) -> Made:
    """Return the same, but for ids in the path that lead nowhere."""
    return {**made, **{name: uuid.uuid4() for name in PARAMETER.findall(route.path)}}


def without_access(world: World, role: Role) -> Iterator[APIClient]:
    """Yield clients whose token was good: of a deactivated user, and an old one."""
    gone = world.person(role)
    token = tokens_of(gone)["access"]
    User.objects.filter(pk=gone.pk).update(is_active=False)
    yield bearer(token)
    long_ago = NOW - timedelta(minutes=11)
    yield bearer(tokens_of(world.people[role], now=long_ago)["access"])


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {route.path.removeprefix(API) for route in ALL_ROUTES} == set(ROWS)


def test_every_path_with_an_id_has_something_to_lead_to() -> None:
    assert [str(route) for route in THINGS if row_of(route).make is None] == []


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_visitors(route, world) -> None:
    at = make(route, world.own)

    answer = call(APIClient(raise_request_exception=False), route, at)

    if Role.ANONYMOUS not in POLICY[route.key]:
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    else:
        assert answer.status < 500
        assert answer.status not in {403, 404}


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_those_who_have_no_access_any_more(route, world) -> None:
    at = make(route, world.own)
    as_visitor = call(APIClient(raise_request_exception=False), route, at)

    for role in SIGNED_IN:
        for client in without_access(world, role):
            answer = call(client, route, at)
            if route.view.authentication_classes:
                assert (answer.status, answer.body["code"]) == (401, "token_invalid")
            else:  # signing in again does not look at the token
                assert answer == as_visitor


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_roles_at_their_own_branch(route, world) -> None:
    at = make(route, world.own)

    for role in SIGNED_IN:
        answer = call(world.client(role), route, at)
        if role not in POLICY[route.key]:
            assert (answer.status, answer.body["code"]) == (403, "forbidden"), role
        elif route.view.authentication_classes:
            assert answer.status < 500, (role, answer)
            assert answer.status not in REFUSED, (role, answer)


@pytest.mark.parametrize("route", THINGS, ids=str)
def test_what_is_not_there_is_not_found(route, world) -> None:
    at = missing(route, make(route, world.own))

    for role in allowed(route):
        answer = call(world.client(role), route, at)
        assert (answer.status, answer.body["code"]) == (404, "not_found"), role


@pytest.mark.parametrize("route", SCOPED, ids=str)
def test_what_is_elsewhere_looks_like_what_is_not_there(route, world) -> None:
    elsewhere = make(route, world.elsewhere)

    for role in allowed(route):
        client = world.client(role)
        answer = call(client, route, elsewhere)
        if role is Role.ADMIN:
            assert answer.status not in REFUSED
        else:
            assert answer == call(client, route, missing(route, elsewhere)), role
            assert answer.status == 404, role


@pytest.mark.parametrize("route", SCOPED, ids=str)
def test_what_is_a_colleagues_is_not_there_for_a_technician(route, world) -> None:
    at = make(route, world.colleague)
    if Role.TECHNICIAN not in POLICY[route.key] or at == make(route, world.own):
        return  # not for them at all, or the branch's as a whole

    answer = call(world.client(Role.TECHNICIAN), route, at)

    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert call(world.client(Role.DISPATCHER), route, at).status not in REFUSED


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_lists_show_what_one_may_see(route, world) -> None:
    made = {
        where: str(make(route, getattr(world, where))["pk"])
        for where in ("own", "colleague", "elsewhere")
    }
    company_wide = row_of(route).company_wide

    for role in allowed(route):
        shown = call(world.client(role), route).ids()
        assert made["own"] in shown, role
        if not company_wide and role is not Role.ADMIN:
            assert made["elsewhere"] not in shown, role
        elif role is Role.ADMIN:
            assert set(made.values()) <= shown
        if role is Role.TECHNICIAN and not company_wide:
            assert (made["colleague"] in shown) == (made["colleague"] == made["own"])
