"""Customers, the places they live at, and the wishes that come in."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper

from core.actors import Actor, Role
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Customers."""

    def visible_to(self, actor: Actor) -> "CustomerQuerySet":
        """Return all for the office: customers are the company's, not a branch's.

        A technician sees those of his visits on the visits; a visitor sees none.
        """
        if actor.role in {Role.TECHNICIAN, Role.ANONYMOUS}:
            return self.none()
        return self


class Customer(TimeStamped, Versioned):
    """A person or household. Not bound to a branch: people move."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    notes = models.TextField(max_length=2000, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="customer_has_a_name", condition=~Q(name__exact="")
            ),
        ]
        indexes = [
            # Trigrams: staff search by any part of a name.
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"), name="customer_by_name"
            ),
            models.Index("name", "id", name="customer_in_order_of_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactKind(models.TextChoices):
    """How a customer can be reached."""

    PHONE = "phone"
    EMAIL = "email"


class ContactMethod(models.Model):
    """A phone (E.164) or e-mail (case-folded) of a customer.

    One customer per phone is a match; an e-mail may be shared by a household.
    Messages go to the primary one of a kind. What an unverified lead adds to a
    customer who was there before is listed, but never primary: else a stranger who
    knows a phone number could have somebody's messages sent to himself.
    """

    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="contact_methods"
    )
    kind = models.CharField(max_length=5, choices=ContactKind)
    value = models.CharField(max_length=254)
    is_primary = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "value",
                name="phone_belongs_to_one_customer",
                condition=Q(kind=ContactKind.PHONE),
            ),
            models.UniqueConstraint(
                "customer", "kind", "value", name="contact_method_is_listed_once"
            ),
            models.CheckConstraint(
                name="contact_phone_is_e164",
                condition=Q(kind=ContactKind.EMAIL)
                | Q(kind=ContactKind.PHONE, value__regex=r"^\+[1-9][0-9]{6,14}$"),
            ),
        ]
        indexes = [
            models.Index("value", name="contact_by_value"),
            GinIndex(OpClass("value", name="gin_trgm_ops"), name="contact_by_part"),
        ]

    def __str__(self) -> str:
        return self.value


class Property(TimeStamped):
    """A service address of a customer.

    Coordinates that nobody gave are the middle of the ZIP, and marked as estimated.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="properties")
    line1 = models.CharField("street", max_length=200)
    line2 = models.CharField("unit", max_length=100, blank=True)
    city = models.CharField(max_length=100)
    region = models.CharField("state", max_length=50)
    postal_code = models.CharField("ZIP", max_length=20)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    is_location_estimated = models.BooleanField(default=False, db_default=False)
    access_notes = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "properties"
        constraints = [
            models.UniqueConstraint(
                "customer",
                Lower("line1"),
                Lower("line2"),
                "postal_code",
                name="property_is_listed_once",
            ),
            models.CheckConstraint(
                name="property_coordinates_come_in_pairs",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            ),
        ]
        indexes = [
            models.Index("postal_code", name="property_by_zip"),
            GinIndex(
                OpClass(Upper("line1"), name="gin_trgm_ops"), name="property_by_street"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line1}, {self.city}"


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
