"""Customers: who they are, how they are reached, and where they live."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper

from core.actors import Actor, Role
from core.ids import uuid7
from core.models import TimeStamped, Versioned


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

    Coordinates that nobody gave are the middle of the ZIP, and marked as estimated,
    until somebody knows better: `located_by` says who, and when. What was found and is
    too vague to send anybody there stands in `location_problem` for a person to see.
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
    located_at = models.DateTimeField(null=True, blank=True)
    located_by = models.CharField(max_length=40, blank=True, default="", db_default="")
    location_problem = models.CharField(
        max_length=200, blank=True, default="", db_default=""
    )
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
            models.CheckConstraint(
                name="property_is_located_by_somebody_at_a_time",
                condition=Q(located_at__isnull=True, located_by="")
                | Q(located_at__isnull=False, latitude__isnull=False)
                & ~Q(located_by=""),
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
