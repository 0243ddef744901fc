"""What a connection is asked where the vendor's own people make visits."""

from collections.abc import Mapping
from typing import Any

from integrations.connectors.port import Question

_TAKE_IN, _SERVICE = "take_in_visits", "default_service"

QUESTIONS = (
    Question(
        name=_TAKE_IN,
        label="Take in visits that are made there (yes or no)",
        default="yes",
        is_required=False,
        help="Those ahead of us. Else their technicians look free here.",
    ),
    Question(
        name=_SERVICE,
        label="Service of visits that are made there",
        is_required=False,
        help="Its code here, for types that the mapping of `service` does not name.",
    ),
)


def takes_in(settings: Mapping[str, Any]) -> bool:
    """Tell whether a connection takes in the visits that are made there."""
    return str(settings.get(_TAKE_IN) or "yes").casefold() == "yes"


def default_service(settings: Mapping[str, Any]) -> str:
    """Return the code of the service that visits of an unknown type are of, or ""."""
    return str(settings.get(_SERVICE) or "")
