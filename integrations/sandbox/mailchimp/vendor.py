"""What Mailchimp answers to, and what people do in it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from integrations.sandbox.faults import Faults
from integrations.sandbox.mailchimp.audience import Audience
from integrations.sandbox.mailchimp.calls import (
    is_tag,
    is_wanted,
    json_of,
    key_of,
    member_of,
    only,
    whole_number,
)
from integrations.sandbox.mailchimp.members import Member, hash_of
from integrations.sandbox.mailchimp.people import ACTS
from integrations.sandbox.mailchimp.problems import Problem, invalid, not_found
from integrations.sandbox.routes import answering, play
from integrations.sandbox.wire import Callback, Reply, Request

KEY = "5a4d0b0c5a4d0b0c5a4d0b0c5a4d0b0c-us21"
LIST = "f1e1db00c5"
MOST_AT_ONCE = 10
MOST_PER_PAGE = 1000
EVENT_NAME = range(2, 31)

Told = tuple[Reply, list[Callback]]


class Mailchimp:
    """The account: one key, and one audience unless told otherwise."""

    name = "mailchimp"

    def __init__(
        self,
        *,
        key: str = KEY,
        lists: tuple[str, ...] = (LIST,),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.faults = Faults()
        self._first_key = key
        self._lists = lists
        self._clock = clock
        self._routes: dict[str, Callable[..., Told]] = {
            "GET /ping": lambda _: _ok({"health_status": "Everything's fine."}),
            "GET /lists": self._get_lists,
            "GET /lists/{}": self._get_list,
            "GET /lists/{}/members": self._get_members,
            "POST /lists/{}/members": self._post_member,
            "GET /lists/{}/members/{}": self._get_member,
            "PUT /lists/{}/members/{}": self._put_member,
            "PATCH /lists/{}/members/{}": self._patch_member,
            "DELETE /lists/{}/members/{}": self._archive,
            "POST /lists/{}/members/{}/actions/delete-permanent": self._forget,
            "GET /lists/{}/members/{}/tags": self._get_tags,
            "POST /lists/{}/members/{}/tags": self._post_tags,
            "GET /lists/{}/members/{}/events": self._get_events,
            "POST /lists/{}/members/{}/events": self._post_event,
            "GET /lists/{}/webhooks": self._get_webhooks,
            "POST /lists/{}/webhooks": self._post_webhook,
            "GET /lists/{}/webhooks/{}": self._get_webhook,
            "DELETE /lists/{}/webhooks/{}": self._delete_webhook,
        }
        self.clear()

    def handle(self, request: Request) -> Told:
        try:
            self._admit(request)
            path = request.path.removeprefix("/3.0").rstrip("/")
            answer = answering(self._routes, method=request.method, path=path)
            if answer is None:
                raise not_found()
            return answer(request)
        except Problem as problem:
            return problem.reply(), []

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        """Play an act of `people`; `list` and `by` (user, admin) may be named too.

        `replace_key` takes the new `key`, `set_webhook` the `url` that is to hear
        all of people, and of calls with `api`.
        """
        given = dict(arguments)
        try:
            if name == "replace_key":
                self._key = str(given["key"])
                return []
            audience = self._audience(given.pop("list", self._lists[0]))
            source, before, now = (
                given.pop("by", "user"),
                audience.snapshot(),
                self._now(),
            )
            acts = {each: partial(then, audience, now) for each, then in ACTS.items()}
            play(acts, name, given)
            return self._news(audience, before, source=source)
        except Problem as problem:
            raise ValueError(problem.detail) from problem
        except KeyError as error:
            raise ValueError(f"{name}: {error} is missing or unknown.") from error

    def _news(
        self, audience: Audience, before: Mapping[str, Member], *, source: str
    ) -> list[Callback]:
        """Return what webhooks hear, unless the change moves not even a time."""
        for member in audience.members.values():
            old = before.get(member.contact_id)
            if (
                old
                and old.last_changed != member.last_changed
                and self.faults.forgets()
            ):
                member.last_changed = old.last_changed
        return audience.news(before, source=source, now=self._now())

    def told(self, callback: Callback, *, status: int | None) -> None:
        """Drop a webhook where nobody is, or whose receiver says that it is gone."""
        is_new_and_silent = callback.method == "GET" and status != HTTPStatus.OK
        if is_new_and_silent or status == HTTPStatus.GONE:
            for audience in self._audiences.values():
                audience.drop_webhook(url=callback.url)

    def state(self) -> dict[str, Any]:
        audiences = self._audiences.values()
        return {
            "members": [
                {**member.as_json(list_id=audience.id), "events": list(member.events)}
                for audience in audiences
                for member in audience.members.values()
            ],
            "forgotten": [
                each for audience in audiences for each in audience.forgotten
            ],
            "webhooks": [
                hook for audience in audiences for hook in audience.webhooks.values()
            ],
        }

    def clear(self) -> None:
        self._key = self._first_key
        self._audiences = {name: Audience(name) for name in self._lists}

    def _admit(self, request: Request) -> None:
        if key_of(request.headers.get("authorization", "")) != self._key:
            raise Problem(401, "API Key Invalid", "This key is not (or no longer) one.")
        if request.at_once > MOST_AT_ONCE:
            detail = f"More than {MOST_AT_ONCE} connections at the same time."
            raise Problem(429, "Too Many Requests", detail)

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)  # all that its times tell

    def _audience(self, list_id: str) -> Audience:
        if list_id not in self._audiences:
            raise not_found()
        return self._audiences[list_id]

    def _get_lists(self, request: Request) -> Told:
        lists = [each.as_json() for each in self._audiences.values()]
        return _ok({"lists": lists, "total_items": len(lists), "_links": []})

    def _get_list(self, list_id: str, request: Request) -> Told:
        return _ok(self._audience(list_id).as_json())

    def _get_members(self, list_id: str, request: Request) -> Told:
        audience = self._audience(list_id)
        params = dict(request.params)
        found = [each for each in audience.members.values() if is_wanted(each, params)]
        offset = whole_number(params, "offset", default=0, most=10**9)
        count = whole_number(params, "count", default=10, most=MOST_PER_PAGE)
        page = found[offset : offset + count]
        body = {
            "members": [member.as_json(list_id=list_id) for member in page],
            "list_id": list_id,
            "total_items": len(found),
            "_links": [],
        }
        return _ok(only(body, params.get("fields", "")))

    def _get_member(self, list_id: str, key: str, request: Request) -> Told:
        member = self._audience(list_id).member(key)
        fields = dict(request.params).get("fields", "")
        return _ok(only(member.as_json(list_id=list_id), fields))

    def _post_member(self, list_id: str, request: Request) -> Told:
        audience = self._audience(list_id)
        body = member_of(request)
        missing = {"email_address", "status"} - body.keys()
        if missing:
            raise invalid(**dict.fromkeys(sorted(missing), "is missing"))
        there = audience.members.get(hash_of(body["email_address"]))
        if there is not None and not there.is_archived:
            raise Problem(400, "Member Exists", "Use PUT to change a contact.")
        return self._changing(
            audience,
            lambda: audience.add(body, status=body["status"], now=self._now()),
        )

    def _put_member(self, list_id: str, key: str, request: Request) -> Told:
        audience, body = self._audience(list_id), member_of(request)
        return self._changing(
            audience, lambda: audience.upsert(key, body, now=self._now())
        )

    def _patch_member(self, list_id: str, key: str, request: Request) -> Told:
        audience, body = self._audience(list_id), member_of(request)
        return self._changing(
            audience, lambda: audience.change(key, body, now=self._now())
        )

    def _changing(self, audience: Audience, change: Callable[[], Member]) -> Told:
        """Change a contact by a call, and tell who wants to hear of calls."""
        before = audience.snapshot()
        member = change()
        news = self._news(audience, before, source="api")
        return Reply(json=member.as_json(list_id=audience.id)), news

    def _archive(self, list_id: str, key: str, request: Request) -> Told:
        audience = self._audience(list_id)
        if audience.member(key).is_archived:
            raise not_found()

        def archive() -> Member:
            member = audience.member(key)
            member.is_archived = True
            member.last_changed = self._now()
            return member

        return Reply(status=204), self._changing(audience, archive)[1]

    def _forget(self, list_id: str, key: str, request: Request) -> Told:
        audience = self._audience(list_id)
        member = audience.member(key)
        before = audience.snapshot()
        del audience.members[member.id]
        audience.forgotten.add(member.id)
        return Reply(status=204), self._news(audience, before, source="api")

    def _get_tags(self, list_id: str, key: str, request: Request) -> Told:
        tags = self._audience(list_id).member(key).as_json(list_id=list_id)["tags"]
        return _ok({"tags": tags, "total_items": len(tags)})

    def _post_tags(self, list_id: str, key: str, request: Request) -> Told:
        audience = self._audience(list_id)
        tags = json_of(request).get("tags")
        if not isinstance(tags, list) or not all(map(is_tag, tags)):
            raise invalid(tags="a list of names, each active or inactive, is wanted")
        audience.tag(audience.member(key), tags)
        return Reply(status=204), []

    def _get_events(self, list_id: str, key: str, request: Request) -> Told:
        events = self._audience(list_id).member(key).events
        return _ok({"events": list(events), "total_items": len(events)})

    def _post_event(self, list_id: str, key: str, request: Request) -> Told:
        member, body = self._audience(list_id).member(key), json_of(request)
        name = body.get("name")
        if not isinstance(name, str) or len(name) not in EVENT_NAME:
            raise invalid(name="2 to 30 characters are wanted")
        occurred_at = body.get("occurred_at") or self._now().isoformat()
        properties = body.get("properties", {})
        event = {"name": name, "occurred_at": occurred_at, "properties": properties}
        member.events.append(event)
        return Reply(status=204), []

    def _get_webhooks(self, list_id: str, request: Request) -> Told:
        hooks = list(self._audience(list_id).webhooks.values())
        body = {"webhooks": hooks, "list_id": list_id, "total_items": len(hooks)}
        return _ok({**body, "_links": []})

    def _post_webhook(self, list_id: str, request: Request) -> Told:
        hook, callbacks = self._audience(list_id).add_webhook(json_of(request))
        return Reply(json=hook), callbacks

    def _get_webhook(self, list_id: str, hook_id: str, request: Request) -> Told:
        return _ok(self._webhook(list_id, hook_id))

    def _delete_webhook(self, list_id: str, hook_id: str, request: Request) -> Told:
        self._webhook(list_id, hook_id)
        del self._audience(list_id).webhooks[hook_id]
        return Reply(status=204), []

    def _webhook(self, list_id: str, hook_id: str) -> dict[str, Any]:
        hook = self._audience(list_id).webhooks.get(hook_id)
        if hook is None:
            raise not_found()
        return hook


def _ok(body: Any) -> Told:
    return Reply(json=body), []
