"""Find visits by whatever the caller on the phone can say."""

from appointments.models import Appointment
from appointments.models.visits import AppointmentQuerySet
from leads.models import Customer
from leads.selectors import customers_matching

# Trigrams need three characters; anything shorter would read the whole table.
SHORTEST = 3
# Nobody reads further; "son" would mean every third customer and all their visits.
MOST_CUSTOMERS = 1000


def visits_matching(visits: AppointmentQuerySet, *, term: str) -> AppointmentQuerySet:
    """Narrow to visits with that reference, or of a customer whom the term means.

    That is his name, phone, e-mail, street or ZIP. Each question has an index of its
    own, so they are asked apart and united: an OR would read all visits.
    """
    term = term.strip()
    every = Appointment.objects.order_by().values("pk")
    by_reference = every.filter(reference__startswith=term.upper())
    if len(term) < SHORTEST:
        return visits.filter(pk__in=by_reference)
    everybody = Customer.objects.all()
    customers = customers_matching(everybody, term).values("pk")[:MOST_CUSTOMERS]
    ways = by_reference.union(
        every.filter(reference__startswith=f"V-{term.upper()}"),
        every.filter(customer__in=customers),
    )
    return visits.filter(pk__in=ways)
