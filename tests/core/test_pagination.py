"""Lists go page by page, by key: nothing is missed, doubled or counted."""

from itertools import chain
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Location
from tests.factories import make_location

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wire_urls")]

URL = "/api/v1/branches"


@pytest.fixture
def branches() -> list[str]:
    """Return codes in the list's order: three a city, some of the same name."""
    for n in range(25):
        make_location(open_hours=None, city=f"city {n // 3}", name=f"branch {n % 2}")
    return [b.code for b in Location.objects.order_by("-city", "name", "id")]


def walk(api, url: str | None, link: str) -> list[list[str]]:
    pages = []
    while url:
        body = api.get(url).json()
        pages.append([row["code"] for row in body["results"]])
        url = body[link]
    return pages


def test_walking_forward_shows_each_row_once(api, branches) -> None:
    pages = walk(api, f"{URL}?limit=4", "next")

    assert [len(page) for page in pages] == [4, 4, 4, 4, 4, 4, 1]
    assert list(chain(*pages)) == branches


def test_walking_back_shows_the_same_pages(api, branches) -> None:
    last = f"{URL}?limit=4"
    while following := api.get(last).json()["next"]:
        last = following

    pages = walk(api, last, "previous")

    assert list(chain(*reversed(pages))) == branches


def test_a_row_that_arrives_meanwhile_moves_no_other(api, branches) -> None:
    first = api.get(f"{URL}?limit=10").json()
    make_location(open_hours=None, city="city 9")

    second = api.get(first["next"]).json()

    assert [row["code"] for row in second["results"]] == branches[10:20]


def test_the_last_page_has_no_next_and_the_first_no_previous(api, branches) -> None:
    body = api.get(f"{URL}?limit=200").json()

    assert body["next"] is None
    assert body["previous"] is None
    assert len(body["results"]) == 25


def test_a_page_that_became_empty_leads_back(api, branches) -> None:
    second = api.get(api.get(f"{URL}?limit=10").json()["next"]).json()
    Location.objects.all().delete()

    body = api.get(second["previous"]).json()

    assert body["results"] == []
    assert "cursor" not in parse_qs(urlsplit(body["next"]).query)


def test_a_page_costs_one_query_wherever_it_is(api, branches) -> None:
    url = f"{URL}?limit=3"
    counts = []
    for _ in range(5):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            url = api.get(url).json()["next"]
        counts.append(len(queries))
        assert "COUNT" not in queries[0]["sql"]

    assert counts == [1] * 5


@pytest.mark.parametrize(
    "limit",
    ["0", "-1", "201", "1e2", "\u0661\u0660", "%00", "", "9" * 50, "null", "1.0"],
)
def test_a_limit_out_of_bounds_is_refused(api, limit) -> None:
    response = api.get(f"{URL}?limit={limit}")

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%00",
        "a:b",
        "%ED%A0%80",
        "cD0wMDAw",
        quote("p=%00"),
        "WyJub3QtYS11dWlkIl0:AAAA",
        "A" * 10_000,
        quote("😀:😀"),
    ],
)
def test_a_made_up_cursor_is_refused(api, cursor) -> None:
    response = api.get(f"{URL}?cursor={cursor}")

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_cursor"


def test_a_cursor_that_was_changed_is_refused(api, branches) -> None:
    following = api.get(f"{URL}?limit=4").json()["next"]
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]
    changed = ("B" if cursor[3] == "A" else "A").join([cursor[:3], cursor[4:]])

    response = api.get(URL, {"cursor": changed})

    assert response.json()["code"] == "invalid_cursor"


def test_a_cursor_of_another_list_is_refused(api, branches) -> None:
    foreign = signing.Signer(salt="cursor:/api/v1/other:-city,name,id")

    response = api.get(URL, {"cursor": foreign.sign_object([False, 1, 2, 3])})

    assert response.json()["code"] == "invalid_cursor"
