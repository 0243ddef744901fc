"""Two sides, one thing: whose value of each field stands, and what was lost.

Both sides last agreed on something. A field that only one side has changed since is
that side's. Where both have, and differ, the winner of the mapping decides, and the
loser is kept for a person to look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.rules.things import Fields

OURS, THEIRS, NEWEST = "ours", "theirs", "newest"
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A field that the two sides differ in; `kept` says whose value stands, if any."""

    field: str
    agreed: Any
    ours: Any
    theirs: Any
    kept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What follows from comparing the two sides with what they last agreed on."""

    to_apply: Fields
    """Theirs that become ours."""
    to_tell: frozenset[str]
    """Fields where ours stands, and they do not know."""
    agreed: Fields
    """What both sides agree on as soon as `to_apply` is applied."""
    clashes: tuple[Clash, ...] = ()

    @property
    def says_nothing_new(self) -> bool:
        return not self.to_apply and not self.clashes


def merge(
    *, agreed: Fields, ours: Fields, theirs: Fields, winners: Mapping[str, str]
) -> Merge:
    """Compare what they say with ours, field by field.

    `winners` has the fields that may come in, each with "ours" or "theirs". What they
    do not say stays as it is. Where nothing was agreed on yet, a blank is nobody's
    word: it never wipes out what the other side knows.
    """
    to_apply: dict[str, Any] = {}
    to_tell: set[str] = set()
    clashes: list[Clash] = []
    now_agreed = dict(agreed)
    for field, their in theirs.items():
        own, base = ours.get(field, _ABSENT), agreed.get(field, _ABSENT)
        if base is _ABSENT and "" in (own, their):
            base = ""
        if their == own:
            now_agreed[field] = their
            continue
        if field not in winners:
            continue  # they may say it, and it does not come in
        stands = _stands(base, own, their, winner=winners[field])
        if base not in (own, their):
            clashes.append(_clash(field, base, own, their, kept=stands))
        if stands == THEIRS:
            to_apply[field] = their
        else:
            to_tell.add(field)
        # Once ours is theirs, or they have been told of ours, they agree.
        now_agreed[field] = their
    return Merge(
        to_apply=to_apply,
        to_tell=frozenset(to_tell),
        agreed=now_agreed,
        clashes=tuple(clashes),
    )


def _stands(base: Any, own: Any, their: Any, *, winner: str) -> str:
    """Return whose value of a field stands where the two differ."""
    if their == base:
        return OURS
    if own == base:
        return THEIRS
    return winner


def decided(
    winner: str, *, theirs_at: datetime | None, ours_at: datetime | None
) -> str:
    """Return whose value stands: where the newest does, by when each was written.

    Where they do not say when, ours stands: it is the one that we know to be meant.
    """
    if winner != NEWEST:
        return winner
    if theirs_at is None or (ours_at is not None and theirs_at < ours_at):
        return OURS
    return THEIRS


def is_older(version: str, known: str) -> bool:
    """Tell whether a state of theirs is older than one that we have seen.

    Versions order as text; numbers by their value. Without one, nothing is older.
    """
    if not version or not known:
        return False
    if version.isdecimal() and known.isdecimal():
        return int(version) < int(known)
    return version < known


def _clash(field: str, base: Any, own: Any, their: Any, *, kept: str) -> Clash:
    return Clash(
        field=field,
        agreed=None if base is _ABSENT else base,
        ours=None if own is _ABSENT else own,
        theirs=their,
        kept=kept,
    )
