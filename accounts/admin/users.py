"""People who sign in. Nobody but admins sees them; services change them."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.admin import forms
from accounts.models import ROLE_CHOICES, User
from accounts.selectors import users_with_branches
from core.actors import Role
from core.admin.actions import Action, PageAdmin
from core.admin.base import AdminsOnly, DropdownFilter
from core.admin.display import Tone, badge, moment_text, two_lines
from core.admin.history import history_of

_UTC = ZoneInfo("UTC")
_TONES = {
    Role.ADMIN: Tone.SENT,
    Role.DISPATCHER: Tone.CALM,
    Role.TECHNICIAN: Tone.ACTIVE,
    Role.VIEWER: Tone.DONE,
    Role.INTEGRATION: Tone.WAITING,
}


class RoleFilter(DropdownFilter):
    """What they are to the company."""

    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return ROLE_CHOICES

    def queryset(self, request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
        return users.filter(role=self.value()) if self.value() else users


@admin.register(User)
class UserAdmin(AdminsOnly, PageAdmin):
    """Accounts."""

    list_display = ("who", "role_badge", "branches", "is_active", "last_seen")
    list_filter = (RoleFilter,)
    ordering = ("name", "pk")
    search_fields = ("name", "email")
    add_action = Action(
        slug="add",
        submit="Save",
        label="New user",
        icon="person_add",
        form=forms.UserForm,
        done="The account is open.",
    )
    page_actions = (
        Action(
            slug="edit",
            submit="Save",
            label="Edit",
            icon="edit",
            form=forms.UserEditForm,
            done="The user is saved.",
            hint="Another role or other branches end all sessions.",
            style="primary",
        ),
        Action(
            slug="password",
            submit="Save",
            label="Set password",
            icon="key",
            form=forms.PasswordForm,
            done="The password is set; all sessions have ended.",
            hint="Tell them by another way than e-mail, and let them change it.",
        ),
        Action(
            slug="deactivate",
            label="Deactivate",
            icon="person_off",
            form=forms.DeactivateForm,
            is_open=lambda user: user.is_active,
            done="The account is closed; all sessions have ended.",
            style="danger",
        ),
        Action(
            slug="reactivate",
            label="Reactivate",
            icon="person_check",
            form=forms.ReactivateForm,
            is_open=lambda user: not user.is_active,
            done="The account is open again.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return users_with_branches()

    def facts(self, request: HttpRequest, thing: User) -> dict[str, Any]:
        state = "Active" if thing.is_active else "Deactivated"
        return {
            "heading": thing.name,
            "badges": self.role_badge(thing),
            "sections": [
                (
                    "Account",
                    [
                        ("E-mail", thing.email),
                        ("Branches", self.branches(thing)),
                        ("State", state),
                        ("Last sign-in", self.last_seen(thing)),
                    ],
                )
            ],
            "history": history_of("user", thing.pk, titles={}, zone=_UTC),
        }

    def summary(self, thing: User) -> list[tuple[str, Any]]:
        return [("User", str(thing)), ("Role", self.role_badge(thing))]

    @admin.display(description="Name", ordering="name")
    def who(self, user: User) -> SafeString:
        return two_lines(user.name, user.email)

    @admin.display(description="Role", ordering="role")
    def role_badge(self, user: User) -> SafeString:
        role = Role(user.role)
        return badge(role.title(), _TONES[role])

    @admin.display(description="Branches")
    def branches(self, user: User) -> str:
        if user.role == Role.ADMIN:
            return "All"
        return ", ".join(branch.name for branch in user.locations.all()) or "-"

    @admin.display(description="Last sign-in", ordering="last_login")
    def last_seen(self, user: User) -> str:
        return moment_text(user.last_login, zone=_UTC)
