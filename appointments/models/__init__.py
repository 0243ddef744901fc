"""Services, visits, who is on them, and what limits them."""

from appointments.models.daily import BranchDay
from appointments.models.days import RosterVersion, TechnicianDay
from appointments.models.holds import Hold
from appointments.models.limits import Cap, PreferenceKind, TechnicianPreference
from appointments.models.plans import MaintenancePlan, PlanOccurrence, PlanSeason
from appointments.models.services import BookingMode, Service
from appointments.models.visits import Appointment, Assignment

__all__ = [
    "Appointment",
    "Assignment",
    "BookingMode",
    "BranchDay",
    "Cap",
    "Hold",
    "MaintenancePlan",
    "PlanOccurrence",
    "PlanSeason",
    "PreferenceKind",
    "RosterVersion",
    "Service",
    "TechnicianDay",
    "TechnicianPreference",
]
