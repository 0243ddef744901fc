"""The admin site at the tests' own moment: Monday, 08:00 in Phoenix."""

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client

from core.actors import Role
from core.models import Location
from tests.admin.desk import Desk
from tests.factories import NOW, make_location, make_user

SignIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def sign_in(db) -> SignIn:
    """Return a function that gives the browser of somebody with that role."""

    def signed_in(role: Role = Role.ADMIN, *branches: Location) -> Client:
        browser = Client()
        browser.force_login(make_user(role, locations=list(branches)))
        return browser

    return signed_in


@pytest.fixture
def branch(db) -> Location:
    return make_location()


@pytest.fixture
def desk(sign_in, branch) -> Desk:
    """Return the desk of a dispatcher of `branch`."""
    return Desk(sign_in(Role.DISPATCHER, branch))


@pytest.fixture
def admin(sign_in) -> Desk:
    """Return an admin's desk."""
    return Desk(sign_in())
