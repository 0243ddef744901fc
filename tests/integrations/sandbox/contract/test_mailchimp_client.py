"""Mailchimp's own client takes our Mailchimp for the real one."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl

import pytest
from mailchimp_marketing import Client
from mailchimp_marketing.api_client import ApiClientError

from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.mailchimp import KEY, LIST
from tests.integrations.sandbox.contract.conftest import settled

EMAIL = "ada@example.com"
JOINS = {
    "email_address": EMAIL,
    "status_if_new": "subscribed",
    "merge_fields": {"FNAME": "Ada"},
}


def client_of(world, *, key: str = KEY) -> Client:
    client = Client()
    client.set_config({"api_key": key, "server": "us21"})
    client.api_client.host = f"{world.at('mailchimp')}/3.0"
    client.api_client.server = None
    return client


@pytest.fixture
def client(world) -> Client:
    return client_of(world)


def refusal(error: pytest.ExceptionInfo[ApiClientError]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(error.value.text)
    return found


def test_a_contact_joins_is_tagged_and_listed(client) -> None:
    assert client.ping.get()["health_status"]
    joined = client.lists.set_list_member(LIST, EMAIL, JOINS)
    tags = {"tags": [{"name": "Repair", "status": "active"}]}
    client.lists.update_list_member_tags(LIST, joined["id"], tags)
    client.lists.create_list_member_event(LIST, joined["id"], {"name": "visit_done"})

    found = client.lists.get_list_members_info(
        LIST, since_last_changed="2020-01-01T00:00:00+00:00", count=100
    )

    [member] = found["members"]
    assert (member["email_address"], member["status"]) == (EMAIL, "subscribed")
    assert [tag["name"] for tag in member["tags"]] == ["Repair"]


def test_who_has_left_is_not_brought_back(client, world) -> None:
    client.lists.set_list_member(LIST, EMAIL, JOINS)
    world.world.act("mailchimp", "unsubscribe", {"email": EMAIL})

    with pytest.raises(ApiClientError) as left:
        client.lists.set_list_member(LIST, EMAIL, {**JOINS, "status": "subscribed"})

    assert refusal(left)["title"] == "Member In Compliance State"


def test_who_was_deleted_for_good_is_not_imported(client) -> None:
    member = client.lists.set_list_member(LIST, EMAIL, JOINS)
    client.lists.delete_list_member_permanent(LIST, member["id"])

    with pytest.raises(ApiClientError) as forgotten:
        client.lists.set_list_member(LIST, EMAIL, JOINS)

    assert refusal(forgotten)["title"] == "Forgotten Email Not Subscribed"


def test_people_are_told_of_where_somebody_listens(client, world, listener) -> None:
    client.lists.create_list_webhook(
        LIST,
        {
            "url": listener.url,
            "events": {"subscribe": True, "unsubscribe": True},
            "sources": {"user": True, "admin": True, "api": False},
        },
    )
    world.world.act("mailchimp", "subscribe", {"email": EMAIL})
    client.lists.update_list_member(LIST, EMAIL, {"status": "unsubscribed"})
    settled(world, "mailchimp")

    look, told = listener.heard
    assert (look.method, look.url) == ("GET", listener.url)
    form = dict(parse_qsl(told.body.decode()))
    assert (form["type"], form["data[email]"]) == ("subscribe", EMAIL)
    [hook] = client.lists.get_list_webhooks(LIST)["webhooks"]
    client.lists.delete_list_webhook(LIST, hook["id"])


def test_another_key_is_refused(world) -> None:
    with pytest.raises(ApiClientError) as refused:
        client_of(world, key="other-us21").ping.get()

    assert refused.value.status_code == 401


def test_ten_are_served_at_the_same_time_and_no_more(world) -> None:
    world.world.places["mailchimp"].faults.put(Rule(kind=Kind.SLOW, seconds=1.5))
    ready = Barrier(12)

    def status(_: int) -> int:
        client = client_of(world)
        ready.wait()
        try:
            client.ping.get()
        except ApiClientError as error:
            return int(error.status_code)
        return 200

    with ThreadPoolExecutor(12) as pool:
        answers = Counter(pool.map(status, range(12)))

    assert answers == {200: 10, 429: 2}
