"""What polling found, written into the inbox as JSON of our own, and read again."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from integrations.rules.things import Remote


def body_of(remote: Remote) -> bytes:
    """Return a thing of theirs as the inbox keeps it."""
    said: dict[str, Any] = asdict(remote)
    return json.dumps(
        said, sort_keys=True, separators=(",", ":"), default=datetime.isoformat
    ).encode()


def remotes_in(body: bytes) -> list[Remote]:
    """Return what polling wrote down."""
    return [_remote(json.loads(body))]


def _remote(said: dict[str, Any]) -> Remote:
    if said["changed_at"] is not None:
        said["changed_at"] = datetime.fromisoformat(said["changed_at"])
    said["parents"] = tuple(map(_remote, said.get("parents", ())))
    return Remote(**said)


def dedupe_key(remote: Remote, *, seen_at: datetime | None) -> str:
    """Return by what a second finding of the same news is known.

    `seen_at` is when the thing was last taken in: after that the same words are news
    again, because somebody may have changed it there and back.
    """
    said = [
        remote.remote_type,
        remote.remote_id,
        dict(remote.fields),
        remote.is_gone,
        seen_at.isoformat() if seen_at else "",
    ]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return f"poll:{hashlib.sha256(text.encode()).hexdigest()}"
