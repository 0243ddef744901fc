"""Two sides of one thing are merged field by field, and nothing is lost in silence."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.rules.merging import decided, is_older, merge
from tests.factories import NOW

BOTH = {"time": "ours", "name": "theirs"}


def merged(agreed, ours, theirs, winners=BOTH):
    return merge(agreed=agreed, ours=ours, theirs=theirs, winners=winners)


def test_what_only_they_changed_becomes_ours():
    found = merged({"time": 9}, {"time": 9}, {"time": 10})

    assert (found.to_apply, found.agreed, found.clashes) == (
        {"time": 10},
        {"time": 10},
        (),
    )


def test_what_only_we_changed_stands_and_they_are_told():
    found = merged({"time": 9}, {"time": 11}, {"time": 9})

    assert (found.to_apply, found.to_tell, found.agreed) == (
        {},
        frozenset({"time"}),
        {"time": 9},
    )


def test_the_same_change_on_both_sides_is_no_conflict():
    found = merged({"time": 9}, {"time": 10}, {"time": 10})

    assert found.says_nothing_new
    assert found.agreed == {"time": 10}


def test_an_echo_says_nothing_new():
    assert merged({"time": 9}, {"time": 9}, {"time": 9}).says_nothing_new


@pytest.mark.parametrize(
    ("field", "kept", "applied"),
    [("time", "ours", {}), ("name", "theirs", {"name": 3})],
)
def test_where_both_changed_the_policy_decides_and_the_loser_is_kept(
    field, kept, applied
):
    found = merged({field: 1}, {field: 2}, {field: 3})

    (clash,) = found.clashes
    assert (clash.agreed, clash.ours, clash.theirs, clash.kept) == (1, 2, 3, kept)
    assert found.to_apply == applied


def test_where_nothing_was_agreed_yet_a_difference_is_a_clash():
    (clash,) = merged({}, {"time": 2}, {"time": 3}).clashes

    assert (clash.agreed, clash.kept) == (None, "ours")


def test_a_blank_that_was_never_agreed_on_wipes_nothing_out():
    ours_is_blank = merged({}, {"time": ""}, {"time": "nine"})
    theirs_is_blank = merged({}, {"time": "nine"}, {"time": ""})

    assert (ours_is_blank.to_apply, ours_is_blank.clashes) == ({"time": "nine"}, ())
    assert theirs_is_blank.to_tell == frozenset({"time"})
    assert (theirs_is_blank.to_apply, theirs_is_blank.clashes) == ({}, ())


def test_what_does_not_come_in_is_left_alone():
    found = merged({"time": 9}, {"time": 9, "price": 5}, {"price": 7})

    assert found.says_nothing_new
    assert found.agreed == {"time": 9}


def test_what_they_do_not_say_stays_as_it_is():
    assert merged({"time": 9}, {"time": 11}, {}).agreed == {"time": 9}


@pytest.mark.parametrize(
    ("theirs_at", "ours_at", "winner"),
    [
        (NOW, NOW - timedelta(seconds=1), "theirs"),
        (NOW, NOW, "theirs"),
        (NOW - timedelta(seconds=1), NOW, "ours"),
        (None, NOW, "ours"),
        (NOW, None, "theirs"),
    ],
)
def test_the_newest_wins_by_when_each_side_wrote_it(theirs_at, ours_at, winner):
    assert decided("newest", theirs_at=theirs_at, ours_at=ours_at) == winner


@pytest.mark.parametrize(
    ("version", "known", "older"),
    [
        ("2027-03-01T15:00:00.000000Z", "2027-03-01T15:00:00.000001Z", True),
        ("9", "10", True),
        ("10", "9", False),
        ("10", "10", False),
        ("", "10", False),
        ("10", "", False),
    ],
)
def test_versions_are_ordered_and_the_same_one_is_not_older(version, known, older):
    assert is_older(version, known) is older


# --- Whatever the two sides did -----------------------------------------------

FIELDS = ("a", "b", "c")
values = st.sampled_from([0, 1, 2])
sides = st.dictionaries(st.sampled_from(FIELDS), values)
whole = st.fixed_dictionaries(dict.fromkeys(FIELDS, values))
policies = st.fixed_dictionaries(
    dict.fromkeys(FIELDS, st.sampled_from(["ours", "theirs"]))
)


@given(agreed=sides, ours=whole, theirs=sides, winners=policies)
def test_afterwards_both_sides_are_the_same(agreed, ours, theirs, winners):
    """Apply theirs here, tell them what differs from what is agreed: they agree."""
    found = merged(agreed, ours, theirs, winners)

    ours_after = {**ours, **found.to_apply}
    told = {
        field: value
        for field, value in ours_after.items()
        if found.agreed.get(field) != value
    }
    theirs_after = {**theirs, **told}
    assert all(theirs_after[field] == ours_after[field] for field in theirs)


@given(agreed=sides, ours=whole, theirs=sides, winners=policies)
def test_the_same_words_again_say_nothing_new(agreed, ours, theirs, winners):
    first = merged(agreed, ours, theirs, winners)

    again = merged(first.agreed, {**ours, **first.to_apply}, theirs, winners)

    assert again.says_nothing_new
    assert again.agreed == first.agreed


@given(agreed=sides, ours=whole, theirs=sides, winners=policies)
def test_no_edit_is_lost_without_a_word(agreed, ours, theirs, winners):
    """What a side changed stands, or is the same on both, or is kept as a clash."""
    found = merged(agreed, ours, theirs, winners)
    after = {**ours, **found.to_apply}
    lost = {clash.field: clash for clash in found.clashes}

    for field in theirs:
        base = agreed.get(field)
        for side, edit in (("ours", ours[field]), ("theirs", theirs[field])):
            if edit != base and after[field] != edit:
                assert getattr(lost[field], side) == edit


@given(agreed=sides, ours=whole, theirs=sides, winners=policies)
def test_only_what_they_changed_is_applied(agreed, ours, theirs, winners):
    found = merged(agreed, ours, theirs, winners)

    assert all(agreed.get(field) != value for field, value in found.to_apply.items())
