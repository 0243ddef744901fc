"""Users, the branches they belong to, and the tokens they hold."""

from typing import Any, ClassVar

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core.actors import Role
from core.ids import uuid7
from core.models import Location, TimeStamped
from core.text import normalise_email

ROLE_CHOICES = [
    (role.value, role.value.title()) for role in Role if role != Role.ANONYMOUS
]


class UserManager(BaseUserManager["User"]):
    """Makes users whose e-mail is normalised and whose password is hashed."""

    def create_user(
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        fields |= {"role": Role.ADMIN, "is_superuser": True}
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin, TimeStamped):
    """Somebody who signs in, with one role and the branches they belong to.

    `token_version` is part of every token: raising it ends all of them at once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=ROLE_CHOICES)
    locations = models.ManyToManyField(
        Location, through="Membership", related_name="members"
    )
    is_active = models.BooleanField(default=True)
    token_version = models.PositiveIntegerField(default=1, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_unique"),
            models.CheckConstraint(
                name="user_role_is_known",
                condition=Q(role__in=[value for value, _ in ROLE_CHOICES]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @property
    def is_staff(self) -> bool:
        """Tell whether the admin site lets them in."""
        return self.is_active and self.role in {
            Role.ADMIN,
            Role.DISPATCHER,
            Role.VIEWER,
        }


class Membership(models.Model):
    """A user belongs to a branch."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    location = models.ForeignKey(Location, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "location", name="member_once_per_branch"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.location}"
