"""Stripe's forms: brackets in the names, and a check of what stands there."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.stripe.errors import StripeError

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500
SMALLEST_AMOUNT, LARGEST_AMOUNT = 50, 99_999_999

Check = Callable[[str, Any], Any]


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the fields of a form as the objects and lists that their names spell."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        path = [name.partition("[")[0], *re.findall(r"\[([^\]]*)\]", name)]
        inside = found
        for step in path[:-1]:
            inside = inside.setdefault(step, {})
            if not isinstance(inside, dict):
                raise StripeError(f"{name} is both a value and more.", param=name)
        inside[path[-1] or str(len(inside))] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def read(
    sent: Mapping[str, Any],
    known: Mapping[str, Check],
    *,
    required: Sequence[str] = (),
    under: str = "",
) -> dict[str, Any]:
    """Return what was sent, each value as its check reads it.

    Raises:
        StripeError: something is unknown, missing, or of another form.
    """

    def full(name: str) -> str:
        return f"{under}[{name}]" if under else name

    for name in sent:
        if name not in known:
            raise StripeError(
                f"Received unknown parameter: {full(name)}",
                code="parameter_unknown",
                param=full(name),
            )
    for name in required:
        if sent.get(name, "") == "":
            raise StripeError(
                f"Missing required param: {full(name)}.",
                code="parameter_missing",
                param=full(name),
            )
    return {name: known[name](full(name), value) for name, value in sent.items()}


def anything(name: str, value: Any) -> Any:
    """Take what we do nothing with."""
    return value


def text(name: str, value: Any) -> str | None:
    """Read a text; a blank one takes the value away."""
    if not isinstance(value, str):
        raise StripeError("Invalid string", param=name)
    return value or None


def whole(name: str, value: Any) -> int:
    """Read a whole number."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+", value):
        raise StripeError(
            f"Invalid integer: {value}", code="parameter_invalid_integer", param=name
        )
    return int(value)


def amount(name: str, value: Any) -> int:
    """Read an amount of money in its smallest unit."""
    number = whole(name, value)
    if number < SMALLEST_AMOUNT:
        raise StripeError("Amount is too small.", code="amount_too_small", param=name)
    if number > LARGEST_AMOUNT:
        raise StripeError("Amount is too large.", code="amount_too_large", param=name)
    return number


def positive(name: str, value: Any) -> int:
    """Read a whole number above zero."""
    number = whole(name, value)
    if number < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=name,
        )
    return number


def boolean(name: str, value: Any) -> bool:
    """Read true or false."""
    if value not in {"true", "false"}:
        raise StripeError(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def one_of(*choices: str) -> Check:
    """Return the check for one of some words."""

    def check(name: str, value: Any) -> str:
        if value not in choices:
            wanted = ", ".join(choices)
            raise StripeError(f"Invalid {name}: must be one of {wanted}", param=name)
        return str(value)

    return check


def currency(name: str, value: Any) -> str:
    """Read the ISO code of a currency."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{3}", value):
        raise StripeError(f"Invalid currency: {value}", param=name)
    return value.lower()


def url(name: str, value: Any) -> str:
    """Read the address of a page."""
    parts = urlsplit(value if isinstance(value, str) else "")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise StripeError("Not a valid URL", code="url_invalid", param=name)
    return str(value)


def email(name: str, value: Any) -> str | None:
    """Read an e-mail address."""
    if value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", str(value)):
        raise StripeError("Invalid email address", code="email_invalid", param=name)
    return text(name, value)


def metadata(name: str, value: Any) -> dict[str, str]:
    """Read our notes: few keys, short ones, with values that are not long either."""
    if value == "":
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(each, str) for each in value.values()
    ):
        raise StripeError("Invalid hash", param=name)
    if len(value) > MOST_KEYS:
        raise StripeError(f"At most {MOST_KEYS} keys are kept.", param=name)
    for key, each in value.items():
        if len(key) > LONGEST_KEY or len(each) > LONGEST_VALUE:
            raise StripeError(
                f"Metadata keys have {LONGEST_KEY} characters, values {LONGEST_VALUE}.",
                param=f"{name}[{key}]",
            )
    return value


def items(name: str, value: Any) -> list[Any]:
    """Read a list."""
    if not isinstance(value, list):
        raise StripeError("Invalid array", param=name)
    return value
