"""What PostgreSQL keeps ready for the slot engine, in the transaction that writes."""

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Mod
from django.db.models.lookups import Exact

from technicians.models import Technician

# The length of a record of `appointments.rules.slots.stops`.
STOP_BYTES = 40


class _Length(Func):
    function = "octet_length"
    output_field = models.IntegerField()


class TechnicianDay(models.Model):
    """A technician's taken time on one UTC day, packed by a trigger.

    A UTC day always has 24 hours, so no clock change ever touches these rows. They
    derive from the assignments alone: `stops` holds one record for each that is not
    released (see `appointments.rules.slots.stops`), in the order of time, and
    `version` grows with every change. `manage.py audit_technician_days` compares and
    repairs; days gone by are dropped.
    """

    pk = models.CompositePrimaryKey("technician_id", "day")
    # The primary key begins with it; an index of its own misleads the planner.
    technician = models.ForeignKey(
        Technician, models.CASCADE, related_name="+", db_index=False
    )
    day = models.DateField()
    version = models.BigIntegerField(default=1)
    stops = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="technician_day_holds_whole_records",
                condition=Exact(Mod(_Length("stops"), STOP_BYTES), 0),
            ),
        ]
        indexes = [models.Index("day", name="technician_day_by_day")]

    def __str__(self) -> str:
        return f"{self.technician_id} {self.day}"


class RosterVersion(models.Model):
    """The one row whose `version` changes whenever a fact of the roster does.

    The roster is all that slots depend on besides taken time: branches, hours,
    holidays, zones, services, technicians, skills, shifts, absences, caps. Triggers
    draw a random version, so that one that was rolled back never returns.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.UUIDField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="roster_version_is_one", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return str(self.version)
