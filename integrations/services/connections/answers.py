"""What an admin answers to a vendor's questions: settings, and credentials."""

from collections.abc import Mapping
from typing import Any

from core.errors import FieldError, Invalid
from integrations.connectors.port import Connector, Question
from integrations.services.calling import UntrustedHost, check_host

HOSTS = "hosts"
_LONGEST = 2000

Changes = Mapping[str, Any]


def first_answers(
    connector: Connector, *, settings: Changes, credentials: Changes
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return settings and credentials of a new connection, defaults filled in.

    Raises:
        Invalid: something is missing, unknown or no text.
    """
    defaults = {
        question.name: question.default
        for question in connector.questions
        if question.default and not question.is_secret
    }
    return changed_answers(
        connector,
        had=(defaults, {}),
        settings=settings,
        credentials=credentials,
    )


def changed_answers(
    connector: Connector,
    *,
    had: tuple[Changes, Mapping[str, str]],
    settings: Changes,
    credentials: Changes,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return settings and credentials as they were, but for what is given anew.

    An empty text, or nothing, takes an answer away.

    Raises:
        Invalid: something is missing, unknown or no text.
    """
    faults = [
        *_faults(connector, "settings", settings, is_secret=False),
        *_faults(connector, "credentials", credentials, is_secret=True),
    ]
    seen, secret = _merged(had[0], settings), _merged(had[1], credentials)
    faults += [
        _fault(f"/{_place(question)}/{question.name}", "required", "It is needed.")
        for question in connector.questions
        if question.is_required
        and not (secret if question.is_secret else seen).get(question.name)
        and not any(fault["pointer"].endswith(f"/{question.name}") for fault in faults)
    ]
    if faults:
        raise Invalid(faults)
    return seen, secret


def _faults(
    connector: Connector, place: str, given: Changes, *, is_secret: bool
) -> list[FieldError]:
    known = {
        question.name
        for question in connector.questions
        if question.is_secret is is_secret
    }
    found = []
    for name, value in given.items():
        pointer = f"/{place}/{name}"
        if name == HOSTS and not is_secret:
            found += _faults_of_hosts(connector, value)
        elif name not in known:
            found.append(_fault(pointer, "unknown", "This vendor does not ask for it."))
        elif value is not None and not isinstance(value, str):
            found.append(_fault(pointer, "invalid", "Not a text."))
        elif value is not None and len(value) > _LONGEST:
            found.append(_fault(pointer, "max_length", f"At most {_LONGEST}."))
    return found


def _faults_of_hosts(connector: Connector, value: Any) -> list[FieldError]:
    """Return what is wrong with the hosts that are called instead of the usual ones."""
    if value is None:
        return []
    pointer = f"/{HOSTS}"
    if not isinstance(value, dict):
        return [_fault(pointer, "invalid", "Not an object of URLs by name.")]
    found = []
    for name, url in value.items():
        if name not in connector.hosts:
            found.append(_fault(f"{pointer}/{name}", "unknown", "No such host."))
            continue
        try:
            check_host(connector, url=str(url))
        except UntrustedHost as refusal:
            found.append(_fault(f"{pointer}/{name}", "untrusted_host", str(refusal)))
    return found


def _merged(had: Changes, given: Changes) -> dict[str, Any]:
    merged = {**had, **given}
    return {name: value for name, value in merged.items() if value or value == 0}


def _place(question: Question) -> str:
    return "credentials" if question.is_secret else "settings"


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)
