"""A fake of Housecall Pro: customers, leads, jobs with appointments, webhooks.

Written from the vendor's published description and from live traffic that others have
recorded. What those leave open is decided here: how a key of the wrong kind and a
repeated invoice number are refused, and what the body of a subscription holds.
"""

from integrations.sandbox.housecallpro.vendor import (
    ACCESS_TOKEN,
    APPLICATION_KEY,
    COMPANY_KEY,
    WEBHOOK_SECRET,
    HousecallPro,
)

__all__ = [
    "ACCESS_TOKEN",
    "APPLICATION_KEY",
    "COMPANY_KEY",
    "WEBHOOK_SECRET",
    "HousecallPro",
]
