"""What the office wants beyond free time: caps, and who goes to whom."""

from django.db import models
from django.db.models import Q

from appointments.models.services import Service
from core.actors import Actor
from core.ids import uuid7
from core.models import Location, TimeStamped, Zone
from core.models.company import Weekday
from leads.models import Customer
from technicians.models import Technician


class CapQuerySet(models.QuerySet["Cap"]):
    """Caps."""

    def visible_to(self, actor: Actor) -> "CapQuerySet":
        """Return those of the actor's branches."""
        if actor.location_ids is None:
            return self
        return self.filter(location__in=actor.location_ids)


class Cap(TimeStamped):
    """At most `most` visits a local day: of a service, in a zone, on a weekday.

    What is left empty means: of all. Several caps may hold at once; each must.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    location = models.ForeignKey(Location, models.CASCADE, related_name="caps")
    service = models.ForeignKey(
        Service, models.CASCADE, null=True, blank=True, related_name="caps"
    )
    zone = models.ForeignKey(
        Zone, models.CASCADE, null=True, blank=True, related_name="caps"
    )
    weekday = models.PositiveSmallIntegerField(choices=Weekday, null=True, blank=True)
    most = models.PositiveSmallIntegerField()

    objects = CapQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "location",
                "service",
                "zone",
                "weekday",
                name="cap_is_listed_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="cap_weekday_exists",
                condition=Q(weekday__isnull=True) | Q(weekday__range=(0, 6)),
            ),
        ]

    def __str__(self) -> str:
        return f"at most {self.most} a day"


class PreferenceKind(models.TextChoices):
    """Whom a customer would like to see again, and whom never."""

    PREFERRED = "preferred"
    BARRED = "barred"


class TechnicianPreference(TimeStamped):
    """A customer asks for a technician, or asks not to have him again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="technician_preferences"
    )
    technician = models.ForeignKey(
        Technician, models.CASCADE, related_name="customer_preferences"
    )
    kind = models.CharField(max_length=9, choices=PreferenceKind)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "customer", "technician", name="preference_is_listed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.technician_id} {self.kind}"
