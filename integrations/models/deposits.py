"""Deposits: what a customer pays before a visit is booked."""

from django.db import models
from django.db.models import F, Q

from appointments.models import Appointment, Service
from core.actors import Actor
from core.crypto import EncryptedTextField
from core.ids import uuid7
from core.models import Location, TimeStamped
from integrations.models.connections import Connection
from leads.models import Lead, Property


class DepositState(models.TextChoices):
    """requested -> paid, or expired, failed; money that stays with nobody goes back.

    `integrations.rules.deposits` tells what may follow what.
    """

    REQUESTED = "requested"  # a page to pay on is open, or about to be
    PAID = "paid"  # and the visit is booked
    REFUND_DUE = "refund_due"  # paid, and there is no visit for it
    REFUNDING = "refunding"  # the vendor is at it
    REFUNDED = "refunded"
    EXPIRED = "expired"  # nobody paid in time
    FAILED = "failed"  # the page could not be opened, or the payment never came
    NEEDS_ATTENTION = "needs_attention"  # a person has to look


# While one of these stands nobody is asked for the same deposit once more.
LIVE = (DepositState.REQUESTED, DepositState.PAID, DepositState.NEEDS_ATTENTION)
UNPAID = (DepositState.REQUESTED, DepositState.EXPIRED, DepositState.FAILED)


class DepositQuerySet(models.QuerySet["Deposit"]):
    """Deposits."""

    def visible_to(self, actor: Actor) -> "DepositQuerySet":
        """Return those of the actor's branches."""
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)


class Deposit(TimeStamped):
    """Money asked for while a slot is held, and the visit that it then is for.

    `hold` is the id of the hold, whose row is gone once it is booked, and `token_hash`
    that of its token: whoever has it may look. What is to be booked stands here too
    (`service`, `starts_at`, `lead` or `property`, `notes`), so that no browser has to
    come back for it. The page is opened under the key `dep-{id}`, refunds go out under
    `ref-{id}-{refund_number}`. Amounts are minor units.

    `pending_at` tells that the customer has paid in a way that takes days, and
    `closing_at` that the page is to be closed, because the hold is over.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        Connection, models.SET_NULL, null=True, related_name="+"
    )
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    hold = models.UUIDField(db_index=True)
    token_hash = models.CharField(max_length=64, editable=False)
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    lead = models.ForeignKey(
        Lead, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    property = models.ForeignKey(
        Property, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    notes = models.TextField(blank=True)
    source = models.CharField(max_length=40)
    appointment = models.ForeignKey(
        Appointment, models.PROTECT, null=True, blank=True, related_name="deposits"
    )

    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    is_live = models.BooleanField()
    received_cents = models.PositiveIntegerField(default=0)
    refunded_cents = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=15, choices=DepositState, default=DepositState.REQUESTED
    )
    attention = models.CharField(max_length=300, blank=True)

    session_id = models.CharField(max_length=120, blank=True)
    page_url = EncryptedTextField(blank=True)
    success_url = models.CharField(max_length=500)
    cancel_url = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField()
    intent_id = models.CharField(max_length=120, blank=True)
    refund_id = models.CharField(max_length=120, blank=True)
    refund_number = models.PositiveSmallIntegerField(default=0)
    refund_reason = models.CharField(max_length=300, blank=True)

    pending_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    closing_at = models.DateTimeField(null=True, blank=True)
    refunded_at = models.DateTimeField(null=True, blank=True)

    objects = DepositQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hold"],
                name="deposit_is_asked_for_once_per_hold",
                condition=Q(state__in=LIVE),
            ),
            models.UniqueConstraint(
                fields=["session_id"],
                name="deposit_has_a_page_of_its_own",
                condition=~Q(session_id=""),
            ),
            models.UniqueConstraint(
                fields=["appointment"],
                name="deposit_is_paid_once_per_visit",
                condition=Q(state=DepositState.PAID),
            ),
            models.CheckConstraint(
                name="deposit_state_is_known",
                condition=Q(state__in=DepositState.values),
            ),
            models.CheckConstraint(
                name="deposit_is_an_amount", condition=Q(amount_cents__gt=0)
            ),
            models.CheckConstraint(
                name="deposit_currency_is_iso",
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
            ),
            models.CheckConstraint(
                name="deposit_gives_back_what_came",
                condition=Q(refunded_cents__lte=F("received_cents")),
            ),
            models.CheckConstraint(
                name="deposit_paid_has_a_time",
                condition=Q(state__in=UNPAID, paid_at=None, received_cents=0)
                | Q(state=DepositState.NEEDS_ATTENTION)
                | Q(
                    ~Q(state__in=[*UNPAID, DepositState.NEEDS_ATTENTION]),
                    paid_at__isnull=False,
                    received_cents__gt=0,
                ),
            ),
            models.CheckConstraint(
                name="deposit_paid_is_what_was_asked_for",
                condition=~Q(state=DepositState.PAID)
                | Q(received_cents=F("amount_cents")),
            ),
            models.CheckConstraint(
                name="deposit_paid_is_for_a_visit",
                condition=~Q(state=DepositState.PAID) | Q(appointment__isnull=False),
            ),
            models.CheckConstraint(
                name="deposit_refunded_has_a_time",
                condition=~Q(state=DepositState.REFUNDED)
                | Q(refunded_at__isnull=False, refunded_cents=F("received_cents")),
            ),
            models.CheckConstraint(
                name="deposit_says_what_needs_attention",
                condition=Q(state=DepositState.NEEDS_ATTENTION) & ~Q(attention="")
                | ~Q(state=DepositState.NEEDS_ATTENTION) & Q(attention=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="deposit_open",
                condition=Q(state="requested"),
            ),
            models.Index(
                fields=["intent_id"],
                name="deposit_by_intent",
                condition=~Q(intent_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Deposit of {self.amount_cents / 100:.2f} {self.currency}"
