"""Visits, services and their limits, as staff see them."""

from appointments.admin.catalogue import ServiceAdmin
from appointments.admin.limits import CapAdmin, TechnicianPreferenceAdmin
from appointments.admin.plans import MaintenancePlanAdmin, PlanOccurrenceAdmin
from appointments.admin.visits import AppointmentAdmin

__all__ = [
    "AppointmentAdmin",
    "CapAdmin",
    "MaintenancePlanAdmin",
    "PlanOccurrenceAdmin",
    "ServiceAdmin",
    "TechnicianPreferenceAdmin",
]
