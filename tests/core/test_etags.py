"""Versions on the wire."""

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wire_urls")]

URL = "/api/v1/thing"


def patch(api, **headers):
    return api.patch(URL, {}, format="json", headers=headers)


@pytest.mark.parametrize("version", ['"3"', 'W/"3"', "*", ' "3" '])
def test_the_version_that_was_read_lets_a_change_through(api, version) -> None:
    response = patch(api, **{"If-Match": version})

    assert response.status_code == 204
    assert response["ETag"] == '"4"'


def test_another_version_is_a_conflict(api) -> None:
    response = patch(api, **{"If-Match": '"2"'})

    assert response.status_code == 412
    assert response.json()["code"] == "version_conflict"


def test_a_version_may_be_required(api) -> None:
    response = patch(api)

    assert response.status_code == 428
    assert response.json()["code"] == "precondition_required"


@pytest.mark.parametrize(
    "version", ["3", '"x"', '"3', '"3", "4"', '"-3"', '"' + "9" * 99 + '"', '"٣"', "**"]
)
def test_what_is_no_version_is_malformed(api, version) -> None:
    response = patch(api, **{"If-Match": version})

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_precondition"


def test_reading_tells_the_version(api) -> None:
    response = api.get(URL)

    assert response["ETag"] == '"3"'
    assert response.json()["name"] == "Phoenix"


@pytest.mark.parametrize("known", ['"3"', '"1", W/"3"', "*"])
def test_reading_again_costs_nothing(api, known) -> None:
    response = api.get(URL, headers={"If-None-Match": known})

    assert response.status_code == 304
    assert response["ETag"] == '"3"'
    assert response.content == b""


@pytest.mark.parametrize("known", ['"2"', "3", "x", ""])
def test_an_old_version_is_answered_in_full(api, known) -> None:
    assert api.get(URL, headers={"If-None-Match": known}).status_code == 200
