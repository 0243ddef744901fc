"""Whether a visitor has to pay before a visit is booked."""

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from appointments.models import Service
from core.actors import Actor
from core.errors import Rejected


class DepositRequired(Rejected):
    """The slot is held, and booked when the deposit has been paid."""

    code = "deposit_required"
    title = "A deposit comes first"


def require_no_deposit(*, service: Service, actor: Actor) -> None:
    """Refuse a visitor who books what asks for a deposit without paying it.

    Only where deposits can be taken at all, which `settings.DEPOSITS_ARE_TAKEN` tells:
    a company without payments does not lose its bookings. Staff and machines decide
    for themselves.

    Raises:
        DepositRequired
    """
    if actor.is_staff or not service.deposit_cents:
        return
    if _tells(settings.DEPOSITS_ARE_TAKEN)():
        raise DepositRequired(
            "Hold the slot, and ask for the payment at /api/v1/deposits.",
            amount_cents=service.deposit_cents,
            currency=service.currency,
        )


@cache
def _tells(path: str) -> Callable[[], bool]:
    tells: Callable[[], bool] = import_string(path)
    return tells
