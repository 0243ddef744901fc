"""Vendors that keep no things of ours: they are asked, and they call back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.connectors.port import Caller, Known, MappedField
from integrations.rules.things import Page, Remote, Thing


class AskedOnly:
    """What a connector to such a vendor has in common: its key is never renewed.

    With no `kinds` and no `feeds` nobody has cause to tell it of anything, or to poll.
    """

    kinds: frozenset[str] = frozenset()
    feeds: tuple[str, ...] = ()
    poll_every = timedelta(days=1)
    mapping: tuple[MappedField, ...] = ()
    finds_first: frozenset[str] = frozenset()

    def forget_token(self, call: Caller) -> None:
        """Do nothing: a key is not renewed."""

    def find(self, call: Caller, thing: Thing, known: Known) -> Remote | None:
        raise _NothingOfOurs

    def create(
        self, call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
    ) -> Remote:
        raise _NothingOfOurs

    def update(
        self,
        call: Caller,
        thing: Thing,
        known: Known,
        body: Mapping[str, Any],
        changed: frozenset[str],
    ) -> Remote | None:
        raise _NothingOfOurs

    def poll(self, call: Caller, feed: str, cursor: str) -> Page:
        raise _NothingOfOurs


_NothingOfOurs = NotImplementedError("That vendor keeps no things of ours.")
