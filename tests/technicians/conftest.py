"""A branch with one technician who has no shifts yet, and a dispatcher."""

import pytest

from core.actors import Role
from core.models import Location
from technicians.models import Technician
from tests.factories import make_location, make_technician, make_user


@pytest.fixture
def branch(db) -> Location:
    return make_location()


@pytest.fixture
def technician(branch) -> Technician:
    return make_technician(location=branch, shift=None)


@pytest.fixture
def dispatcher(branch, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[branch]))
