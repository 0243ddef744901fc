"""Changes to users and their sessions."""

from accounts.services.attempts import take_attempt
from accounts.services.passwords import (
    change_own_password,
    change_password,
    check_credentials,
)
from accounts.services.sessions import (
    Grant,
    RefreshInProgress,
    RefreshReused,
    TokenRefused,
    begin_session,
    end_session,
    prune,
    refresh_session,
)
from accounts.services.users import (
    EmailTaken,
    LastAdmin,
    change_role,
    create_user,
    deactivate,
    reactivate,
    set_memberships,
    update_user,
)

__all__ = [
    "EmailTaken",
    "Grant",
    "LastAdmin",
    "RefreshInProgress",
    "RefreshReused",
    "TokenRefused",
    "begin_session",
    "change_own_password",
    "change_password",
    "change_role",
    "check_credentials",
    "create_user",
    "deactivate",
    "end_session",
    "prune",
    "reactivate",
    "refresh_session",
    "set_memberships",
    "take_attempt",
    "update_user",
]
