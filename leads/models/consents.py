"""What people agreed to be sent, and what they took back."""

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from leads.models.customers import Customer
from leads.models.leads import Lead


class ConsentKind(models.TextChoices):
    """By what somebody agrees to be reached."""

    EMAIL = "email"
    SMS = "sms"


class Purpose(models.TextChoices):
    """What for: about their visits, or to win them for more."""

    SERVICE = "service"
    MARKETING = "marketing"


class ConsentAction(models.TextChoices):
    """Yes or no."""

    GRANTED = "granted"
    REVOKED = "revoked"


class ConsentEvent(models.Model):
    """Somebody said yes or no to messages at an address; the newest word counts.

    `contact` is the address itself, an E.164 phone or a case-folded e-mail: the word
    holds for whoever is reached there, known as a customer or not. Rows are added and
    never changed (the database refuses it): they prove what was agreed to, when, and
    by which words (`text_version`, `evidence`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=5, choices=ConsentKind)
    contact = models.CharField(max_length=254)
    purpose = models.CharField(max_length=9, choices=Purpose)
    action = models.CharField(max_length=7, choices=ConsentAction)
    source = models.SlugField(max_length=40, db_index=False)
    text_version = models.CharField(max_length=60, blank=True)
    evidence = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    lead = models.ForeignKey(
        Lead, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="consent_words_are_known",
                condition=Q(
                    kind__in=ConsentKind.values,
                    purpose__in=Purpose.values,
                    action__in=ConsentAction.values,
                ),
            ),
            models.CheckConstraint(
                name="consent_contact_is_normal",
                condition=Q(
                    kind=ConsentKind.SMS, contact__regex=r"^\+[1-9][0-9]{6,14}$"
                )
                | Q(kind=ConsentKind.EMAIL, contact__contains="@"),
            ),
            models.CheckConstraint(
                name="consent_has_a_source", condition=~Q(source__exact="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["contact", "kind", "purpose", "-at", "-id"],
                name="consent_newest_first",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.purpose} by {self.kind} {self.action}"
