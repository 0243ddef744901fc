"""Print an access token of a new administrator: `python -m bench.signing_in`."""

import sys

import django
from django.utils import timezone


def main() -> None:
    """Open a session in the database that the environment names."""
    # They need Django to be set up.
    from accounts.api.tokens import token_pair  # noqa: PLC0415
    from accounts.models import User  # noqa: PLC0415
    from accounts.services.sessions import begin_session  # noqa: PLC0415
    from core.actors import Role  # noqa: PLC0415

    user = User.objects.filter(role=Role.ADMIN, is_active=True).earliest("created_at")
    now = timezone.now()
    grant = begin_session(user=user, client="bench", now=now)
    sys.stdout.write(str(token_pair(grant, now=now)["access"]))


if __name__ == "__main__":
    django.setup()
    main()
