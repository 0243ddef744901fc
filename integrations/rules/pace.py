"""How fast a vendor may be called: below its limit, and gently after an outage."""

from dataclasses import dataclass

# So much of a second's calls may come at once. We call at 80 % of a vendor's limit, as
# others may use the same account; with the burst, a second sees the limit at most.
BURST_SECONDS = 0.25
# Twice of what was normal at most, however one counts.
RECOVERY_FACTOR = 1.9
SLOWEST_RECOVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Calls per second, and how many of them may come at once."""

    rate: float
    burst: float = 1.0

    @property
    def interval(self) -> float:
        return 1 / self.rate

    @property
    def tolerance(self) -> float:
        """Seconds by which a call may come before its turn."""
        return (self.burst - 1) * self.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a call may be made. One that is not granted has taken nothing."""

    granted: bool
    wait: float
    booked_until: float


def pace(*, rate: float) -> Pace:
    """Return the pace of `rate` calls per second, a few of them at once."""
    return Pace(rate=rate, burst=max(1.0, rate * BURST_SECONDS))


def recovery_pace(usual: Pace, *, normal_rate: float) -> Pace:
    """Return the pace after an outage: not quite twice the normal, evenly spread.

    Where next to nothing was normal, a tenth of what is allowed will do.
    """
    rate = max(RECOVERY_FACTOR * normal_rate, usual.rate / 10, SLOWEST_RECOVERY)
    return Pace(rate=min(rate, usual.rate))


def take(pace: Pace, *, booked_until: float, now: float, patience: float) -> Turn:
    """Book the next free turn if it comes within `patience` seconds (GCRA).

    `booked_until` is when all the turns that were given out will be over.
    """
    wait = max(0.0, booked_until - pace.tolerance - now)
    if wait > patience:
        return Turn(granted=False, wait=wait, booked_until=booked_until)
    return Turn(
        granted=True,
        wait=wait,
        booked_until=max(now, booked_until) + pace.interval,
    )
