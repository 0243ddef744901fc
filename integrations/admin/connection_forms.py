"""The forms behind a connection's buttons; their fields are the vendor's questions."""

from typing import Any

from django import forms

from core.admin.forms import ActionForm, Line, reason_field
from core.errors import Conflict
from core.models import Location
from integrations import selectors, services
from integrations.connectors.port import Connector, Question
from integrations.connectors.registry import (
    connector_of,
    is_offered,
    offered_vendors,
)
from integrations.models import Connection

_INPUT = {"class": "fb-input", "autocomplete": "off"}
# Before the names of fields, so that a vendor's question never meets one of ours.
_SETTING, _SECRET, _HOST = "setting_", "secret_", "host_"


class CheckFailed(Conflict):
    """The vendor did not answer as it should."""

    code = "check_failed"
    title = "The vendor does not take us"


class _AnswersForm(ActionForm):
    """Fields for what a vendor asks."""

    body = "admin/action/connection.html"

    name = Line(max_length=80)
    location = forms.ModelChoiceField(
        Location.objects.order_by("name"),
        label="Branch",
        required=False,
        empty_label="All branches",
        widget=forms.Select({"class": "fb-input"}),
    )
    calls_per_second = forms.FloatField(
        label="Calls per second",
        required=False,
        min_value=0.01,
        max_value=1000,
        widget=forms.NumberInput({"class": "fb-input", "step": "any"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first = ["name", "location"]

    def ask(self, connector: Connector) -> None:
        """Add a field for each question, and one for each host."""
        had = self.thing.settings if self.thing else {}
        secrets = selectors.credentials_set(self.thing) if self.thing else []
        for question in connector.questions:
            if question.is_secret:
                name = _SECRET + question.name
                is_set = question.name in secrets
                self.fields[name] = _secret_field(question, is_set=is_set)
            else:
                name = _SETTING + question.name
                self.fields[name] = _setting_field(question)
                value = had.get(question.name, question.default)
                self.fields[name].initial = value
            if question.is_required and not question.default:
                self.first.append(name)
        for name, usual in connector.hosts.items():
            field = Line(label=f"Host: {name}", required=False, max_length=2000)
            field.help_text = f"Empty: {usual}"
            field.initial = had.get("hosts", {}).get(name, "")
            self.fields[_HOST + name] = field
        usual_pace = f"Empty: {connector.calls_per_second:g}, as the vendor allows."
        self.fields["calls_per_second"].help_text = usual_pace

    def asked_first(self) -> list[forms.BoundField]:
        """Return the fields without which there is no connection."""
        return [self[name] for name in self.first]

    def asked_later(self) -> list[forms.BoundField]:
        """Return the fields that mostly stay as they are."""
        return [each for each in self.visible_fields() if each.name not in self.first]

    def is_wrong_later(self) -> bool:
        """Tell whether one of those has to be seen."""
        return any(each.errors for each in self.asked_later())

    def answers(self) -> dict[str, dict[str, Any]]:
        """Return settings, hosts among them, and those credentials that were typed."""
        data = self.cleaned_data
        hosts = self._named(_HOST, data)
        return {
            "settings": {
                **self._named(_SETTING, data),
                "hosts": {name: url for name, url in hosts.items() if url},
            },
            "credentials": {
                name: value
                for name, value in self._named(_SECRET, data).items()
                if value
            },
        }

    def plain(self) -> dict[str, Any]:
        names = ("name", "location", "calls_per_second")
        return {name: self.cleaned_data[name] for name in names}

    def _named(self, prefix: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            name.removeprefix(prefix): value
            for name, value in data.items()
            if name.startswith(prefix)
        }


class NewConnectionForm(_AnswersForm):
    """Connect a vendor: choose it first, then answer its questions."""

    inbound_secret = forms.CharField(
        label="Secret that signs callbacks",
        required=False,
        max_length=200,
        help_text="Where the vendor has made it. Empty: we make one.",
        widget=forms.PasswordInput(_INPUT),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.vendor = self.query.get("vendor", "")
        if is_offered(self.vendor):
            self.ask(connector_of(self.vendor))
        else:
            self.body = "admin/action/vendors.html"
            self.fields.clear()

    def more(self) -> dict[str, Any]:
        return {"vendors": offered_vendors()}

    def run(self) -> Connection:
        given = {**self.plain(), **self.answers()}
        given["inbound_secret"] = self.cleaned_data["inbound_secret"]
        form = services.ConnectionForm(vendor=self.vendor, **given)
        return services.create_connection(form=form, actor=self.actor, now=self.now)

    def is_valid(self) -> bool:
        return is_offered(self.vendor) and super().is_valid()


class ConnectionForm(_AnswersForm):
    """Change a connection; a secret that is left empty stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "location", "calls_per_second"):
            self.fields[name].initial = getattr(self.thing, name)
        if is_offered(self.thing.vendor):
            self.ask(connector_of(self.thing.vendor))

    def run(self) -> Connection:
        changes = self.plain()
        if is_offered(self.thing.vendor):
            changes |= self.answers()
        return services.update_connection(
            connection_id=self.thing.pk, changes=changes, **self.shared()
        )


class ReauthoriseForm(ActionForm):
    """New credentials, tried before they are stored."""

    body = "admin/action/asked.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        had = selectors.credentials_set(self.thing)
        for question in connector_of(self.thing.vendor).questions:
            if question.is_secret:
                is_set = question.name in had
                self.fields[question.name] = _secret_field(question, is_set=is_set)

    def run(self) -> Connection:
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "version" and value
        }
        return services.reauthorise_connection(
            connection_id=self.thing.pk, credentials=given, **self.shared()
        )


class TestForm(ActionForm):
    """Ask the vendor whether it knows us."""

    def run(self) -> None:
        check = services.check_connection(
            connection_id=self.thing.pk, actor=self.actor, now=self.now
        )
        if not check.is_ok:
            raise CheckFailed(check.said)


class PauseForm(ActionForm):
    """Leave the vendor alone for now."""

    reason = reason_field(required=False)

    def run(self) -> Connection:
        return services.pause_connection(
            connection_id=self.thing.pk,
            reason=self.cleaned_data["reason"],
            **self.shared(),
        )


class ResumeForm(ActionForm):
    """Use it again."""

    def run(self) -> Connection:
        return services.resume_connection(connection_id=self.thing.pk, **self.shared())


class RotateSecretForm(ActionForm):
    """Another secret that signs callbacks."""

    body = "admin/action/asked.html"
    secret = forms.CharField(
        label="New secret",
        required=False,
        max_length=200,
        help_text="Where the vendor has made it. Empty: we make one and show it once.",
        widget=forms.PasswordInput(_INPUT),
    )

    def run(self) -> Connection:
        return services.rotate_inbound_secret(
            connection_id=self.thing.pk,
            secret=self.cleaned_data["secret"],
            **self.shared(),
        )

    def shown_once(self, made: Connection) -> str | None:
        return None if self.cleaned_data["secret"] else str(made.inbound_secret)


class RotateTokenForm(ActionForm):
    """Another URL for the vendor to call."""

    def run(self) -> Connection:
        return services.rotate_inbound_token(
            connection_id=self.thing.pk, **self.shared()
        )


class DeleteForm(ActionForm):
    """Remove it, and call off what waits for it."""

    def run(self) -> None:
        services.delete_connection(connection_id=self.thing.pk, **self.shared())


def _secret_field(question: Question, *, is_set: bool) -> forms.CharField:
    """Return a field that takes a secret and never shows one."""
    return forms.CharField(
        label=question.label,
        required=question.is_required and not is_set,
        max_length=2000,
        help_text="Set. Leave it empty to keep it." if is_set else question.help,
        widget=forms.PasswordInput({**_INPUT, "autocomplete": "new-password"}),
    )


def _setting_field(question: Question) -> Line:
    field = Line(label=question.label, required=question.is_required, max_length=2000)
    field.help_text = question.help
    return field
