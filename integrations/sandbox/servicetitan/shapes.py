"""The bodies that ServiceTitan takes."""

from integrations.sandbox.servicetitan.reading import (
    Check,
    Shape,
    is_filled,
    is_flag,
    is_moment,
    is_number,
    is_numbers,
    is_text,
    one_of,
)

Members = dict[str, Check]

PRIORITY = one_of("Low", "Normal", "High", "Urgent")
CUSTOMER_TYPE = one_of("Residential", "Commercial")
CONTACT_TYPE = one_of("Phone", "MobilePhone", "Email", "Fax")

ADDRESS = Shape(
    dict.fromkeys(("street", "city", "state", "zip", "country"), is_filled),
    {"unit": is_text},
)
CONTACT = Shape({"type": CONTACT_TYPE, "value": is_filled}, {"memo": is_text})
CONTACT_CHANGE = Shape({}, {"type": CONTACT_TYPE, "value": is_filled, "memo": is_text})
CUSTOM_FIELD = Shape({"typeId": is_number, "value": is_text})
EXTERNAL_DATA = Shape(
    {
        "applicationGuid": is_filled,
        "externalData": [Shape({"key": is_filled, "value": is_text})],
    },
    {"patchMode": one_of("Replace", "Merge")},
)

_BOOKING: Members = {
    "source": is_filled,
    "name": is_filled,
    "summary": is_text,
    "isFirstTimeClient": is_flag,
    "externalId": is_filled,
}
_BOOKING_MORE: Members = {
    "address": ADDRESS,
    "contacts": [CONTACT],
    "customerType": CUSTOMER_TYPE,
    "start": is_moment,
    "campaignId": is_number,
    "businessUnitId": is_number,
    "jobTypeId": is_number,
    "priority": PRIORITY,
    "isSendConfirmationEmail": is_flag,
}
BOOKING = Shape(_BOOKING, _BOOKING_MORE)
BOOKING_CHANGE = Shape({}, {**_BOOKING, **_BOOKING_MORE})

LEAD = Shape(
    {"campaignId": is_number, "summary": is_text},
    {
        "customerId": is_number,
        "locationId": is_number,
        "businessUnitId": is_number,
        "jobTypeId": is_number,
        "priority": PRIORITY,
        "tagTypeIds": is_numbers,
        "callReasonId": is_number,
        "followUpDate": is_moment,
    },
)
LEAD_FORM = Shape(
    {"name": is_filled},
    {"email": is_text, "phoneNumber": is_text, "address": ADDRESS, "summary": is_text},
)
LEAD_CHANGE = Shape(
    {},
    {
        "campaignId": is_number,
        "priority": PRIORITY,
        "businessUnitId": is_number,
        "jobTypeId": is_number,
    },
)
DISMISSAL = Shape({"dismissingReasonId": is_number})
NOTE = Shape({"text": is_filled}, {"pinToTop": is_flag})

NEW_LOCATION = Shape(
    {"name": is_filled, "address": ADDRESS},
    {
        "contacts": [CONTACT],
        "customFields": [CUSTOM_FIELD],
        "tagTypeIds": is_numbers,
        "externalData": EXTERNAL_DATA,
    },
)
LOCATION = Shape(
    {"customerId": is_number, **NEW_LOCATION.required}, NEW_LOCATION.optional
)
LOCATION_CHANGE = Shape(
    {},
    {
        "name": is_filled,
        "address": ADDRESS,
        "active": is_flag,
        "externalData": EXTERNAL_DATA,
    },
)
_CUSTOMER_MORE: Members = {
    "type": CUSTOMER_TYPE,
    "doNotMail": is_flag,
    "doNotService": is_flag,
    "tagTypeIds": is_numbers,
    "customFields": [CUSTOM_FIELD],
    "externalData": EXTERNAL_DATA,
}
CUSTOMER = Shape(
    {"name": is_filled, "address": ADDRESS, "locations": [NEW_LOCATION]},
    {**_CUSTOMER_MORE, "contacts": [CONTACT]},
)
CUSTOMER_CHANGE = Shape(
    {}, {**_CUSTOMER_MORE, "name": is_filled, "address": ADDRESS, "active": is_flag}
)

TIMES = Shape(
    {"start": is_moment, "end": is_moment},
    {
        "arrivalWindowStart": is_moment,
        "arrivalWindowEnd": is_moment,
        "technicianIds": is_numbers,
        "specialInstructions": is_text,
    },
)
APPOINTMENT = Shape({"jobId": is_number, **TIMES.required}, TIMES.optional)
RESCHEDULE = Shape(
    {},
    dict.fromkeys(
        ("start", "end", "arrivalWindowStart", "arrivalWindowEnd"), is_moment
    ),
)
_JOB: Members = {
    "customerId": is_number,
    "locationId": is_number,
    "businessUnitId": is_number,
    "jobTypeId": is_number,
    "priority": PRIORITY,
    "campaignId": is_number,
}
_JOB_MORE: Members = {
    "summary": is_text,
    "tagTypeIds": is_numbers,
    "customFields": [CUSTOM_FIELD],
    "externalData": EXTERNAL_DATA,
    "customerPo": is_text,
}
JOB = Shape({**_JOB, "appointments": [TIMES]}, _JOB_MORE)
JOB_CHANGE = Shape({}, {**_JOB, **_JOB_MORE})
REASON = Shape({"reasonId": is_number, "memo": is_text})
COMPLETION = Shape({"completedOn": is_moment})
CREW = Shape({"jobAppointmentId": is_number, "technicianIds": is_numbers})
CAPACITY = Shape(
    {
        "startsOnOrAfter": is_moment,
        "endsOnOrBefore": is_moment,
        "skillBasedAvailability": is_flag,
    },
    {"businessUnitIds": is_numbers, "jobTypeId": is_number},
)
