"""How Stripe is spoken to: forms with brackets, and keys for safe repetition."""

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.connectors.port import Caller
from integrations.rules.refusals import NoAnswer

_TEST_KEYS = ("sk_test_", "rk_test_")


def form_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return a nested body as flat pairs: `metadata[visit]`, `line_items[0][price]`.

    What is None or blank is left out: to Stripe a blank text takes a value away.
    """
    return dict(_flat(body, under=""))


def post(call: Caller, path: str, body: Mapping[str, Any], *, key: str) -> Any:
    """Send a form; under the same key Stripe does it once, within 24 hours.

    Raises:
        CallFailed: Busy where it may have been done; repeat it under the same key.
    """
    answer = call(
        "POST",
        path,
        form=form_of(body),
        headers={"Idempotency-Key": key},
        may_repeat=True,
    ).json
    if not isinstance(answer, Mapping) or not answer.get("id"):
        raise NoAnswer("Stripe's answer has no id.")
    return answer


def is_live(call: Caller) -> bool:
    """Tell whether real money moves: what is no test key is a live one."""
    return not call.credentials.get("secret_key", "").startswith(_TEST_KEYS)


def text_of(value: Any) -> str:
    """Return an id; what may be shown in full has it inside."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return str(found or "")


def _flat(value: Any, *, under: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flat(each, under=f"{under}[{name}]" if under else name)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _flat(each, under=f"{under}[{number}]")
    elif value is not None and value != "":
        yield under, str(value)
