"""What a connection to Mailchimp has to be told."""

from integrations.connectors.port import Question

QUESTIONS = (
    Question(
        name="api_key",
        label="API key",
        is_secret=True,
        help="Account > Extras > API keys; or an OAuth token.",
    ),
    Question(
        name="dc",
        label="Data centre",
        help="What stands after the dash of the key, such as us21.",
    ),
    Question(
        name="list_id",
        label="Audience ID",
        help="Audience > Settings > Audience name and defaults.",
    ),
    Question(
        name="key_type",
        label="Kind of key",
        is_required=False,
        default="api_key",
        help="api_key or oauth.",
    ),
    Question(
        name="double_opt_in",
        label="Have new members confirm",
        is_required=False,
        default="no",
        help="yes: who agreed is asked once more by Mailchimp before any campaign.",
    ),
    Question(
        name="confirm_known_contacts",
        label="Ask known contacts who agree later",
        is_required=False,
        default="no",
        help="yes: a member that was only transactional is asked by Mailchimp.",
    ),
    Question(
        name="tag",
        label="Tag for all that we send",
        is_required=False,
        default="Fieldbook",
    ),
    Question(
        name="address_members_by",
        label="How members are addressed",
        is_required=False,
        default="contact_id",
        help="contact_id, which outlives a change of the address, or hash. That paths"
        " take a contact_id stands in the description of the API, and is not tried.",
    ),
)
