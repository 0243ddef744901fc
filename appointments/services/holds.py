"""Keep a slot for a visitor who decides or pays (R11)."""

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from appointments.models import Hold, Service
from appointments.rules.slots import Promise, Reason, Wish
from appointments.selectors import capacity
from appointments.selectors.holds import hash_of, holds_of_token
from appointments.services.asking import awaits_approval
from appointments.services.booking import asked_of, open_lead, promise_or_refusal
from appointments.services.holding import (
    HoldExpired,
    find_hold,
    take_turn_of,
    technicians_of,
)
from appointments.services.locking import lock_technicians
from appointments.services.placing import place
from appointments.services.refusals import refused
from core.actors import Actor
from core.db import take_turns
from core.errors import NotFound, Rejected, TooMany
from core.walltime import as_instant
from leads.models import Lead

# A payment page lives for half an hour; who pays in its last minute is not too late.
_WITH_DEPOSIT = timedelta(minutes=35)
_TOKEN_BYTES = 32


class TooManyHolds(TooMany):
    """That network address keeps as many slots as one may."""

    code = "too_many_holds"
    title = "Too many slots are held from there"


class ApprovalRequired(Rejected):
    """What the office has to approve cannot be kept; it can be asked for."""

    code = "approval_required"
    title = "The office approves these visits"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """Which slot to keep, and for whom.

    The visitor is the lead, or else whoever knows the `visitor` id that the first
    answer named. `network_address` is where the call came from; without one, as for
    staff and machines, nobody counts.
    """

    service: Service
    postal_code: str
    starts_at: datetime
    technician_id: UUID | None = None
    lead_id: UUID | None = None
    visitor: UUID | None = None
    network_address: str = ""


@transaction.atomic
def hold(*, request: HoldRequest, actor: Actor, now: datetime) -> tuple[Hold, str]:
    """Keep an offered slot, in place of whatever its visitor held before.

    Returns the hold and its token, which is stored nowhere.

    Raises:
        SlotUnavailable: nobody can keep that promise; an older hold stands.
        TooManyHolds: with the seconds until one of them is over.
        ApprovalRequired: such visits are asked for.
        OutOfServiceArea, NotFound, AlreadyConverted
        NonexistentLocalTime, AmbiguousLocalTime: of a naive `starts_at`.
    """
    if awaits_approval(request.service, actor=actor):
        raise ApprovalRequired("Ask for the visit instead; the office will answer.")
    lead = open_lead(request.lead_id) if request.lead_id else None
    visitors = _visitors(request)
    take_turn_of(visitors)
    older = list(Hold.objects.filter(visitor__in=visitors).values_list("pk", flat=True))
    address = _address_of(request.network_address)
    if address:
        _refuse_one_too_many(address, older=older, now=now)
    wish = _wish(request, lead=lead, actor=actor, now=now)
    start = as_instant(request.starts_at, zone=wish.branch.zone)
    promise = promise_or_refusal(wish, start)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    kept = Hold(
        token_hash=hash_of(token),
        visitor=visitors[0],
        address=address,
        location_id=wish.branch.id,
        service=request.service,
        lead=lead,
        postal_code=request.postal_code,
        window_starts_at=promise.starts_at,
        window_ends_at=promise.ends_at,
        expires_at=now + lifetime_of(request.service),
    )
    _place(kept, request, wish=wish, promise=promise, older=older)
    return kept, token


@transaction.atomic
def release(*, hold_id: UUID, token: str, now: datetime) -> None:
    """Let a slot go before its time.

    Raises:
        HoldExpired, NotFound
    """
    kept = _checked(find_hold(token), hold_id=hold_id, now=now)
    lock_technicians(technicians_of(kept))
    kept.delete()


def held(*, hold_id: UUID, token: str, now: datetime) -> Hold:
    """Return the hold that the token is for.

    Raises:
        HoldExpired, NotFound
    """
    found = holds_of_token(token).first()
    return _checked(found, hold_id=hold_id, now=now)


def lifetime_of(service: Service) -> timedelta:
    """Return for how long a slot of that service is kept."""
    lifetime = timedelta(minutes=service.hold_minutes)
    return max(lifetime, _WITH_DEPOSIT) if service.deposit_cents else lifetime


def _checked(found: Hold | None, *, hold_id: UUID, now: datetime) -> Hold:
    if found is None or found.pk != hold_id:
        raise NotFound
    if found.expires_at <= now:
        raise HoldExpired("The slot is not kept any more; choose a time again.")
    return found


def _visitors(request: HoldRequest) -> list[str]:
    """Return who asks, by all names: what any of them held before is let go."""
    names = [f"lead:{request.lead_id}"] if request.lead_id else []
    if request.visitor or not names:
        names.append(str(request.visitor or uuid4()))
    return names


def _address_of(network_address: str) -> str:
    """Return a keyed hash: it tells addresses apart, and no one what they are."""
    if not network_address:
        return ""
    keyed = salted_hmac("appointments.holds", network_address, algorithm="sha256")
    return keyed.hexdigest()


def _refuse_one_too_many(address: str, *, older: list[UUID], now: datetime) -> None:
    """Count what the address holds, with its turn taken: nobody else is counting."""
    take_turns(f"holds from {address}")
    live = Hold.objects.filter(address=address, expires_at__gt=now).exclude(
        pk__in=older
    )
    ends = sorted(live.values_list("expires_at", flat=True))
    if len(ends) >= settings.HOLDS_PER_ADDRESS:
        raise TooManyHolds(
            "Book one of the slots that you hold, or let one go.",
            retry_after=max(1, math.ceil((ends[0] - now).total_seconds())),
        )


def _wish(
    request: HoldRequest, *, lead: Lead | None, actor: Actor, now: datetime
) -> Wish:
    location = capacity.location_serving(request.postal_code)
    if actor.is_staff and not actor.sees_location(location.pk):
        raise NotFound
    return capacity.wish_for(
        service=request.service,
        location=location,
        postal_code=request.postal_code,
        customer_id=lead.customer_id if lead else None,
        now=now,
    )


def _place(
    kept: Hold,
    request: HoldRequest,
    *,
    wish: Wish,
    promise: Promise,
    older: list[UUID],
) -> None:
    asked = asked_of(wish, request.technician_id)
    outcome = place(kept, wish=wish, promise=promise, own=older, **asked)
    if isinstance(outcome, Reason):
        raise refused(wish, outcome, after=promise.starts_at)
