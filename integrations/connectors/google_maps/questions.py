"""What a connection to Google Maps has to be told."""

from integrations.connectors.port import Question

QUESTIONS = (
    Question(
        name="api_key",
        label="API key",
        is_secret=True,
        help="Restrict it to the Geocoding and Routes APIs, and to our address.",
    ),
    Question(
        name="matrix",
        label="Where travel times come from",
        is_required=False,
        default="routes",
        help="routes, or legacy (Distance Matrix, which new projects cannot enable).",
    ),
    Question(
        name="traffic",
        label="Traffic",
        is_required=False,
        default="none",
        help="none, or rush: as on the next working day at the hour below.",
    ),
    Question(
        name="rush_hour_utc",
        label="The hour of traffic, UTC",
        is_required=False,
        default="15",
        help="0 to 23.",
    ),
    Question(
        name="region",
        label="Country",
        is_required=False,
        default="US",
        help="Addresses are looked for in this country only.",
    ),
)
