"""`Idempotency-Key` for view methods: a request may be sent again without fear."""

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import is_success

from core import idempotency
from core.actors import Role
from core.api.actors import actor_of
from core.api.errors import IdempotencyKeyInvalid, IdempotencyKeyRequired
from core.api.problems import domain_problem
from core.api.throttling import client_address
from core.db import retry_contention
from core.errors import Conflict
from core.idempotency import Answer, Call

Method = Callable[..., HttpResponse]
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_MACHINES = frozenset({Role.INTEGRATION})
_KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Retry-After")


def idempotent(
    *, required_for: frozenset[Role] = _MACHINES
) -> Callable[[Method], Method]:
    """Run the view method in one transaction, and once per `Idempotency-Key`.

    Kept for 72 hours: 2xx, and a Conflict, whose effects are undone. Everything else
    undoes all, so that the key may be used again. A lost race for locks is run again.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        def answer(
            view: Any, request: Request, *args: Any, **kwargs: Any
        ) -> HttpResponse:
            def work() -> HttpResponse:
                return method(view, request, *args, **kwargs)

            call = _call_of(request, required_for=required_for)
            if call is None:
                return retry_contention(lambda: _run(work))
            return retry_contention(lambda: _run_once(work, call=call))

        answer.is_idempotent = True  # type: ignore[attr-defined]  # read by the schema
        return answer

    return decorate


def _run(work: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        response = work()
        if not _succeeded(response):
            transaction.set_rollback(True)
        return response


def _run_once(work: Callable[[], HttpResponse], *, call: Call) -> HttpResponse:
    with transaction.atomic():
        known = idempotency.begin(call, now=timezone.now())
        if known is not None:
            return _replayed(known)
        try:
            with transaction.atomic():
                response = work()
        except Conflict as conflict:
            response = domain_problem(conflict)
        else:
            if not _succeeded(response):
                transaction.set_rollback(True)
                return response
        idempotency.finish(call, _answer_of(response))
        return response


def _succeeded(response: HttpResponse) -> bool:
    return is_success(response.status_code)


def _answer_of(response: HttpResponse) -> Answer:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    if isinstance(response, Response):
        # Not rendered yet: the framework does so after the view.
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        if body:
            headers["Content-Type"] = "application/json"
    else:
        body = response.content
    return Answer(status=response.status_code, body=body, headers=headers)


def _replayed(answer: Answer) -> HttpResponse:
    headers = answer.headers | {"Idempotent-Replayed": "true"}
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def _call_of(request: Request, *, required_for: frozenset[Role]) -> Call | None:
    actor = actor_of(request)
    key = request.headers.get("Idempotency-Key")
    if key is None:
        if actor.role in required_for:
            raise IdempotencyKeyRequired("Send Idempotency-Key, a new one per wish.")
        return None
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid("Send 1 to 255 printable ASCII characters.")
    match = request.resolver_match
    return Call(
        principal=str(actor.user_id or f"anonymous:{client_address(request)}"),
        route=f"{request.method} {match.route if match else request.path}"[:120],
        key=key,
        request_hash=_hash_of(request),
    )


def _hash_of(request: Request) -> str:
    """Hash what is asked for, however its JSON was laid out.

    Keyed, since a body may hold a password that a bare hash would let one guess.
    """
    question = [
        request.method,
        request.path,
        sorted(request.query_params.lists()),
        request.data,
    ]
    text = json.dumps(question, sort_keys=True, separators=(",", ":"))
    return salted_hmac("core.api.idempotency", text, algorithm="sha256").hexdigest()
