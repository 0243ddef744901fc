"""The admin site: its frame, and the company's own pages."""

from core.admin.company import LocationAdmin, ZoneAdmin
from core.admin.deliveries import OutboxMessageAdmin
from core.admin.holidays import HolidayAdmin
from core.admin.records import EventAdmin, IdempotencyRecordAdmin

__all__ = [
    "EventAdmin",
    "HolidayAdmin",
    "IdempotencyRecordAdmin",
    "LocationAdmin",
    "OutboxMessageAdmin",
    "ZoneAdmin",
]
