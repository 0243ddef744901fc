"""People who sign in, as admins see them."""

from accounts.admin.users import UserAdmin

__all__ = ["UserAdmin"]
