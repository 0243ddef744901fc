"""`python -m tests.chaos.measures`: three figures, and no other faults.

calm      how long from the commit to the subscriber and to the vendor, at a calm pace
bulkhead  the same to the subscriber, while every call to the vendor hangs for 15 s
outage    the calls to a vendor that is down for 60 s with 300 messages waiting, and the
          pace at which it is called when it is back
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

from config.local.processes import CannotRun, say
from config.local.supervisor import Stopped
from tests.chaos.house import running_house

if TYPE_CHECKING:
    from tests.chaos.scene import Scene

PER_SECOND = 4.0
HANGS = 15.0
DOWN = 60.0
WAITING = 300
_BUCKET = 10


def calm(scene: "Scene", *, seconds: float) -> dict[str, Any]:
    """Let leads come in evenly; measure both ways out."""
    begun = time.time()
    scene.leads(seconds=seconds, per_second=PER_SECOND)
    scene.until_drained(seconds=60)
    return {
        "events": len(scene.heard_since(begun)),
        "to the subscriber": scene.to_listener(since=begun),
        "to the vendor": scene.to_vendor(since=begun),
    }


def bulkhead(scene: "Scene", *, seconds: float) -> dict[str, Any]:
    """The same while the vendor hangs; only the subscriber is looked at."""
    begun = time.time()
    scene.let_hang(seconds=HANGS)
    time.sleep(5)  # until calls hang
    said = time.time()
    scene.leads(seconds=seconds, per_second=PER_SECOND)
    time.sleep(5)
    waiting = scene.waiting_for_vendor()
    figures = {
        "events": len(scene.heard_since(said)),
        "to the subscriber": scene.to_listener(since=said),
        "waiting for the vendor meanwhile": waiting,
    }
    scene.heal()
    scene.until_drained(seconds=240)
    return figures | {"drained after": round(time.time() - begun, 1)}


def outage(scene: "Scene", *, seconds: float) -> dict[str, Any]:
    """Let it be down with much to say, and count the calls before, during and after."""
    scene.leads(seconds=seconds, per_second=PER_SECOND)
    scene.until_drained(seconds=60)
    before = scene.calls()
    down_at = time.time()
    scene.let_down(seconds=DOWN)
    scene.leads_at_once(WAITING)
    scene.let_pass(until=down_at + DOWN)
    during = [moment for moment in scene.calls() if moment >= down_at]
    waiting = scene.waiting_for_vendor()
    scene.until_drained(seconds=600)
    after = [moment for moment in scene.calls() if moment >= down_at + DOWN]
    return {
        "waiting at its end": waiting,
        "calls while it was down": len(during),
        "normal calls per second (liveliest ten seconds)": _liveliest(before),
        "after it (liveliest ten seconds)": _liveliest(after),
        "drained after its end, s": round(time.time() - down_at - DOWN, 1),
    }


def _liveliest(moments: Sequence[float]) -> float:
    buckets = Counter(int(moment) // _BUCKET for moment in moments)
    return max(buckets.values(), default=0) / _BUCKET


def main(words: Sequence[str]) -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.measures")
    parser.add_argument("--only", default="calm,bulkhead,outage")
    parser.add_argument("--seconds", type=float, default=30, help="of each while")
    given = parser.parse_args(words)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        running_house(Path(folder)) as house,
    ):
        os.environ |= house.environment
        django.setup()
        from tests.chaos.scene import Scene  # noqa: PLC0415  # Django must be ready

        with Scene.opened(house) as scene:
            _measure(scene, only=given.only.split(","), seconds=given.seconds)


def _measure(scene: "Scene", *, only: Sequence[str], seconds: float) -> None:
    figures: dict[str, Any] = {"load before": os.getloadavg()[0]}
    for measure in (calm, bulkhead, outage):
        if measure.__name__ in only:
            figures[measure.__name__] = measure(scene, seconds=seconds)
            say(json.dumps(figures, indent=1))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotRun as reason:
        sys.exit(f"The measures cannot be taken: {reason}")
    except Stopped:
        sys.exit(130)
