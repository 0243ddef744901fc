"""How the admin looks: the settings of its theme."""

from typing import Any
from urllib.parse import quote

from django.templatetags.static import static

# An open notebook with a tick, in the house's colour.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#0f766e"/>'
    '<path d="M8 8.5h7.2c.9 0 .8.7.8.7v15s.1-.7-.8-.7H8z" fill="#ccfbf1"/>'
    '<path d="M24 8.5h-7.2c-.9 0-.8.7-.8.7v15s-.1-.7.8-.7H24z" fill="#fff"/>'
    '<path d="m18.2 15.6 1.7 1.8 3-3.6" fill="none" stroke="#0f766e" '
    'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
_ICON_URL = f"data:image/svg+xml,{quote(_ICON)}"

# Teal, one step darker than usual: white text on 600 keeps a contrast of 5.5.
_TEAL = {
    "50": "#f0fdfa",
    "100": "#ccfbf1",
    "200": "#99f6e4",
    "300": "#5eead4",
    "400": "#2dd4bf",
    "500": "#0d9488",
    "600": "#0f766e",
    "700": "#115e59",
    "800": "#134e4a",
    "900": "#0f3f3c",
    "950": "#042f2e",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Fieldbook",
    "SITE_HEADER": "Fieldbook",
    "SITE_SUBHEADER": "Booking and dispatch",
    "SITE_ICON": _ICON_URL,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _ICON_URL}],
    "LOGIN": {
        "form": "accounts.forms.LoginForm",
        "image": lambda _request: static("fieldbook/login.svg"),
    },
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {"primary": _TEAL},
    "STYLES": [lambda _request: static("fieldbook/admin.css")],
    "DASHBOARD_CALLBACK": "config.dashboard.today_page",
    "SIDEBAR": {"navigation": "config.sidebar.navigation"},
}
