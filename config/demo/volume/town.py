"""A branch as the volume's visits see it: its clock, customers and crew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from appointments.models import Service
from config.demo.company import Branch
from config.demo.data import growth
from config.demo.volume.calendar import QUARTER, Post, Task
from config.demo.volume.crowd import Regular
from core.walltime import recurring_instant

_STARTS = time(growth.DAY_STARTS // 60)
_OPENS = time(growth.OPENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A service with the lengths that a row needs, worked out once."""

    service: Service
    task: Task
    work: timedelta
    before: timedelta
    after: timedelta
    window: timedelta
    notice: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """What is behind a branch's visits."""

    branch: Branch
    regulars: Sequence[Regular]
    posts: Sequence[Post]

    def day_starts(self, day: date) -> datetime:
        """Return the instant at which work begins there on a local day."""
        return recurring_instant(day, _STARTS, zone=self.branch.location.time_zone)


def job_of(service: Service) -> Job:
    """Return the service as the volume sells it."""
    minute = timedelta(minutes=1)
    taken = (
        service.buffer_before_minutes
        + service.duration_minutes
        + service.buffer_after_minutes
    )
    return Job(
        service=service,
        task=Task(code=service.code, quarters=-(-taken // QUARTER)),
        work=service.duration_minutes * minute,
        before=service.buffer_before_minutes * minute,
        after=service.buffer_after_minutes * minute,
        window=service.window_minutes * minute,
        notice=service.notice_minutes * minute,
    )
