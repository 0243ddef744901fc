"""The buttons on a technician's page."""

from core.admin.actions import Action
from technicians.admin import forms, row_forms

ADD = Action(
    slug="add",
    submit="Save",
    label="New technician",
    icon="person_add",
    form=forms.TechnicianForm,
    done="The technician is taken on. Add shifts and skills to book visits.",
)
TECHNICIAN_ACTIONS = (
    Action(
        slug="edit",
        submit="Save",
        label="Edit",
        icon="edit",
        form=forms.TechnicianForm,
        done="The technician is saved.",
        style="primary",
    ),
    Action(
        slug="shifts",
        submit="Save",
        label="Weekly shifts",
        icon="schedule",
        form=row_forms.ShiftsForm,
        done="The shifts are saved.",
        hint="By the branch's clock. Visits booked outside of them stand in the way.",
    ),
    Action(
        slug="skills",
        submit="Save",
        label="Skills",
        icon="workspace_premium",
        form=row_forms.SkillsForm,
        done="The skills are saved.",
    ),
    Action(
        slug="time-off",
        submit="Save",
        label="Time off",
        icon="beach_access",
        form=forms.TimeOffForm,
        done="The absence is noted.",
        hint="By the branch's clock. Visits booked in it stand in the way.",
    ),
    Action(
        slug="exception",
        submit="Save",
        label="Other hours",
        icon="edit_calendar",
        form=forms.ExceptionForm,
        done="The exception is noted.",
        hint="One day on which other hours hold than the weekly ones, or none.",
    ),
    Action(
        slug="remove",
        label="Remove absence",
        icon="event_busy",
        form=forms.RemoveForm,
        done="It is removed.",
        hint="An absence, or an exception to the weekly shifts, that lies ahead.",
    ),
    Action(
        slug="deactivate",
        label="Deactivate",
        icon="person_off",
        form=forms.DeactivateForm,
        is_open=lambda technician: technician.is_active,
        done="No more visits are booked for the technician.",
        hint="Visits that are booked stand in the way: give them to others first.",
        style="danger",
    ),
    Action(
        slug="reactivate",
        label="Reactivate",
        icon="person_check",
        form=forms.ReactivateForm,
        is_open=lambda technician: not technician.is_active,
        done="Visits are booked for the technician again.",
    ),
)
