"""Times in words, and which phones can read."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appointments.rules.states import Status
from notifications.rules.recipients import can_text
from notifications.rules.relevance import Kind, reason_for_silence
from notifications.rules.wording import arrival_text

PHOENIX, NEW_YORK, SAO_PAULO = map(
    ZoneInfo, ("America/Phoenix", "America/New_York", "America/Sao_Paulo")
)


@pytest.mark.parametrize(
    ("zone", "starts_at", "minutes", "text"),
    [
        (PHOENIX, (2027, 3, 2, 8), 120,
         "Tuesday, March 2, between 8:00 and 10:00 AM MST"),
        (PHOENIX, (2027, 3, 2, 11), 120,
         "Tuesday, March 2, between 11:00 AM and 1:00 PM MST"),
        (PHOENIX, (2027, 3, 2, 12, 30), 1, "Tuesday, March 2, at 12:30 PM MST"),
        (PHOENIX, (2027, 3, 2, 0), 1, "Tuesday, March 2, at 12:00 AM MST"),
        (PHOENIX, (2027, 3, 2, 22), 120,
         "Tuesday, March 2, between 10:00 PM and 12:00 AM MST"),
        (PHOENIX, (2027, 3, 2, 23), 120,
         "Tuesday, March 2, between 11:00 PM and 1:00 AM on Wednesday, March 3 MST"),
        (NEW_YORK, (2027, 7, 6, 14), 240,
         "Tuesday, July 6, between 2:00 and 6:00 PM EDT"),
        (SAO_PAULO, (2027, 3, 2, 8), 120,
         "Tuesday, March 2, between 8:00 and 10:00 AM UTC-03"),
    ],
)  # fmt: skip
def test_a_promise_in_words(zone, starts_at, minutes, text) -> None:
    begin = datetime(*starts_at).replace(tzinfo=zone)  # noqa: DTZ001  # it has now

    assert arrival_text(begin, begin + timedelta(minutes=minutes)) == text


def test_on_the_night_when_the_clock_moves_both_zones_are_named() -> None:
    begin = datetime(2027, 11, 7, 0, 30, tzinfo=NEW_YORK)
    end = datetime(2027, 11, 7, 2, 30, tzinfo=NEW_YORK)

    text = arrival_text(begin, end)

    assert text == "Sunday, November 7, between 12:30 AM EDT and 2:30 AM EST"


@pytest.mark.parametrize(
    ("phone", "reads"),
    [
        ("+16025550142", True),  # in North America nobody can tell
        ("+447911123456", True),
        ("+442071838750", False),  # a London landline
        ("+4930123456", False),  # a Berlin landline
        ("+18005550142", False),  # toll free
        ("+1", False),
        ("", False),
    ],
)
def test_which_phones_can_read(phone, reads) -> None:
    assert can_text(phone) is reads


BEFORE = {Status.SCHEDULED, Status.DISPATCHED, Status.EN_ROUTE}
TRUE_WHILE = {
    Kind.REQUEST: {Status.REQUESTED},
    Kind.REFUSAL: {Status.CANCELLED},
    Kind.CONFIRMATION: BEFORE,
    Kind.NEW_TIME: BEFORE,
    Kind.CANCELLATION: {Status.CANCELLED},
    Kind.ON_THE_WAY: {Status.EN_ROUTE},
    Kind.THANKS: {Status.COMPLETED},
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("status", Status)
def test_what_is_still_true(kind, status) -> None:
    silence = reason_for_silence(kind=kind, status=status, moved_since=False)

    assert (silence == "") == (status in TRUE_WHILE[kind])


@pytest.mark.parametrize("kind", set(Kind) - {Kind.CANCELLATION, Kind.REFUSAL})
def test_a_moved_visit_is_not_told_of_at_its_old_time(kind) -> None:
    status = min(TRUE_WHILE[kind])

    assert reason_for_silence(kind=kind, status=status, moved_since=True)
