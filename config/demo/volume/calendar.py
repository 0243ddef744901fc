"""Who works when, and how many visits each day of each technician holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from config.demo.data import growth
from config.demo.data.growth import Volume
from config.demo.dice import Dice

QUARTER = 15  # minutes; work starts on quarter hours
_DAY = (growth.DAY_ENDS - growth.DAY_STARTS) // QUARTER
_BREAK = (
    (growth.BREAK_STARTS - growth.DAY_STARTS) // QUARTER,
    (growth.BREAK_ENDS - growth.DAY_STARTS) // QUARTER,
)
# The two halves of a working day, in quarter hours from its start.
HALVES = (range(_BREAK[0]), range(_BREAK[1], _DAY))
_CANCELLED_SHARE = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A service as the packing of a day sees it: how many quarters it takes."""

    code: str
    quarters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A technician's place in the calendar: what is asked of him, and days off."""

    technician_id: UUID
    tasks: Mapping[Task, float]
    days_off: frozenset[date]


@dataclass(frozen=True, slots=True)
class Slot:
    """A visit within a day: its task and its first quarter."""

    task: Task
    quarter: int
    is_cancelled: bool


class Calendar:
    """Shares the volume's visits out among days and technicians, exactly."""

    def __init__(self, *, volume: Volume, today: date, posts: Sequence[Post]) -> None:
        self._volume = volume
        self._today = today
        self._weights = {day: self._fill_on(day) for day in self.days()}
        self._visits = volume.visits
        self._given = 0
        self._passed = 0.0
        self._total = float(
            sum(
                weight
                for day, weight in self._weights.items()
                for post in posts
                if day not in post.days_off
            )
        )

    def days(self) -> Iterator[date]:
        for offset in range(-self._volume.days_back, self._volume.days_ahead + 1):
            yield self._today + timedelta(days=offset)

    def quota(self, post: Post, day: date) -> int:
        """Return how many visits that day takes; each day is asked for once."""
        if day in post.days_off:
            return 0
        self._passed += self._weights[day]
        due = round(self._visits * self._passed / self._total)
        share, self._given = due - self._given, due
        return share

    def _fill_on(self, day: date) -> float:
        ahead = (day - self._today).days
        if ahead < 0:
            return growth.PAST_FILL
        way = ahead / max(self._volume.days_ahead, 1)
        return growth.TODAY_FILL + way * (growth.LAST_FILL - growth.TODAY_FILL)


def pack_day(post: Post, count: int, *, dice: Dice) -> list[Slot]:
    """Return `count` visits of a day; those that hold time do not overlap.

    What finds no room was cancelled: it holds none.
    """
    drawn = dice.choices(list(post.tasks), weights=list(post.tasks.values()), k=count)
    cancelled = [task for task in drawn if dice.random() < _CANCELLED_SHARE]
    kept = list(drawn)
    for task in cancelled:
        kept.remove(task)
    slots: list[Slot] = []
    for half in HALVES:
        fitting, kept = _fitting(kept, len(half))
        slots += _spread(fitting, half, dice)
    for task in [*cancelled, *kept]:
        half = dice.choice(HALVES)
        quarter = half.start + dice.randrange(len(half) - task.quarters + 1)
        slots.append(Slot(task, quarter, is_cancelled=True))
    return slots


def _fitting(tasks: list[Task], room: int) -> tuple[list[Task], list[Task]]:
    """Return the first tasks that fit into so many quarters, and the others."""
    for number, task in enumerate(tasks):
        if task.quarters > room:
            return tasks[:number], tasks[number:]
        room -= task.quarters
    return tasks, []


def _spread(tasks: list[Task], half: range, dice: Dice) -> Iterator[Slot]:
    """Yield the tasks one after the other, the free time scattered between them."""
    slack = len(half) - sum(task.quarters for task in tasks)
    gaps = sorted(dice.randrange(slack + 1) for _ in tasks)
    quarter = half.start
    for task, gap in zip(tasks, gaps, strict=True):
        yield Slot(task, quarter + gap, is_cancelled=False)
        quarter += task.quarters
