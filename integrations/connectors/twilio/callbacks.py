"""What Twilio tells by itself: how far a text came, or that one came in."""

from urllib.parse import parse_qsl

from integrations.rules.things import Inbound, Remote


def read(event: Inbound) -> list[Remote]:
    """Return what a callback is about. It is signed, and has all in it."""
    said = dict(parse_qsl(event.body.decode(), keep_blank_values=True))
    message_id = said.get("MessageSid") or said.get("SmsSid") or ""
    if not message_id:
        return []
    if status := said.get("MessageStatus"):
        fields = {"status": status, "error": said.get("ErrorCode", "")}
        return [_remote("message", message_id, fields)]
    if not said.get("From"):
        return []
    words = {
        "from": said["From"],
        "body": said.get("Body", ""),
        "opt_out": said.get("OptOutType", ""),
    }
    return [_remote("reply", message_id, words)]


def _remote(kind: str, message_id: str, fields: dict[str, str]) -> Remote:
    return Remote(kind=kind, remote_type="message", remote_id=message_id, fields=fields)
