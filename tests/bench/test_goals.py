"""A goal is a ratio, with slack only where a run is quick."""

from typing import Any

import pytest

from bench.goals import GOALS, Goal, verdicts


def results(**times_bare: float) -> dict[str, Any]:
    return {"scenarios": {"list": {"times_bare": times_bare, "statements": 1}}}


def verdict_of(code: str, found: dict[str, Any], *, is_quick: bool) -> Any:
    stand = {each["code"]: each for each in verdicts(found, is_quick=is_quick)}
    return stand[code]["passed"]


def test_what_was_not_measured_has_no_verdict() -> None:
    codes = {each["code"] for each in verdicts(results(ours=1.0), is_quick=False)}

    assert codes == {"G1", "G16 list"}


@pytest.mark.parametrize(
    ("value", "is_quick", "passed"),
    [(1.7, False, True), (1.71, False, False), (1.71, True, True), (2.0, True, False)],
)
def test_a_quick_run_has_slack(*, value: float, is_quick: bool, passed: bool) -> None:
    assert verdict_of("G1", results(ours=value), is_quick=is_quick) is passed


def test_a_count_has_no_slack() -> None:
    found = results(ours=1.0)
    found["scenarios"]["list"]["statements"] = 1.1

    assert verdict_of("G16 list", found, is_quick=True) is False


def test_some_goals_are_to_be_exceeded() -> None:
    goal = Goal(
        code="G", what="", gate=2, at_least=True, measured=lambda found: found["x"]
    )

    assert goal.verdict({"x": 2.5}, is_quick=False)["passed"] is True  # type: ignore[index]
    assert goal.verdict({"x": 1.5}, is_quick=True)["passed"] is False  # type: ignore[index]


def test_goals_have_names_of_their_own() -> None:
    assert len({goal.code for goal in GOALS}) == len(GOALS)
