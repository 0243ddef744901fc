"""What the office does in Housecall Pro: it books whom it has on the phone."""

from collections.abc import Callable

from integrations.sandbox.housecallpro.books import Row
from integrations.sandbox.housecallpro.jobs import Jobs
from integrations.sandbox.housecallpro.people import People

_MORE = {"street", "zip", "email", "summary", "service", "unit"}


class Desk:
    """The office at work; no key has a part in what it makes."""

    def __init__(self, *, people: People, jobs: Jobs) -> None:
        self._people = people
        self._jobs = jobs
        self.all: dict[str, Callable[..., None]] = {"book": self.book}

    def book(
        self,
        name: str,
        phone: str,
        start: str = "",
        end: str = "",
        technician: str | None = None,
        job_type: str | None = None,
        **more: str,
    ) -> None:
        """Somebody makes a customer with an address and a job, with or without a time.

        There may be more: street, zip, email, summary, service (a line of the bill)
        and unit (of the business).
        """
        if set(more) - _MORE:
            raise ValueError(f"book takes {', '.join(sorted(_MORE))} besides.")
        times = {"scheduled_start": start, "scheduled_end": end} if start else {}
        wish = self._jobs.read(
            {
                "schedule": times,
                "assigned_employee_ids": [technician] if technician else [],
                "line_items": [{"name": more["service"]}] if "service" in more else [],
                "notes": more.get("summary"),
                "job_fields": {
                    "job_type_id": job_type,
                    "business_unit_id": more.get("unit"),
                },
            }
        )
        customer = self._people.add(_person(name, phone, **more))
        self._jobs.make(wish, customer=customer, address=customer["addresses"][0])


def _person(name: str, phone: str, **said: str) -> Row:
    first, _, last = name.rpartition(" ")
    return {
        "first_name": first or last,
        "last_name": last if first else "",
        "mobile_number": phone,
        "email": said.get("email"),
        "addresses": [_address(**said)],
    }


def _address(**said: str) -> Row:
    """Return an address; what nobody said is that of a house here."""
    place = {"street": "4001 N 24th St", "city": "Phoenix", "zip": "85016"}
    place |= {name: said[name] for name in place if said.get(name)}
    return {**place, "state": "AZ", "country": "US"}
