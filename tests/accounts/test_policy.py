"""The table of roles: complete, and asked on every route."""

import pytest
from django.core import checks
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.routes import api_routes
from accounts.checks import every_route_has_a_policy
from accounts.models import User
from accounts.rules.policy import ADMIN_SITE, POLICY, may_in_admin_site
from core.actors import Role


class Undecided(APIView):
    """Somebody forgot the table."""

    authentication_classes = ()
    resource = "secrets"

    def get(self, request):
        return Response({})


class WayRound(Undecided):
    """Somebody thought the table too strict."""

    permission_classes = (AllowAny,)


class Decided(Undecided):
    """A view as it should be."""

    policy = "locations.list"


def urlpatterns_of(view: type[APIView]):
    return type("urls", (), {"urlpatterns": [path("x", view.as_view())]})


def test_every_route_of_the_house_is_decided() -> None:
    assert every_route_has_a_policy(app_configs=None) == []
    assert checks.run_checks(tags=[checks.Tags.security]) == []


def test_the_table_holds_nothing_that_no_route_asks_for() -> None:
    assert set(POLICY) - {route.key for route in api_routes()} == set()


@pytest.mark.parametrize(
    ("view", "found"),
    [(Undecided, ["accounts.E001"]), (WayRound, ["accounts.E002"]), (Decided, [])],
)
def test_a_route_that_nobody_decided_about_stops_the_start(
    settings, view, found
) -> None:
    settings.ROOT_URLCONF = urlpatterns_of(view)

    errors = every_route_has_a_policy(app_configs=None)

    assert [error.id for error in errors] == found


@pytest.mark.django_db
def test_such_a_route_answers_nobody(settings, api) -> None:
    settings.ROOT_URLCONF = urlpatterns_of(Undecided)

    assert api.get("/x").status_code == 500


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["options", "delete", "put"])
def test_other_methods_are_not_there(api, method) -> None:
    answer = getattr(api, method)("/api/v1/locations")

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_admins_may_everything() -> None:
    assert all(Role.ADMIN in roles for roles in POLICY.values())


def test_viewers_only_read() -> None:
    allowed = {key for key, roles in POLICY.items() if Role.VIEWER in roles}
    reading = {"list", "retrieve", "schedule", "history", "explain"}

    changing = {key for key in allowed if key.split(".")[1] not in reading}

    assert {
        key for key in changing if not key.startswith(("auth.", "callbacks."))
    } == set()


@pytest.mark.parametrize(
    ("role", "permission", "allowed"),
    [
        (Role.ADMIN, "accounts.delete_user", True),
        (Role.DISPATCHER, "appointments.change_appointment", True),
        (Role.DISPATCHER, "appointments.delete_appointment", False),
        (Role.DISPATCHER, "accounts.view_user", False),
        (Role.VIEWER, "leads.view_lead", True),
        (Role.VIEWER, "leads.change_lead", False),
        (Role.TECHNICIAN, "leads.view_lead", False),
        (Role.INTEGRATION, "leads.view_lead", False),
    ],
)
def test_the_admin_site_follows_the_role(role, permission, allowed) -> None:
    user = User(role=role)

    assert user.has_perm(permission) is allowed
    assert may_in_admin_site(role=role, permission=permission) is allowed
    assert User(role=role, is_active=False).has_perm(permission) is False


def test_the_admin_site_shows_the_apps_of_a_role() -> None:
    user = User(role=Role.DISPATCHER)

    assert all(user.has_module_perms(app) for app in ADMIN_SITE[Role.DISPATCHER])
    assert not user.has_module_perms("accounts")
