"""The forms behind a customer's buttons."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from core.admin.forms import ActionForm, Line, Lines
from core.text import normalise_email, normalise_phone
from leads import services
from leads.models import ContactKind, Customer, Property
from leads.rules.contacts import is_email

_MOST_CONTACTS = 20


class PhonesField(Lines):
    """Phones, one a line; as E.164 when cleaned."""

    def clean(self, value: Any) -> list[str]:
        given = _lines(super().clean(value))
        phones = {
            one: normalise_phone(one, region=settings.DEFAULT_PHONE_REGION)
            for one in given
        }
        wrong = [one for one, phone in phones.items() if phone is None]
        if wrong:
            raise ValidationError(f"No such phone: {', '.join(wrong)}.")
        return [phone for phone in phones.values() if phone]


class EmailsField(Lines):
    """E-mails, one a line; case-folded when cleaned."""

    def clean(self, value: Any) -> list[str]:
        emails = [normalise_email(one) for one in _lines(super().clean(value))]
        wrong = [one for one in emails if not is_email(one)]
        if wrong:
            raise ValidationError(f"Not an e-mail address: {', '.join(wrong)}.")
        return emails


class CustomerForm(ActionForm):
    """Who they are and how they are reached."""

    name = Line(max_length=120)
    phones = PhonesField(
        label="Phones, one a line; the first is called", required=False
    )
    emails = EmailsField(label="E-mails, one a line", required=False)
    notes = Lines(required=False, max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("phones", "emails"):
            self.fields[name].widget.attrs["rows"] = 2
        if self.thing is not None:
            self._show(self.thing)

    def _show(self, customer: Customer) -> None:
        listed = list(customer.contact_methods.all())
        listed.sort(key=lambda one: not one.is_primary)
        for name, kind in (
            ("phones", ContactKind.PHONE),
            ("emails", ContactKind.EMAIL),
        ):
            values = [one.value for one in listed if one.kind == kind]
            self.fields[name].initial = "\n".join(values)
        self.fields["name"].initial = customer.name
        self.fields["notes"].initial = customer.notes

    def contacts(self) -> list[tuple[ContactKind, str]]:
        """Return all contacts, the primary one of a kind first."""
        data = self.cleaned_data
        phones = [(ContactKind.PHONE, one) for one in data["phones"]]
        return [*phones, *((ContactKind.EMAIL, one) for one in data["emails"])]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if len(data.get("phones", [])) + len(data.get("emails", [])) > _MOST_CONTACTS:
            raise ValidationError(f"At most {_MOST_CONTACTS} phones and e-mails.")
        return data

    def run(self) -> Customer:
        data = self.cleaned_data
        if self.thing is None:
            return services.create_customer(
                name=data["name"],
                notes=data["notes"],
                contacts=self.contacts(),
                **self.shared(),
            )
        changes = {
            "name": data["name"],
            "notes": data["notes"],
            "contacts": self.contacts(),
        }
        return services.update_customer(
            customer_id=self.thing.pk, changes=changes, **self.shared()
        )


class AddressForm(ActionForm):
    """Another place where visits may happen."""

    line1 = Line(label="Street", max_length=200)
    line2 = Line(label="Unit", required=False, max_length=100)
    postal_code = Line(label="ZIP", max_length=10)
    city = Line(label="City (else as the ZIP says)", required=False, max_length=100)
    region = Line(label="State (else as the ZIP says)", required=False, max_length=50)
    access_notes = Line(label="How to get in", required=False, max_length=500)

    def run(self) -> Property:
        data = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "version"
        }
        return services.add_property(
            customer_id=self.thing.pk,
            form=services.PropertyForm(**data),
            actor=self.actor,
            now=self.now,
        )


def _lines(text: str) -> list[str]:
    """Return the lines that say something, each once."""
    return list(
        dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    )
