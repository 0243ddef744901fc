"""The key that a visitor gets for the lead he left: it lets him book it."""

from datetime import timedelta
from uuid import UUID

from django.core import signing

from core.errors import Forbidden, Gone
from leads.models import Lead

LIFETIME = timedelta(hours=24)
_SALT = "leads.booking"


class LinkExpired(Gone):
    """The key was good, and is too old now."""

    code = "link_expired"
    title = "The link has expired"


def issue_booking_token(lead: Lead) -> str:
    """Return a signed key to this one lead, good for a day."""
    return signing.dumps(str(lead.pk), salt=_SALT)


def lead_id_of_token(token: str) -> UUID:
    """Return which lead the key is for.

    Raises:
        LinkExpired: it is more than a day old.
        Forbidden: we never gave it out.
    """
    try:
        return UUID(signing.loads(token, salt=_SALT, max_age=LIFETIME))
    except signing.SignatureExpired as error:
        raise LinkExpired("Please leave your wish again.") from error
    except signing.BadSignature as error:
        raise Forbidden("That is not a booking token.") from error
