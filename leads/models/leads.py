"""Leads: the wishes that come in."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.actors import Actor, Role
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned
from leads.models.customers import Customer


class LeadStatus(models.TextChoices):
    """new -> contacted -> converted or dismissed."""

    NEW = "new"
    CONTACTED = "contacted"
    CONVERTED = "converted"
    DISMISSED = "dismissed"


class LeadFlag(models.TextChoices):
    """What a person should look at; a flagged lead is stored like any other."""

    INVALID_PHONE = "invalid_phone"
    INVALID_EMAIL = "invalid_email"
    OUT_OF_SERVICE_AREA = "out_of_service_area"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    NO_CONTACT = "no_contact"


class LeadQuerySet(models.QuerySet["Lead"]):
    """Leads."""

    def visible_to(self, actor: Actor) -> "LeadQuerySet":
        """Return those of the actor's branches, and those that nobody serves."""
        if actor.role in {Role.TECHNICIAN, Role.ANONYMOUS}:
            return self.none()
        if actor.location_ids is None:
            return self
        return self.filter(
            Q(location__in=actor.location_ids) | Q(location__isnull=True)
        )


class Lead(TimeStamped, Versioned):
    """A wish for a visit, from anywhere, kept as it was said."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(max_length=12, unique=True, editable=False)
    status = models.CharField(max_length=10, choices=LeadStatus, default=LeadStatus.NEW)
    source = models.SlugField(max_length=40, default="website", db_index=False)
    flags = ArrayField(
        models.CharField(max_length=30, choices=LeadFlag), default=list, blank=True
    )

    name = models.CharField(max_length=120)
    phone_given = models.CharField(max_length=60, blank=True)
    phone = models.CharField("phone (E.164)", max_length=16, blank=True)
    email = models.CharField(max_length=254, blank=True)
    line1 = models.CharField("street", max_length=200, blank=True)
    line2 = models.CharField("unit", max_length=100, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField("state", max_length=50, blank=True)
    postal_code = models.CharField("ZIP", max_length=20, blank=True)
    service_code = models.SlugField(max_length=40, blank=True, db_index=False)
    message = models.TextField(max_length=4000, blank=True)

    location = models.ForeignKey(
        Location, models.PROTECT, null=True, blank=True, related_name="leads"
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="leads"
    )
    fingerprint = models.CharField(max_length=64, editable=False)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissal_reason = models.CharField(max_length=500, blank=True)
    converted_at = models.DateTimeField(null=True, blank=True)

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="lead_is_converted_with_time_and_customer",
                condition=Q(
                    status=LeadStatus.CONVERTED,
                    converted_at__isnull=False,
                    customer__isnull=False,
                )
                | (~Q(status=LeadStatus.CONVERTED) & Q(converted_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="lead_is_dismissed_with_time_and_reason",
                condition=(
                    Q(status=LeadStatus.DISMISSED, dismissed_at__isnull=False)
                    & ~Q(dismissal_reason="")
                )
                | (
                    ~Q(status=LeadStatus.DISMISSED)
                    & Q(dismissed_at__isnull=True, dismissal_reason="")
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["location", "-created_at", "-id"], name="lead_by_location"
            ),
            models.Index(fields=["-created_at", "-id"], name="lead_by_time"),
            models.Index("fingerprint", "created_at", name="lead_by_fingerprint"),
            # Of all leads few are new; these are counted with each page for staff.
            models.Index("location", name="lead_unanswered", condition=Q(status="new")),
            models.Index("phone", name="lead_by_phone", condition=~Q(phone__exact="")),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.name}"
