"""What people call the things that links and conflicts are about."""

from django.db.models import (
    Case,
    CharField,
    F,
    OuterRef,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Concat

from appointments.models import Appointment
from leads.models import Customer, Lead, Property
from technicians.models import Technician

_NAMES = {
    "appointment": (Appointment, F("reference")),
    "lead": (Lead, Concat("reference", Value(" "), "name")),
    "customer": (Customer, F("name")),
    "property": (Property, Concat("line1", Value(", "), "city")),
    "technician": (Technician, F("name")),
}


def subject() -> Case:
    """Return what people call the thing of a row's `object_type` and `object_id`.

    A visit's is its reference, a person's the name, a property's the street and city;
    empty where the thing is no more.
    """
    names = [
        When(
            object_type=kind,
            then=Subquery(
                model._base_manager.filter(pk=OuterRef("object_id"))
                .annotate(called=name)
                .values("called")[:1]
            ),
        )
        for kind, (model, name) in _NAMES.items()
    ]
    return Case(*names, default=Value(""), output_field=CharField())
