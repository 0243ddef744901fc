"""The users of the demo: who signs in, as what, and for which branches."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password

from accounts.models import Membership, User
from config.demo.company import Branch, born
from config.demo.copying import copy_in
from config.demo.data.logins import PASSWORD, address
from config.demo.dice import Dice
from core.actors import Role
from technicians.models import Technician

_SIGNED_UP = timedelta(days=800)
_Plan = tuple[str, Role, Sequence[Branch]]


def open_accounts(
    branches: Sequence[Branch], *, technician: Technician, dice: Dice, now: datetime
) -> dict[str, User]:
    """Write the demo's users, all with the one PASSWORD, by their mailbox."""
    plans = _plans(branches, technician)
    signed_up = born(now - _SIGNED_UP)
    # One hash for all: argon2 is slow by design, and the password is public anyway.
    password = make_password(PASSWORD)
    users = {
        mailbox: User(
            id=dice.uuid(signed_up["created_at"]),
            email=address(mailbox),
            name=name,
            role=role,
            password=password,
            **signed_up,
        )
        for mailbox, (name, role, _) in plans.items()
    }
    copy_in(list(users.values()))
    copy_in(
        [
            Membership(user=users[mailbox], location=branch.location)
            for mailbox, (_, _, where) in plans.items()
            for branch in where
        ]
    )
    technician.user = users["tech"]
    technician.save(update_fields=["user"])
    return users


def _plans(branches: Sequence[Branch], technician: Technician) -> dict[str, _Plan]:
    dispatchers: dict[str, _Plan] = {
        f"dispatcher.{branch.plan.code}": (
            f"Dispatch {branch.plan.city}",
            Role.DISPATCHER,
            [branch],
        )
        for branch in branches
    }
    return {
        "admin": ("Ada Larkspur", Role.ADMIN, branches),
        **dispatchers,
        "tech": (technician.name, Role.TECHNICIAN, branches[:1]),
        "viewer": ("Vera Nowak", Role.VIEWER, branches),
        "integration": ("Website", Role.INTEGRATION, branches),
    }
