"""Which method of a fake answers a call, or plays an act."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeVar
from urllib.parse import unquote

Told = TypeVar("Told")


def answering(
    routes: Mapping[str, Callable[..., Told]], *, method: str, path: str
) -> Callable[..., Told] | None:
    """Return what answers a call, with what stood in the path already filled in.

    A route reads `PUT /lists/{}/members/{}`; its places are the first arguments.
    """
    for route, answer in routes.items():
        wanted, template = route.split(" ")
        found = _pattern(template).fullmatch(path) if wanted == method else None
        if found:
            return partial(answer, *map(unquote, found.groups()))
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("([^/]+)".join(map(re.escape, template.split("{}"))))


def play(
    acts: Mapping[str, Callable[..., Told]], name: str, arguments: Mapping[str, Any]
) -> Told:
    """Play an act by its name.

    Raises:
        ValueError: there is no such act, or it takes other arguments.
    """
    if name not in acts:
        raise ValueError(f"No act is called {name}; there are {', '.join(acts)}.")
    try:
        inspect.signature(acts[name]).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{name}: {error}.") from error
    return acts[name](**arguments)
