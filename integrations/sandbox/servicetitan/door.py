"""ServiceTitan's door: tokens by client credentials, and the application's key."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from integrations.sandbox.servicetitan.problems import Problem
from integrations.sandbox.wire import Reply, Request

CLIENT_ID = "cid.sandbox"
CLIENT_SECRET = "cs1.sandbox"  # noqa: S105  # of a vendor that is none
APP_KEY = "ak1.sandbox"
TOKEN_LIFE = 900


class Door:
    """Issues tokens and checks them."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self.token_life = TOKEN_LIFE
        self.issued = 0
        self._clock = clock
        self._tokens: dict[str, datetime] = {}

    def issue(self, request: Request) -> Reply:
        """Answer POST /connect/token."""
        form = dict(request.form())
        if form.get("grant_type") != "client_credentials":
            return Reply(status=400, json={"error": "unsupported_grant_type"})
        known = form.get("client_id"), form.get("client_secret")
        if known != (CLIENT_ID, CLIENT_SECRET):
            return Reply(status=400, json={"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self._clock() + timedelta(seconds=self.token_life)
        self.issued += 1
        answer = {"access_token": token, "expires_in": self.token_life}
        return Reply(json=answer | {"token_type": "Bearer", "scope": "tn.crm tn.jpm"})

    def check(self, request: Request) -> None:
        """Let a call in.

        Raises:
            Problem: 401.
        """
        if not request.headers.get("st-app-key"):
            raise Problem(401, "The application key is missing.")
        if request.headers["st-app-key"] != APP_KEY:
            raise Problem(401, "The application key is not valid.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expires = self._tokens.get(token)
        if scheme != "Bearer" or expires is None or self._clock() >= expires:
            raise Problem(401, "The access token is missing, expired or not valid.")

    def revoke(self) -> None:
        """Let no token count any more."""
        self._tokens.clear()
