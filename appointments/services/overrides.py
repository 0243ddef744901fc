"""Who may set which rule aside (R9)."""

from collections.abc import Collection
from typing import Any

from accounts.rules.policy import may_override
from appointments.rules.slots import Override
from core.actors import Actor
from core.errors import Forbidden, Rejected


class ReasonRequired(Rejected):
    """A rule is only set aside for a reason that the history can tell."""

    code = "reason_required"
    title = "Say why"


def require_permitted(
    override: Collection[Override], *, reason: str, actor: Actor
) -> None:
    """Let those pass who may set all of these rules aside, and say why.

    Raises:
        Forbidden: the role may not; `override` names the rules.
        ReasonRequired
    """
    refused = sorted(
        rule for rule in override if not may_override(role=actor.role, rule=rule)
    )
    if refused:
        rules = ", ".join(refused)
        raise Forbidden(f"Your role may not override: {rules}.", override=refused)
    if override and not reason.strip():
        raise ReasonRequired("Overriding a rule needs a reason; the history keeps it.")


def as_data(override: Collection[Override]) -> dict[str, Any]:
    """Return what the event of a change tells of the rules set aside for it."""
    return {"override": sorted(override)} if override else {}
