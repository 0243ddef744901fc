"""Users, the branches they belong to, their sessions, and who tries to get in."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts.rules.policy import enters_admin_site, may_in_admin_site
from core.actors import Role
from core.ids import uuid7
from core.models import Location, TimeStamped, Versioned
from core.text import normalise_email

ROLE_CHOICES = [
    (role.value, role.value.title()) for role in Role if role != Role.ANONYMOUS
]


class UserManager(BaseUserManager["User"]):
    """Makes users whose e-mail is normalised and whose password is hashed.

    People are created by `accounts.services.create_user`, which also says who did it;
    this is what it, tests and Django's own `createsuperuser` stand on.
    """

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
        return self.create_user(email, password, **fields | {"role": Role.ADMIN})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))


class User(AbstractBaseUser, TimeStamped, Versioned):
    """Somebody who signs in, with one role and the branches they belong to.

    The role alone says what they may do, here and on the admin site: there are no
    groups nor superusers beside it. `token_version` is part of every session and
    token: raising it ends all of them at once.
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

    def set_password(self, raw_password: str | None) -> None:
        """Give another password; whoever saves it ends all sessions and tokens."""
        super().set_password(raw_password)
        self.token_version += 1

    def get_session_auth_hash(self) -> str:
        """Return what ties an admin session to the password and the tokens' version."""
        text = f"{self.password}:{self.token_version}"
        salt = "accounts.User.get_session_auth_hash"
        return salted_hmac(salt, text, algorithm="sha256").hexdigest()

    def get_full_name(self) -> str:
        """Return the name that the admin site greets with."""
        return self.name

    # What the admin site asks; see accounts.rules.policy.

    @property
    def is_staff(self) -> bool:
        """Tell whether the admin site lets them in."""
        return self.is_active and enters_admin_site(Role(self.role))

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and may_in_admin_site(
            role=Role(self.role), permission=perm
        )

    def has_module_perms(self, app_label: str) -> bool:
        return self.has_perm(f"{app_label}.view_")


class Membership(models.Model):
    """A user belongs to a branch."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    location = models.ForeignKey(Location, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "location"], name="member_once_per_branch"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.location}"


class RevocationReason(models.TextChoices):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REUSE = "reuse", "A refresh token was used twice"


class RefreshFamily(models.Model):
    """One session: a sign-in, and all the refresh tokens that followed from it.

    It lives while it is not revoked, not past `expires_at` (however often it was
    refreshed), and the user's `token_version` is the one it began with.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="refresh_families")
    token_version = models.PositiveIntegerField()
    client = models.CharField("user agent", max_length=200, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(
        max_length=10, choices=RevocationReason, blank=True
    )

    class Meta:
        verbose_name = "session"
        constraints = [
            models.CheckConstraint(
                name="refresh_family_expires_after_it_begins",
                condition=Q(expires_at__gt=F("created_at")),
            ),
            models.CheckConstraint(
                name="refresh_family_revoked_with_a_reason",
                condition=Q(revoked_at=None, revoked_reason="")
                | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="refresh_family_by_expiry")]

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """A refresh token, good for one use. Only a hash of its id (`jti`) is kept."""

    jti_hash = models.CharField(max_length=64)
    family = models.ForeignKey(RefreshFamily, models.CASCADE, related_name="tokens")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["jti_hash"], name="refresh_token_jti_is_unique"
            ),
            models.CheckConstraint(
                name="refresh_token_expires_after_it_is_issued",
                condition=Q(expires_at__gt=F("issued_at")),
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="refresh_token_by_expiry")]

    def __str__(self) -> str:
        return f"issued {self.issued_at:%Y-%m-%d %H:%M}"


class AttemptScope(models.TextChoices):
    """What is counted: wrong passwords, or calls that Redis cannot count now."""

    PASSWORD = "password"  # noqa: S105  # a name
    LOGIN_ACCOUNT = "login_account"
    LOGIN_ADDRESS = "login_address"


class AttemptCounter(models.Model):
    """How often somebody has tried to get in since `started_at`.

    `key_hash` hides whose: an e-mail (known to us or not) or an address.
    """

    scope = models.CharField(max_length=20, choices=AttemptScope)
    key_hash = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "key_hash"], name="attempts_counted_once"
            ),
            models.CheckConstraint(
                name="attempts_are_at_least_one", condition=Q(count__gte=1)
            ),
        ]
        indexes = [models.Index(fields=["started_at"], name="attempts_by_time")]

    def __str__(self) -> str:
        return f"{self.count} of {self.scope}"
