"""Which of our fields is which of a member's, to begin with.

Nothing of it comes in: Mailchimp owns nothing of a customer but the answer to
advertising, and that is no field.
"""

from integrations.connectors.port import MappedField

_FIELDS = {
    "email": "email_address",
    "first_name": "merge_fields.FNAME",
    "last_name": "merge_fields.LNAME",
    "phone": "merge_fields.PHONE",
    "line1": "merge_fields.ADDRESS.addr1",
    "line2": "merge_fields.ADDRESS.addr2",
    "city": "merge_fields.ADDRESS.city",
    "region": "merge_fields.ADDRESS.state",
    "postal_code": "merge_fields.ADDRESS.zip",
    "country": "merge_fields.ADDRESS.country",
    # Not a field of theirs: it decides on `status_if_new`.
    "email_marketing": "consent",
}
# Tags; each name below `tags.` is only there to tell them apart.
_TAGS = {"service": "tags.service", "source": "tags.source"}

# Ours by theirs: to know what a blank stands for.
OURS_BY_MERGE_FIELD = {
    remote.removeprefix("merge_fields."): field
    for field, remote in _FIELDS.items()
    if remote.startswith("merge_fields.")
}

MAPPING = tuple(
    MappedField(kind=kind, field=field, remote=remote, direction="out")
    for kind, fields in (("customer", _FIELDS), ("lead", {**_FIELDS, **_TAGS}))
    for field, remote in fields.items()
)
