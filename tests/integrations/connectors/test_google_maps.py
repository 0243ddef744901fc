"""Google Maps: where addresses are, and ways that are known, guessed and fetched."""

import json
import math
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import caches

from core.actors import SYSTEM
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from core.travel import Place, Travel, travel
from integrations.connectors.google_maps import GoogleMaps, geocode, minutes_between
from integrations.models import Connection, ConnectionState, TravelMinutes
from integrations.rules.refusals import Busy, CallFailed, NotAllowed, Refused
from integrations.rules.ways import Batch, batches
from integrations.services.maps import (
    RoadTravel,
    fetch_ways,
    refresh_locations,
    stale_ways,
    wanted,
)
from leads.models import Property
from leads.services import PropertyForm, add_property
from tests.appointments.conftest import Company, make_company
from tests.factories import DAY, NOW, TOMORROW, make_customer, make_property
from tests.integrations.connectors.calls import Recorder, connect
from tests.integrations.vendor import Heard, Reply, VendorServer
from tests.notifications.conftest import book
from tests.outside import drain

pytestmark = pytest.mark.django_db

KEY = "AIza_a_secret_of_ours"
HOME, SHOP, YARD = (33_450_000, -112_070_000), (33_500_000, -112_000_000), (1, 1)
PROVIDER = "integrations.services.maps.RoadTravel"
CONNECTOR = GoogleMaps()


@pytest.fixture
def vendor(settings) -> Iterator[VendorServer]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    with VendorServer() as server:
        yield server
        server.shutdown()


@pytest.fixture
def connection(vendor) -> Connection:
    made = connect("google_maps", vendor.url, key=KEY)
    made.settings["hosts"] = {"api": vendor.url, "routes": vendor.url}
    made.save()
    return made


@pytest.fixture
def call(connection) -> Recorder:
    return Recorder(connection)


def set_up(connection: Connection, **given: str) -> Recorder:
    connection.settings.update(given)
    connection.save()
    return Recorder(connection)


def match(kind: str = "ROOFTOP", **more: Any) -> dict[str, Any]:
    return {
        "formatted_address": "1 Elm St, Phoenix",
        "place_id": "p1",
        "geometry": {"location": {"lat": 33.45, "lng": -112.07}, "location_type": kind},
    } | more


def found(*results: dict[str, Any], status: str = "OK") -> Reply:
    return Reply(json={"status": status, "results": list(results)})


def query(heard: Heard) -> dict[str, str]:
    return {name: v[0] for name, v in parse_qs(urlsplit(heard.path).query).items()}


# --- Where an address is ------------------------------------------------------


@pytest.mark.parametrize("kind", ["ROOFTOP", "RANGE_INTERPOLATED"])
def test_an_exact_match_is_good_enough(vendor, call, kind) -> None:
    vendor.replies = [found(match(kind))]

    place = geocode(call, "1 Elm St, Phoenix, AZ 85004")

    assert place is not None
    assert (place.latitude, place.longitude, place.problem) == (33.45, -112.07, "")
    assert query(vendor.heard[0]) == {
        "address": "1 Elm St, Phoenix, AZ 85004",
        "components": "country:US",
        "key": KEY,
    }


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ([match("GEOMETRIC_CENTER")], "No exact match (geometric center)."),
        ([match("APPROXIMATE")], "No exact match (approximate)."),
        ([match(partial_match=True)], "Only a part of the address matches."),
        ([match(), match()], "Several places match."),
    ],
)
def test_what_is_vague_says_so(vendor, call, results, problem) -> None:
    vendor.replies = [found(*results)]

    place = geocode(call, "Elm St")

    assert place is not None
    assert place.problem == problem


