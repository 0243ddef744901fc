"""How much processor time a tree of processes has used."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted from the one after the program's name.
_PARENT = 1
_OWN = slice(11, 13)  # user and system
_CHILDREN = slice(13, 15)  # the same of those who ended and were waited for


@dataclass(frozen=True, kw_only=True)
class _Process:
    parent: int
    seconds: float


def seconds_of_tree(root: int) -> float:
    """Return the user and system time of a process and all below it.

    Those who ended count as well, by the parent that waited for them.
    """
    processes = _all()
    tree = {root}
    found = True
    while found:
        found = False
        for pid, process in processes.items():
            if pid not in tree and process.parent in tree:
                tree.add(pid)
                found = True
    return sum(processes[pid].seconds for pid in tree if pid in processes)


def _all() -> dict[int, _Process]:
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
            fields = text.rpartition(")")[2].split()
            own = _nanoseconds(folder) / 1e9 or _sum(fields[_OWN]) / _TICKS
        except OSError:  # it ended while we looked
            continue
        found[int(folder.name)] = _Process(
            parent=int(fields[_PARENT]),
            seconds=own + _sum(fields[_CHILDREN]) / _TICKS,
        )
    return found


def _nanoseconds(folder: Path) -> int:
    """Return the time of all threads by the scheduler, which knows it exactly.

    The other clock ticks a hundred times a second: too coarse for short windows. A
    kernel without this one says 0.
    """
    return sum(
        int((thread / "schedstat").read_text().split()[0])
        for thread in (folder / "task").iterdir()
        if (thread / "schedstat").exists()
    )


def _sum(fields: list[str]) -> int:
    return sum(map(int, fields))
