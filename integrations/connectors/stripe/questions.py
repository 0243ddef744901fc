"""What a connection to Stripe has to be told."""

from integrations.connectors.port import Question

# The version whose answers this connector was written for.
VERSION = "2026-10-28.endive"

QUESTIONS = (
    Question(
        name="secret_key",
        label="Secret key",
        is_secret=True,
        help="sk_live_..., sk_test_..., or a restricted key (rk_...) that may write "
        "Checkout Sessions and Refunds, and read PaymentIntents and Events.",
    ),
    Question(
        name="webhook_secret",
        label="Signing secret of the webhook",
        is_secret=True,
        is_required=False,
        help="whsec_...; Stripe shows it when the endpoint is added.",
    ),
    Question(
        name="api_version",
        label="API version",
        is_required=False,
        default=VERSION,
        help="Answers come in this version, whatever the account's default is.",
    ),
)
