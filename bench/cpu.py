"""How much processor time a tree of processes has used."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted from the one after the program's name.
_PARENT = 1
_TIMES = slice(11, 15)  # user, system, and both of children that were waited for


@dataclass(frozen=True, kw_only=True)
class _Process:
    parent: int
    ticks: int


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
    return sum(processes[pid].ticks for pid in tree if pid in processes) / _TICKS


def _all() -> dict[int, _Process]:
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:  # it ended while we looked
            continue
        fields = text.rpartition(")")[2].split()
        found[int(folder.name)] = _Process(
            parent=int(fields[_PARENT]), ticks=sum(map(int, fields[_TIMES]))
        )
    return found
