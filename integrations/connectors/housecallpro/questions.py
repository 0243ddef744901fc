"""What a connection to Housecall Pro has to be told."""

from integrations.connectors import origins
from integrations.connectors.port import Question

QUESTIONS = (
    Question(
        name="api_key",
        label="API key or token",
        is_secret=True,
        help="My Apps > App Store > API. It needs their MAX plan.",
    ),
    Question(
        name="key_type",
        label="Kind of key",
        is_required=False,
        default="company",
        help="company (made by the company), application (a partner's) or oauth.",
    ),
    Question(
        name="company_id",
        label="Company ID",
        is_required=False,
        help="Only for a key of several locations: which one this connection is.",
    ),
    Question(
        name="phone_format",
        label="How phones are written there",
        is_required=False,
        default="digits",
        help="digits (the last ten, without country) or e164.",
    ),
    Question(
        name="invoice_number",
        label="Invoice numbers",
        is_required=False,
        default="digits",
        help="digits (made of the visit's reference), reference (as it is) or none. "
        "With none, a job whose answer got lost is found by its time alone.",
    ),
    Question(
        name="notify_customers",
        label="Let Housecall write to customers",
        is_required=False,
        default="no",
        help="yes, unless our own messages are on: else customers hear twice.",
    ),
    Question(
        name="notify_technicians",
        label="Let Housecall write to technicians",
        is_required=False,
        default="yes",
    ),
    Question(
        name="overlap_minutes",
        label="Read again what changed in the last minutes",
        is_required=False,
        default="10",
        help="Polls overlap, as their times of change may be late.",
    ),
    Question(
        name="schedule_days",
        label="Days of the calendar that are read as a whole",
        is_required=False,
        default="14",
        help="Finds what changed without its time of change saying so.",
    ),
    *origins.QUESTIONS,
)
