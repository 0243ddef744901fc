"""Which field of ours is which of theirs: the mapping of a connection, applied."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as filled
from typing import Any

from integrations.rules.things import Fields

OTHERS = "*"
"""The choice for every value that has none of its own."""
_ABSENT = object()


class NotMapped(ValueError):
    """A value of ours has no counterpart: somebody has to complete the mapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the mapping. `choices` translates values, ours to theirs.

    A value whose choice is None is not told: the vendor has no word for it, or does
    not let us say it. The choice `*` stands for all values that are not listed.
    """

    kind: str
    field: str
    remote: str
    goes_out: bool = True
    comes_in: bool = True
    winner: str = "ours"
    choices: Mapping[str, Any] = filled(default_factory=dict)
    is_closed: bool = False
    """Only what has a choice can be said: ids of ours mean nothing to them."""

    def tells(self, value: Any) -> bool:
        """Tell whether the vendor is told of that value at all."""
        if not self.choices or isinstance(value, list):
            return True
        return self.choices.get(str(value), self.choices.get(OTHERS, "")) is not None

    def theirs(self, value: Any) -> Any:
        """Return our value in their words.

        Raises:
            NotMapped: the choices do not say.
        """
        if isinstance(value, list):
            return [self.theirs(each) for each in value]
        if self._has_no_word_for(value):
            return value
        found = self.choices.get(str(value), self.choices.get(OTHERS, _ABSENT))
        if found is _ABSENT:
            raise NotMapped(
                f"The mapping {self.kind}.{self.field} -> {self.remote} has no choice "
                f"for {value!r}."
            )
        return found

    def ours(self, value: Any) -> Any:
        """Return their value in our words.

        Raises:
            NotMapped: no choice leads to it.
        """
        if isinstance(value, list):
            return sorted(self.ours(each) for each in value)
        if self._has_no_word_for(value) or str(value) in self.choices:
            return value
        for own, their in sorted(self.choices.items()):
            if own != OTHERS and their is not None and str(their) == str(value):
                return own
        raise NotMapped(
            f"No choice of the mapping {self.kind}.{self.field} leads to {value!r}."
        )

    def _has_no_word_for(self, value: Any) -> bool:
        """Tell whether a value is the same on both sides."""
        return value in {None, ""} or not (self.choices or self.is_closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something that they said and that means nothing here."""

    field: str
    value: Any
    why: str


def told(rules: Iterable[Rule], fields: Fields) -> dict[str, Any]:
    """Return the fields that a vendor is told of, in our words."""
    return {
        rule.field: fields[rule.field]
        for rule in rules
        if rule.goes_out and rule.field in fields and rule.tells(fields[rule.field])
    }


def body_of(rules: Iterable[Rule], fields: Fields) -> dict[str, Any]:
    """Return the fields at their mapped paths, in the vendor's words.

    Raises:
        NotMapped: names the first row that does not say.
    """
    body: dict[str, Any] = {}
    for rule in rules:
        if rule.goes_out and rule.field in fields and rule.tells(fields[rule.field]):
            _put(body, rule.remote.split("."), rule.theirs(fields[rule.field]))
    return body


def taken_in(
    rules: Iterable[Rule], fields: Fields
) -> tuple[dict[str, Any], list[Unread]]:
    """Return what a vendor's object says in our words, and what could not be read.

    A connector gives fields by our names; what it left at the vendor's path is found
    there. What was not said is left out.
    """
    found: dict[str, Any] = {}
    unread: list[Unread] = []
    for rule in rules:
        value = fields.get(rule.field, _ABSENT)
        if value is _ABSENT:
            value = _at(fields, rule.remote.split("."))
        if value is _ABSENT:
            continue
        try:
            found[rule.field] = rule.ours(value)
        except NotMapped as refusal:
            if rule.comes_in:
                unread.append(Unread(field=rule.field, value=value, why=str(refusal)))
    return found, unread


def knowing(rule: Rule, choices: Mapping[str, Any]) -> Rule:
    """Return the rule with more choices; its own count for more. It knows no others."""
    return replace(rule, choices={**choices, **rule.choices}, is_closed=True)


def _put(body: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = copy.deepcopy(value)


def _at(fields: Fields, path: list[str]) -> Any:
    found: Any = fields
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return _ABSENT
        found = found[name]
    return found