def test_an_unknown_address_is_none(vendor, call) -> None:
    vendor.replies = [found(status="ZERO_RESULTS")]

    assert geocode(call, "Nowhere") is None


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (found(status="OVER_QUERY_LIMIT"), Busy),
        (found(status="UNKNOWN_ERROR"), Busy),
        (found(status="OVER_DAILY_LIMIT"), NotAllowed),
        (found(status="REQUEST_DENIED"), NotAllowed),
        (found(status="INVALID_REQUEST"), Refused),
        (found(status="OK"), Busy),
        (found({"geometry": {}}), Busy),
        (Reply(json={}), Busy),
        (Reply(body=b"<html>"), Busy),
        (Reply(status=503), Busy),
    ],
)
def test_a_refusal_may_come_with_200(vendor, call, reply, expected) -> None:
    vendor.replies = [reply]

    with pytest.raises(expected):
        geocode(call, "1 Elm St")


# --- How long a way takes -----------------------------------------------------


def element(origin: int, destination: int, seconds: int = 61) -> dict[str, Any]:
    return {
        "originIndex": origin,
        "destinationIndex": destination,
        "status": {},
        "condition": "ROUTE_EXISTS",
        "distanceMeters": 900,
        "duration": f"{seconds}s",
    }


def test_routes_are_asked_with_a_mask_and_read_in_any_order(vendor, call) -> None:
    first = {"status": {}, "condition": "ROUTE_EXISTS", "duration": "60s"}  # no zeros
    vendor.replies = [Reply(json=[element(1, 0), first])]

    ways = minutes_between(call, [HOME, SHOP], [YARD], now=NOW)

    assert ways == {(0, 0): 1, (1, 0): 2}
    [heard] = vendor.heard
    assert heard.path == "/distanceMatrix/v2:computeRouteMatrix"
    assert heard.headers["x-goog-api-key"] == KEY
    assert "status" in heard.headers["x-goog-fieldmask"]
    sent = json.loads(heard.body)
    assert sent["routingPreference"] == "TRAFFIC_UNAWARE"
    assert sent["origins"][0]["waypoint"]["location"]["latLng"] == {
        "latitude": 33.45,
        "longitude": -112.07,
    }


def test_no_way_is_none_and_no_answer_is_left_out(vendor, call) -> None:
    lost = {**element(0, 0), "condition": "ROUTE_NOT_FOUND"}
    failed = {**element(1, 0), "status": {"code": 3, "message": "bad"}}
    vendor.replies = [Reply(json=[lost, failed, "?", {"originIndex": 2}])]

    assert minutes_between(call, [HOME, SHOP, YARD], [YARD], now=NOW) == {(0, 0): None}


def test_the_rush_hour_is_that_of_the_next_working_day(vendor, connection) -> None:
    call = set_up(connection, traffic="rush")
    vendor.replies = [Reply(json=[])]
    friday = NOW + 4 * DAY  # NOW is a Monday

    minutes_between(call, [HOME], [SHOP], now=friday)

    sent = json.loads(vendor.heard[0].body)
    assert sent["routingPreference"] == "TRAFFIC_AWARE"
    assert sent["departureTime"] == "2027-03-08T15:00:00Z"


def test_the_old_api_is_a_setting(vendor, connection) -> None:
    call = set_up(connection, matrix="legacy")
    rows = [
        {
            "elements": [
                {"status": "OK", "duration": {"value": 61}},
                {"status": "ZERO_RESULTS"},
                {"status": "MAX_ROUTE_LENGTH_EXCEEDED"},
            ]
        }
    ]
    vendor.replies = [Reply(json={"status": "OK", "rows": rows})]

    ways = minutes_between(call, [HOME], [SHOP, YARD, HOME], now=NOW)

    assert ways == {(0, 0): 2, (0, 1): None}
    assert query(vendor.heard[0])["origins"] == "33.450000,-112.070000"


