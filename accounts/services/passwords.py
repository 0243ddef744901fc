"""Check passwords and change them."""

import uuid
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import AttemptScope, User
from accounts.services.attempts import forget_attempts, take_attempt
from accounts.services.locking import locked_user
from core.actors import Actor
from core.errors import Invalid
from core.events import emit
from core.text import normalise_email

# So many wrong passwords within so long close the account for as long again.
LOCK_AFTER = 10
LOCK_WINDOW = timedelta(minutes=15)


def check_credentials(*, email: str, password: str, now: datetime) -> User | None:
    """Return the active user with that e-mail and password, or None.

    None tells nothing: a wrong password, an unknown e-mail, a deactivated user and a
    locked account cost the same queries and the same one hash.
    """
    email = normalise_email(email)
    pause = take_attempt(
        scope=AttemptScope.PASSWORD,
        key=email,
        limit=LOCK_AFTER,
        window=LOCK_WINDOW,
        now=now,
    )
    user = User.objects.filter(email=email).first()
    if user is None or not user.is_active or pause is not None:
        make_password(password)  # as much work as a check
        return None
    version = user.token_version
    if not user.check_password(password):
        return None
    # A right password may be hashed anew, by newer means; it is no new password.
    user.token_version = version
    forget_attempts(scope=AttemptScope.PASSWORD, key=email)
    return user


@transaction.atomic
def change_password(
    *, user_id: uuid.UUID, password: str, by: Actor, now: datetime
) -> User:
    """Give a user another password and end all their sessions.

    Emits:
        user.password_changed
    Raises:
        Invalid: the password is too weak.
    """
    user = locked_user(user_id)
    require_strong(password, user=user)
    user.set_password(password)  # which ends all sessions
    user.version += 1
    user.save(update_fields=["password", "token_version", "version", "updated_at"])
    emit("user.password_changed", of=("user", user.pk), actor=by, now=now)
    return user


def change_own_password(
    *, user: User, current: str, new: str, by: Actor, now: datetime
) -> User:
    """Give oneself another password; all sessions end, the present one included.

    Emits:
        user.password_changed
    Raises:
        Invalid: the current password is wrong, or the new one too weak.
    """
    # Not in one transaction with the change: a wrong guess must stay counted.
    if check_credentials(email=user.email, password=current, now=now) is None:
        detail = "This is not your current password."
        wrong = {"pointer": "/current", "code": "wrong_password", "detail": detail}
        raise Invalid([wrong])  # type: ignore[list-item]  # a FieldError
    return change_password(user_id=user.pk, password=new, by=by, now=now)


def require_strong(password: str, *, user: User, pointer: str = "/password") -> None:
    """Refuse a password that is easy to guess.

    Raises:
        Invalid: with one entry for each fault.
    """
    try:
        validate_password(password, user=user)
    except ValidationError as refusal:
        raise Invalid(
            [
                {
                    "pointer": pointer,
                    "code": fault.code or "invalid",
                    "detail": " ".join(fault.messages),
                }
                for fault in refusal.error_list
            ]
        ) from refusal
