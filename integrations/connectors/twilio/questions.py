"""What a connection to Twilio has to be told."""

from integrations.connectors.port import Question

QUESTIONS = (
    Question(
        name="account_sid",
        label="Account SID",
        help="Console > Account info; begins with AC.",
    ),
    Question(
        name="auth_token",
        label="Auth token",
        is_secret=True,
        help="Signs Twilio's callbacks, and calls too where there is no API key.",
    ),
    Question(
        name="api_key_sid",
        label="API key SID",
        is_required=False,
        help="Begins with SK; then its secret below proves our calls.",
    ),
    Question(
        name="api_key_secret", label="API key secret", is_secret=True, is_required=False
    ),
    Question(
        name="from_number",
        label="Number to send from",
        is_required=False,
        help="E.164; or a messaging service below.",
    ),
    Question(
        name="messaging_service_sid",
        label="Messaging service SID",
        is_required=False,
        help="Begins with MG.",
    ),
    Question(
        name="look_up_numbers",
        label="Look up numbers before the first text",
        is_required=False,
        default="no",
        help="yes: landlines get no texts. Twilio charges for each lookup.",
    ),
)