@pytest.mark.parametrize(("matrix", "most"), [("routes", 625), ("legacy", 25)])
def test_no_call_asks_for_more_than_they_take(connection, vendor, matrix, most) -> None:
    call = set_up(connection, matrix=matrix)

    with pytest.raises(ValueError, match="At most"):
        minutes_between(call, [HOME], [SHOP] * (most + 1), now=NOW)
    assert vendor.heard == []


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=429, json={"error": {"status": "RESOURCE_EXHAUSTED"}}), Busy),
        (Reply(status=503, json=[{"error": {"status": "UNAVAILABLE"}}]), Busy),
        (
            Reply(status=403, json={"error": {"status": "PERMISSION_DENIED"}}),
            NotAllowed,
        ),
        (
            Reply(status=400, json={"error": {"message": "API key not valid."}}),
            NotAllowed,
        ),
        (Reply(status=400, json={"error": {"message": "Bad origin"}}), Refused),
        (Reply(json={"error": "?"}), Busy),
        (Reply(body=b'[{"originIndex"'), Busy),
    ],
)
def test_each_answer_is_what_it_means(vendor, call, reply, expected) -> None:
    vendor.replies = [reply]

    with pytest.raises(CallFailed) as caught:
        minutes_between(call, [HOME], [SHOP], now=NOW)

    assert type(caught.value) is expected
    assert KEY not in f"{caught.value} {caught.value.excerpt}"


def test_check_says_what_both_answer(vendor, call) -> None:
    vendor.replies = [found(match()), Reply(json=[element(0, 0, 300)])]

    assert CONNECTOR.check(call) == (
        "Geocoding finds 1 Elm St, Phoenix; a way of 2 km takes 5 min."
    )


def test_ways_are_asked_for_by_the_place_that_they_share() -> None:
    others = [(n, n) for n in range(1, 6)]
    ways = [(HOME, other) for other in others] + [(other, HOME) for other in others]
    ways.append((SHOP, YARD))

    asked = batches(ways, most=3)

    covered = [(o, d) for one in asked for o in one.origins for d in one.destinations]
    assert sorted(covered) == sorted(ways)  # all, and nothing else
    assert max(len(one.origins) * len(one.destinations) for one in asked) == 3
    assert Batch((SHOP,), (YARD,)) in asked or len(asked) == 5


# --- The house: ways ----------------------------------------------------------


@pytest.fixture(autouse=True)
def _nothing_noted(monkeypatch) -> None:
    """Begin with no way of an earlier test, and without the thread that tells later."""
    monkeypatch.setattr(wanted, "_flushes_at", math.inf)
    wanted._noted.clear()


@pytest.fixture
def by_road(settings) -> None:
    settings.TRAVEL_TIME_PROVIDER = PROVIDER
    settings.TRAVEL_PARKING_MINUTES = 2.0


def known(origin: Place, destination: Place, minutes: int | None, **given: Any) -> None:
    fields = {"time_class": "free", "fetched_at": NOW} | given
    TravelMinutes.objects.create(
        origin_latitude=origin[0],
        origin_longitude=origin[1],
        destination_latitude=destination[0],
        destination_longitude=destination[1],
        minutes=minutes,
        **fields,
    )


def test_a_known_way_is_what_the_map_says_and_parking(by_road) -> None:
    known(HOME, SHOP, 20)
    known(HOME, SHOP, 31, time_class="rush")
    ways = travel()

    assert ways.minutes(HOME, SHOP) == 33
    assert ways.minutes(HOME, HOME) == 0
    assert not ways.degraded


def test_an_unknown_way_is_guessed_and_marked_and_others_stay_known(by_road) -> None:
    known(SHOP, HOME, 20)
    known(HOME, YARD, None)  # there is no way by road
    ways, guess = travel(), Travel()

    assert ways.minutes(HOME, SHOP) == guess.minutes(HOME, SHOP)
    assert ways.degraded
    assert ways.minutes(SHOP, HOME) == 22
    assert ways.minutes(HOME, YARD) == guess.minutes(HOME, YARD)


def test_all_ways_of_a_wish_take_one_question(by_road, django_assert_num_queries):
    places = [(n, n) for n in range(20)]
    for place in places:
        known(HOME, place, 5)
        known(place, HOME, 6)
    ways = travel()

    with django_assert_num_queries(1):
        there = [ways.minutes(HOME, place) for place in places]
        back = [ways.minutes(place, HOME) for place in places]

    assert (set(there), set(back)) == ({7}, {8})


def test_nobody_calls_the_vendor_while_somebody_waits(
    by_road, vendor, connection
) -> None:
    travel().minutes(HOME, SHOP)

    assert vendor.heard == []


