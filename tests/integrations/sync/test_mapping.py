"""The mapping of a connection is data, and says clearly what it lacks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.rules.mapping import (
    NotMapped,
    Rule,
    body_of,
    knowing,
    taken_in,
    told,
)

SERVICE = Rule(
    kind="appointment", field="service", remote="jobTypeId", choices={"tune-up": 317}
)
STATUS = Rule(
    kind="appointment",
    field="status",
    remote="status",
    choices={"scheduled": "Scheduled", "on_site": None},
)
STREET = Rule(kind="customer", field="line1", remote="address.street")
CREW = knowing(
    Rule(kind="appointment", field="technicians", remote="appointment.technicianIds"),
    {"anna": "11", "bert": "12"},
)


def test_fields_stand_at_their_paths_in_the_vendors_words():
    body = body_of(
        [SERVICE, STREET, CREW],
        {"service": "tune-up", "line1": "1 Main St", "technicians": ["anna", "bert"]},
    )

    assert body == {
        "jobTypeId": 317,
        "address": {"street": "1 Main St"},
        "appointment": {"technicianIds": ["11", "12"]},
    }


def test_a_missing_choice_names_the_mapping():
    with pytest.raises(NotMapped, match=r"appointment\.service -> jobTypeId.*'repair'"):
        body_of([SERVICE], {"service": "repair"})


def test_a_star_stands_for_all_others():
    rule = Rule(
        kind="lead", field="service", remote="jobTypeId", choices={"a": 1, "*": 9}
    )

    assert body_of([rule], {"service": "z"}) == {"jobTypeId": 9}
    assert rule.ours(1) == "a"


def test_a_technician_without_a_counterpart_is_never_told_by_our_own_id():
    nobody_known = knowing(
        Rule(kind="appointment", field="technicians", remote="crew"), {}
    )

    with pytest.raises(NotMapped):
        body_of([nobody_known], {"technicians": ["anna"]})
    assert body_of([nobody_known], {"technicians": []}) == {"crew": []}


def test_a_value_that_they_have_no_word_for_is_not_told():
    assert told([STATUS], {"status": "on_site"}) == {}
    assert body_of([STATUS], {"status": "on_site"}) == {}
    assert told([STATUS], {"status": "scheduled"}) == {"status": "scheduled"}


def test_what_only_comes_in_is_not_told():
    rule = Rule(kind="lead", field="status", remote="status", goes_out=False)

    assert told([rule], {"status": "new"}) == {}


def test_what_they_say_is_read_by_our_name_or_at_their_path():
    found, unread = taken_in(
        [SERVICE, STREET, CREW],
        {"jobTypeId": 317, "address": {"street": "2 Main St"}, "technicians": ["12"]},
    )

    assert found == {
        "service": "tune-up",
        "line1": "2 Main St",
        "technicians": ["bert"],
    }
    assert unread == []


def test_what_a_connector_has_translated_already_stays():
    assert taken_in([STATUS], {"status": "on_site"}) == ({"status": "on_site"}, [])


def test_somebody_whom_nobody_knows_is_named():
    found, (unread,) = taken_in([CREW], {"technicians": ["12", "99"]})

    assert found == {}
    assert (unread.field, unread.value) == ("technicians", ["12", "99"])
    assert "'99'" in unread.why


@given(
    choices=st.dictionaries(
        st.text(min_size=1, max_size=3), st.integers(1, 999), min_size=1
    )
)
def test_there_and_back_is_the_same_where_no_two_share_a_word(choices):
    rule = Rule(kind="k", field="f", remote="r", choices=choices)

    for ours, theirs in choices.items():
        is_told_apart = list(choices.values()).count(theirs) == 1
        if is_told_apart and str(theirs) not in choices and ours != "*":
            assert rule.ours(rule.theirs(ours)) == ours
