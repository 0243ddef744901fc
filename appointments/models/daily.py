"""How a branch's days stand, kept ready for whoever counts (ADR 9)."""

from django.db import models
from django.db.models import Q

from core.models import Location


class BranchDay(models.Model):
    """An entry in the account of one branch on one local day.

    How the day stands is the *sum* of its entries. Triggers add one with each change
    of a visit or of who is on it, and now and then fold those of a day into one: they
    never change an entry, so nobody waits for anybody. `manage.py audit_days` holds
    the sums against the visits.

    A visit counts on the day it begins, under its status and currency. Technicians'
    time counts on the day it is taken, buffers included, under no status: planned
    until it is released, worked when it was done.
    """

    # Without a constraint: the triggers know that the branch is there, and checking
    # it again would cost each booking a query.
    location = models.ForeignKey(
        Location,
        models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    day = models.DateField()
    status = models.CharField(max_length=10, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    visits = models.IntegerField(default=0)
    unassigned = models.IntegerField(default=0)
    price_cents = models.BigIntegerField(default=0)
    planned_minutes = models.IntegerField(default=0)
    worked_minutes = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="branch_day_entry_is_of_visits_or_of_time",
                condition=(~Q(status="") & Q(planned_minutes=0, worked_minutes=0))
                | Q(status="", currency="", visits=0, unassigned=0, price_cents=0),
            ),
        ]
        indexes = [models.Index("location", "day", name="branch_day_by_location")]

    def __str__(self) -> str:
        return f"{self.location_id} {self.day}"