def test_what_is_wanted_is_told_a_moment_later(by_road, monkeypatch) -> None:
    monkeypatch.setattr(wanted, "_flushes_at", 0.0)
    monkeypatch.setattr(wanted, "_AFTER_SECONDS", 0.01)

    travel().minutes(HOME, SHOP)

    latest = time.monotonic() + 10
    while not (found := wanted.take(10)) and time.monotonic() < latest:
        time.sleep(0.01)
    assert found == [(HOME, SHOP)]


def test_a_way_that_was_wanted_is_fetched_afterwards(
    by_road, vendor, connection
) -> None:
    vendor.replies = [Reply(json=[element(0, 0, 1200)])]
    travel().minutes(HOME, SHOP)
    wanted.flush()

    assert fetch_ways(now=NOW) == 1

    assert travel().minutes(HOME, SHOP) == 22
    assert fetch_ways(now=NOW) == 0
    assert len(vendor.heard) == 1


def test_what_they_cannot_tell_now_is_wanted_again(by_road, vendor, connection) -> None:
    vendor.replies = [Reply(status=503)]
    wanted.put([(HOME, SHOP)])

    assert fetch_ways(now=NOW) == 0

    assert wanted.take(10) == [(HOME, SHOP)]


def test_a_refused_key_waits_for_a_person(by_road, vendor, connection) -> None:
    vendor.replies = [Reply(status=403, json={"error": {"message": "no"}})]
    wanted.put([(HOME, SHOP)])

    fetch_ways(now=NOW)

    connection.refresh_from_db()
    assert connection.state == ConnectionState.NEEDS_ATTENTION
    assert fetch_ways(now=NOW) == 0
    assert len(vendor.heard) == 1


def test_a_way_that_was_fetched_meanwhile_is_not_paid_twice(
    by_road, vendor, connection
) -> None:
    known(HOME, SHOP, 20)
    wanted.put([(HOME, SHOP)])

    assert fetch_ways(now=NOW) == 0
    assert vendor.heard == []


def all_ways(seconds: int) -> Any:
    """Return what answers each question with so long a way."""

    def reply(heard: Heard) -> Reply:
        sent = json.loads(heard.body)
        ends = range(len(sent["origins"])), range(len(sent["destinations"]))
        return Reply(json=[element(o, d, seconds) for o in ends[0] for d in ends[1]])

    return reply


def offered(api: Any, company: Company) -> tuple[bool, int]:
    """Return whether tomorrow's list is guessed, and how many slots it has."""
    query = {
        "service": company.service.code,
        "postal_code": "85004",
        "from": TOMORROW.isoformat(),
        "days": 1,
    }
    answer = api.get("/api/v1/availability", query).json()
    return answer["degraded"], len(answer["slots"])


def test_slots_are_guessed_first_and_keep_clear_of_true_ways_after(
    by_road, vendor, connection, api, time_machine
) -> None:
    time_machine.move_to(NOW)
    company = make_company()
    place_of_visit = make_property(
        postal_code="85004", latitude=33.45, longitude=-112.07
    )
    company.property = place_of_visit
    book(company, hour=12)
    vendor.otherwise = all_ways(90 * 60)

    is_guessed, guessed = offered(api, company)
    assert (is_guessed, vendor.heard) == (True, [])
    wanted.flush()
    fetch_ways(now=NOW)
    is_guessed, true = offered(api, company)

    assert not is_guessed
    assert 0 < true < guessed  # an hour and a half on either side


def test_a_booking_waits_for_nobody(by_road, vendor, connection, time_machine) -> None:
    time_machine.move_to(NOW)
    company = make_company()
    company.property = make_property(
        postal_code="85004", latitude=33.45, longitude=-112.07
    )
    vendor.otherwise = all_ways(600)

    book(company, hour=8)
    company.property = make_property(
        postal_code="85004", latitude=33.46, longitude=-112.08
    )
    book(company, hour=14)

    assert vendor.heard == []


def test_without_redis_ways_are_guessed(by_road, monkeypatch) -> None:
    def away() -> Any:
        raise OSError("gone")

    monkeypatch.setattr(wanted, "_client", away)

    assert travel().minutes(HOME, SHOP) == Travel().minutes(HOME, SHOP)
    wanted.flush()
    assert wanted.take(1) == []


