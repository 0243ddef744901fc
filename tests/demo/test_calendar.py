"""How the volume's visits are shared out among days."""

from datetime import date, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from config.demo.dice import Dice, reference
from config.demo.volume.calendar import HALVES, Calendar, Post, Task, pack_day
from tests.demo.conftest import TINY

TODAY = date(2027, 3, 3)
TASKS = {Task(code=f"task-{n}", quarters=n): 1.0 for n in range(1, 7)}


def _post(*days_off: date) -> Post:
    return Post(technician_id=uuid4(), tasks=TASKS, days_off=frozenset(days_off))


@given(count=st.integers(0, 60), seed=st.integers())
def test_a_packed_day_has_every_visit_and_no_overlap(count, seed):
    slots = pack_day(_post(), count, dice=Dice(seed))

    kept = [slot for slot in slots if not slot.is_cancelled]
    taken = [
        quarter
        for slot in kept
        for quarter in range(slot.quarter, slot.quarter + slot.task.quarters)
    ]
    at_work = {quarter for half in HALVES for quarter in half}
    assert len(slots) == count
    assert len(taken) == len(set(taken))
    assert set(taken) <= at_work


def test_all_visits_are_shared_out_and_none_on_a_day_off():
    off = TODAY - timedelta(days=3)
    posts = [_post(), _post(off)]
    calendar = Calendar(volume=TINY, today=TODAY, posts=posts)

    quotas = {
        (day, number): calendar.quota(post, day)
        for day in calendar.days()
        for number, post in enumerate(posts)
    }

    assert sum(quotas.values()) == TINY.visits
    assert quotas[off, 1] == 0
    assert quotas[TODAY + timedelta(days=TINY.days_ahead), 0] < quotas[TODAY, 0] / 3


def test_references_differ_and_read_well():
    made = [reference("V", number) for number in range(20_000)]

    assert len(set(made)) == len(made)
    assert {len(each) for each in made} == {10}
