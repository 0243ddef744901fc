"""The forms behind a user's buttons."""

from typing import Any

from django import forms

from accounts import services
from accounts.models import ROLE_CHOICES, User
from core.actors import Role
from core.admin.forms import ActionForm, Line
from core.models import Location


class BranchesField(forms.ModelMultipleChoiceField):
    """The branches somebody belongs to."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        branches = Location.objects.order_by("name")
        super().__init__(branches, label="Branches", required=False, **kwargs)


def password_field(*, label: str = "Password") -> forms.CharField:
    """Return a box for a password; the service says whether it is strong enough."""
    attrs = {"class": "fb-input", "autocomplete": "new-password"}
    return forms.CharField(
        label=label, strip=False, max_length=128, widget=forms.PasswordInput(attrs)
    )


def role_field() -> forms.ChoiceField:
    """Return the choice of what somebody is to the company."""
    return forms.ChoiceField(
        choices=ROLE_CHOICES, widget=forms.Select({"class": "fb-input"})
    )


class UserForm(ActionForm):
    """Open an account."""

    name = Line(max_length=100)
    email = Line(label="E-mail", max_length=254)
    role = role_field()
    branches = BranchesField()
    password = password_field()

    def run(self) -> User:
        data = self.cleaned_data
        return services.create_user(
            email=data["email"],
            name=data["name"],
            role=Role(data["role"]),
            password=data["password"],
            location_ids=[branch.pk for branch in data["branches"]],
            by=self.actor,
            now=self.now,
        )


class UserEditForm(ActionForm):
    """Change name, role and branches; a change of access ends their sessions."""

    name = Line(max_length=100)
    role = role_field()
    branches = BranchesField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].initial = self.thing.name
        self.fields["role"].initial = self.thing.role
        self.fields["branches"].initial = [one.pk for one in self.thing.locations.all()]

    def run(self) -> User:
        data = self.cleaned_data
        return services.update_user(
            user_id=self.thing.pk,
            name=data["name"],
            role=Role(data["role"]),
            location_ids=[branch.pk for branch in data["branches"]],
            version=data["version"],
            by=self.actor,
            now=self.now,
        )


class PasswordForm(ActionForm):
    """Give somebody another password."""

    password = password_field(label="New password")

    def run(self) -> User:
        return services.change_password(
            user_id=self.thing.pk,
            password=self.cleaned_data["password"],
            by=self.actor,
            now=self.now,
        )


class DeactivateForm(ActionForm):
    """Close the account."""

    def run(self) -> User:
        return services.deactivate(
            user_id=self.thing.pk,
            version=self.cleaned_data["version"],
            by=self.actor,
            now=self.now,
        )


class ReactivateForm(ActionForm):
    """Open the account again."""

    def run(self) -> User:
        return services.reactivate(
            user_id=self.thing.pk,
            version=self.cleaned_data["version"],
            by=self.actor,
            now=self.now,
        )
