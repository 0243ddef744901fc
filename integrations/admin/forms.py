"""The forms behind a subscriber's buttons."""

from typing import Any

from django import forms

from core.admin.forms import ActionForm, Line
from core.models import Location, OutboxMessage
from integrations import services
from integrations.models import WebhookEndpoint
from integrations.selectors import event_names


class _EndpointFields(ActionForm):
    """What an endpoint is told, and where."""

    url = Line(label="URL", max_length=2000)
    description = Line(required=False, max_length=200)
    names = forms.MultipleChoiceField(
        label="Events (none: all)",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["names"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  # for the type checker
        field.choices = [(name, name) for name in event_names()]


class NewEndpointForm(_EndpointFields):
    """Subscribe a URL."""

    location = forms.ModelChoiceField(
        Location.objects.order_by("name"),
        label="Branch",
        required=False,
        empty_label="All branches",
        widget=forms.Select({"class": "fb-input"}),
    )

    def run(self) -> WebhookEndpoint:
        data = self.cleaned_data
        return services.create_endpoint(
            url=data["url"],
            description=data["description"],
            event_names=data["names"],
            location=data["location"],
            actor=self.actor,
            now=self.now,
        )

    def shown_once(self, made: WebhookEndpoint) -> str:
        return str(made.secret)


class EndpointForm(_EndpointFields):
    """Change a subscriber; switched off, what waits for it is parked."""

    is_active = forms.BooleanField(label="Switched on", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("url", "description", "is_active"):
            self.fields[name].initial = getattr(self.thing, name)
        self.fields["names"].initial = self.thing.event_names

    def run(self) -> WebhookEndpoint:
        data = self.cleaned_data
        changes = {name: data[name] for name in ("url", "description", "is_active")}
        return services.update_endpoint(
            endpoint_id=self.thing.pk,
            changes=changes | {"event_names": data["names"]},
            **self.shared(),
        )


class TestForm(ActionForm):
    """Send an event of no meaning."""

    def run(self) -> OutboxMessage:
        return services.send_test(
            endpoint_id=self.thing.pk, actor=self.actor, now=self.now
        )


class RotateForm(ActionForm):
    """Give it a new secret."""

    def run(self) -> WebhookEndpoint:
        return services.rotate_secret(
            endpoint_id=self.thing.pk, actor=self.actor, now=self.now
        )

    def shown_once(self, made: WebhookEndpoint) -> str:
        return str(made.secret)


class DeleteForm(ActionForm):
    """Remove it, and call off what waits for it."""

    def run(self) -> None:
        services.delete_endpoint(endpoint_id=self.thing.pk, **self.shared())
