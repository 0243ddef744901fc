"""Stripe's lists and searches, the newest first, and what is shown in full."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from integrations.sandbox.stripe import forms
from integrations.sandbox.stripe.checkout import shown
from integrations.sandbox.stripe.errors import StripeError
from integrations.sandbox.stripe.ledger import Ledger, Thing

MOST, USUAL = 100, 10
_RANGE = {"gt", "gte", "lt", "lte"}
_CLAUSE = re.compile(
    r"""(?:metadata\[(?P<q>["'])(?P<key>.+?)(?P=q)\]|(?P<field>\w+))"""
    r"""\s*[:=]\s*["']?(?P<value>[^"']*)["']?"""
)


def listed(
    things: Sequence[Thing],
    params: Mapping[str, Any],
    *,
    filters: Sequence[str],
    url: str,
) -> dict[str, Any]:
    """Return one page of a list; `filters` are the members that may be asked for."""
    known = {*filters, "limit", "starting_after", "ending_before", "created", "expand"}
    for name in params:
        if name not in known:
            raise StripeError(
                f"Received unknown parameter: {name}",
                code="parameter_unknown",
                param=name,
            )
    found = [each for each in reversed(things) if _fits(each, params, filters)]
    limit = forms.positive("limit", params.get("limit", str(USUAL)))
    if limit > MOST:
        raise StripeError(f"limit is at most {MOST}.", param="limit")
    page, has_more = _page(found, params, limit)
    return {"object": "list", "url": url, "has_more": has_more, "data": page}


def _fits(thing: Thing, params: Mapping[str, Any], filters: Sequence[str]) -> bool:
    for name in set(filters) & params.keys():
        wanted = params[name]
        if name == "types":
            if thing["type"] not in wanted:
                return False
        elif thing.get(name) != wanted:
            return False
    return _was_created(thing["created"], params.get("created", {}))


def _was_created(created: int, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return created == forms.whole("created", wanted)
    if wanted.keys() - _RANGE:
        raise StripeError("Invalid range", param="created")
    bounds = {name: forms.whole("created", each) for name, each in wanted.items()}
    return bounds.get("gt", created - 1) < created < bounds.get(
        "lt", created + 1
    ) and bounds.get("gte", created) <= created <= bounds.get("lte", created)


def _page(
    found: list[Thing], params: Mapping[str, Any], limit: int
) -> tuple[list[Thing], bool]:
    ids = [each["id"] for each in found]
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in ids:
            raise StripeError(
                f"No such object: '{params[name]}'", code="resource_missing", param=name
            )
    if "ending_before" in params:
        end = ids.index(params["ending_before"])
        return found[max(end - limit, 0) : end], end > limit
    first = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
    return found[first : first + limit], first + limit < len(found)


def searched(things: Sequence[Thing], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fits `metadata['visit']:'7' AND status:'succeeded'`, say."""
    told = forms.read(params, _SEARCH, required=("query",))
    clauses = [_CLAUSE.fullmatch(part.strip()) for part in told["query"].split(" AND ")]
    if None in clauses:
        raise StripeError("The query cannot be read.", param="query")
    found = [
        each
        for each in reversed(things)
        if all(clause and _says(each, clause) for clause in clauses)
    ]
    first, limit = int(told.get("page") or 0), told.get("limit", USUAL)
    has_more = first + limit < len(found)
    return {
        "object": "search_result",
        "url": "/v1/payment_intents/search",
        "has_more": has_more,
        "next_page": str(first + limit) if has_more else None,
        "data": found[first : first + limit],
    }


_SEARCH: Mapping[str, forms.Check] = {
    "query": forms.text,
    "limit": forms.positive,
    "page": forms.text,
    "expand": forms.anything,
}


def _says(thing: Thing, clause: re.Match[str]) -> bool:
    key, value = clause["key"], clause["value"]
    found = thing["metadata"].get(key) if key else thing.get(clause["field"])
    return found is not None and str(found).lower() == value.lower()


def expanded(ledger: Ledger, answer: Thing, paths: Any) -> Thing:
    """Return a copy of the answer in which the objects named are shown in full."""
    copy = deepcopy(_public(answer))
    for path in paths if isinstance(paths, list) else []:
        _expand(ledger, copy, path.split("."))
    return copy


def _public(answer: Thing) -> Thing:
    if isinstance(answer.get("data"), list):
        return answer | {"data": [shown(each) for each in answer["data"]]}
    return shown(answer)


def _expand(ledger: Ledger, thing: Any, path: list[str]) -> None:
    if isinstance(thing, list):
        for each in thing:
            _expand(ledger, each, path)
        return
    if not isinstance(thing, dict) or path[0] not in thing:
        raise StripeError(
            f"This property cannot be expanded: {path[0]}.", param="expand"
        )
    whole = ledger.find(thing[path[0]])
    if whole is not None:
        thing[path[0]] = deepcopy(shown(whole))
    if path[1:] and thing[path[0]] is not None:
        _expand(ledger, thing[path[0]], path[1:])