def test_ways_are_kept_as_long_as_the_terms_allow(settings) -> None:
    known(HOME, SHOP, 20)
    known(SHOP, HOME, 20, fetched_at=NOW - timedelta(days=31))

    assert stale_ways(NOW).count() == 1
    settings.MAPS_CACHE_DAYS = 0
    assert stale_ways(NOW).count() == 0


def test_a_stale_way_is_not_known(by_road) -> None:
    known(HOME, SHOP, 20, fetched_at=NOW - timedelta(days=1000))

    ways = RoadTravel()
    with pytest.raises(Exception, match="not known"):
        ways.minutes(HOME, SHOP)


# --- The house: addresses -----------------------------------------------------

ELM = PropertyForm(line1="1 Elm St", postal_code="85004")


def listed(form: PropertyForm = ELM) -> Property:
    return add_property(
        customer_id=make_customer().pk, form=form, actor=SYSTEM, now=NOW
    )


def test_a_listed_address_is_located_afterwards(vendor, connection) -> None:
    vendor.replies = [found(match())]
    address = listed()
    assert vendor.heard == []

    drain(now=NOW)

    address.refresh_from_db()
    assert (address.latitude, address.longitude) == (33.45, -112.07)
    assert not address.is_location_estimated
    assert address.located_by == "google_maps"
    assert address.located_at is not None
    assert query(vendor.heard[0])["address"] == "1 Elm St, Phoenix, AZ 85004"
    assert Event.objects.filter(name="customer.property_located").count() == 1


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (found(match("APPROXIMATE")), "No exact match (approximate)."),
        (found(match(partial_match=True)), "Only a part of the address matches."),
        (found(status="ZERO_RESULTS"), "The map knows no such address."),
    ],
)
def test_a_vague_place_is_flagged_and_not_stored(
    vendor, connection, reply, problem
) -> None:
    vendor.replies = [reply]
    address = listed()
    before = (address.latitude, address.longitude)

    drain(now=NOW)

    address.refresh_from_db()
    assert address.location_problem == problem
    assert (address.latitude, address.longitude) == before
    assert address.is_location_estimated


def test_coordinates_that_somebody_gave_stay(vendor, connection) -> None:
    given = PropertyForm(
        line1="1 Elm St", postal_code="85004", latitude=33.1, longitude=-112.1
    )
    address = listed(given)

    drain(now=NOW)

    address.refresh_from_db()
    assert (address.latitude, address.located_by) == (33.1, "")
    assert vendor.heard == []


def test_without_a_map_nobody_is_asked(db) -> None:
    listed()

    drain(now=NOW)

    assert not OutboxMessage.objects.filter(kind="geocode").exists()


def test_an_address_waits_while_the_connection_does(vendor, connection) -> None:
    connection.state = ConnectionState.PAUSED
    connection.save()
    listed()

    drain(now=NOW)

    message = OutboxMessage.objects.get(kind="geocode")
    assert message.status == OutboxStatus.PARKED
    assert vendor.heard == []


def test_old_coordinates_are_let_go_of(connection, settings) -> None:
    old = make_property(
        latitude=33.45,
        longitude=-112.07,
        located_by="google_maps",
        located_at=NOW - timedelta(days=31),
    )
    fresh = make_property(
        latitude=33.45, longitude=-112.07, located_by="google_maps", located_at=NOW
    )

    assert refresh_locations(now=NOW) == 1

    old.refresh_from_db()
    fresh.refresh_from_db()
    assert (old.is_location_estimated, old.located_by) == (True, "")
    assert fresh.located_by == "google_maps"
    assert not OutboxMessage.objects.filter(kind="geocode").exists()
    settings.MAPS_CACHE_DAYS = 0
    assert refresh_locations(now=NOW + timedelta(days=99)) == 0


def test_the_set_of_wanted_ways_survives_no_flush_of_redis_and_needs_none(db) -> None:
    wanted.put([(HOME, SHOP)])
    caches["default"].clear()

    assert wanted.take(10) == []
