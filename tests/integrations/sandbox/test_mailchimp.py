"""The fake Mailchimp: contacts, consent, and what its webhooks tell."""

import hashlib
from typing import Any

import pytest

from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.mailchimp import KEY, LIST, Mailchimp
from tests.integrations.sandbox.calling import Caller, Clock, basic, form_of

EMAIL = "Ada@Example.com"
HASH = hashlib.md5(b"ada@example.com", usedforsecurity=False).hexdigest()
MEMBERS = f"/3.0/lists/{LIST}/members"
ADA = f"{MEMBERS}/{HASH}"
JOINS = {
    "email_address": EMAIL,
    "status_if_new": "subscribed",
    "merge_fields": {"FNAME": "Ada", "LNAME": "Byron"},
}
HEARS_ALL = {
    "url": "https://fieldbook.test/in?token=t",
    "events": dict.fromkeys(
        ["subscribe", "unsubscribe", "profile", "cleaned", "upemail"], True
    ),
    "sources": {"user": True, "admin": True, "api": True},
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def call(clock) -> Caller:
    return Caller(Mailchimp(clock=clock), authorization=basic("any", KEY))


def kinds(call: Caller) -> list[str]:
    return [form_of(each)["type"] for each in call.told if each.method == "POST"]


def test_a_key_opens_by_basic_or_bearer(call) -> None:
    assert call("GET", "/3.0/ping").json["health_status"]

    call.authorization = f"Bearer {KEY}"
    assert call("GET", "/3.0/ping").status == 200


@pytest.mark.parametrize("given", ["", "Basic ???", basic("x", "y"), "Bearer old"])
def test_no_other_key_opens(call, given) -> None:
    call.authorization = given

    reply = call("GET", "/3.0/ping")

    assert reply.status == 401
    assert reply.json["title"] == "API Key Invalid"
    assert reply.headers["Content-Type"].startswith("application/problem+json")


def test_a_key_is_replaced(call) -> None:
    call.act("replace_key", key="new-us21")

    assert call("GET", "/3.0/ping").status == 401


def test_the_eleventh_at_the_same_time_is_refused(call) -> None:
    assert call("GET", "/3.0/ping", at_once=10).status == 200

    reply = call("GET", "/3.0/ping", at_once=11)

    assert reply.status == 429
    assert not {"Retry-After", "RateLimit"} & reply.headers.keys()


def test_a_contact_joins_under_the_hash_of_its_lower_case_address(call) -> None:
    reply = call("PUT", ADA, JOINS)

    assert reply.status == 200
    assert reply.json["id"] == HASH
    assert reply.json["status"] == "subscribed"
    assert reply.json["full_name"] == "Ada Byron"
    assert call("GET", f"{MEMBERS}/ada%40example.com").json == reply.json
    assert call("GET", f"{MEMBERS}/{reply.json['contact_id']}").json == reply.json


def test_status_if_new_counts_for_new_contacts_only(call) -> None:
    call("PUT", ADA, {**JOINS, "status_if_new": "transactional"})

    assert call("PUT", ADA, JOINS).json["status"] == "transactional"
    assert call("PUT", ADA, {**JOINS, "status": "subscribed"}).json["status"] == (
        "subscribed"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email_address": EMAIL}, "status_if_new"),
        ({"status_if_new": "subscribed"}, "email_address"),
        ({**JOINS, "email_address": "nobody"}, "email_address"),
        ({**JOINS, "email_address": "other@example.com"}, "email_address"),
        ({**JOINS, "status_if_new": "keen"}, "status_if_new"),
        ({**JOINS, "vip": "yes"}, "vip"),
        ({**JOINS, "merge_fields": {"ADDRESS": {"addr1": "1 Elm St"}}}, "ADDRESS"),
    ],
)
def test_a_contact_that_is_not_right_is_refused_by_field(call, body, field) -> None:
    reply = call("PUT", ADA, body)

    assert (reply.status, reply.json["title"]) == (400, "Invalid Resource")
    assert field in {each["field"] for each in reply.json["errors"]}
    assert call("GET", ADA).status == 404


def test_merge_fields_may_go_unchecked(call) -> None:
    body = {**JOINS, "merge_fields": {"ADDRESS": {"addr1": "1 Elm St"}}}

    assert call("PUT", f"{ADA}?skip_merge_validation=true", body).status == 200


def test_a_body_that_is_no_object_is_refused(call) -> None:
    assert call("PUT", ADA, form={"a": "b"}).json["title"] == "JSON Parse Error"
    assert call("PUT", ADA, ["a"]).json["title"] == "Invalid Resource"


def test_what_is_left_out_stays(call) -> None:
    call("PUT", ADA, JOINS)

    changed = call("PATCH", ADA, {"merge_fields": {"LNAME": "King"}})

    assert changed.json["merge_fields"] == {"FNAME": "Ada", "LNAME": "King"}
    assert changed.json["status"] == "subscribed"


@pytest.mark.parametrize("act", ["unsubscribe", "bounce"])
def test_who_has_left_comes_back_by_confirming_only(call, act) -> None:
    call("PUT", ADA, JOINS)
    call.act(act, email=EMAIL)

    refused = call("PUT", ADA, {**JOINS, "status": "subscribed"})

    assert refused.json["title"] == "Member In Compliance State"
    assert call("PATCH", ADA, {"status": "pending"}).json["status"] == "pending"


def test_leaving_is_not_undone_by_status_if_new(call) -> None:
    call("PUT", ADA, JOINS)
    call.act("unsubscribe", email=EMAIL)

    assert call("PUT", ADA, JOINS).json["status"] == "unsubscribed"


def test_an_archived_contact_is_off_the_list_but_there(call) -> None:
    call("PUT", ADA, JOINS)

    assert call("DELETE", ADA).status == 204

    assert call("GET", ADA).json["status"] == "archived"
    assert call("GET", MEMBERS).json["total_items"] == 0
    assert call("GET", f"{MEMBERS}?status=archived").json["total_items"] == 1
    assert call("DELETE", ADA).status == 404
    assert call("PUT", ADA, JOINS).json["status"] == "subscribed"


def test_an_archived_contact_that_had_left_still_has(call) -> None:
    call("PUT", ADA, JOINS)
    call.act("unsubscribe", email=EMAIL)
    call("DELETE", ADA)

    assert call("PUT", ADA, JOINS).json["title"] == "Member In Compliance State"


def test_a_forgotten_person_only_comes_back_by_themselves(call) -> None:
    call("PUT", ADA, JOINS)
    assert call("POST", f"{ADA}/actions/delete-permanent").status == 204

    refused = call("PUT", ADA, JOINS)

    assert (refused.status, refused.json["title"]) == (
        400,
        "Forgotten Email Not Subscribed",
    )
    call.act("subscribe", email=EMAIL)
    assert call("GET", ADA).json["status"] == "subscribed"


def test_a_contact_is_created_once(call) -> None:
    body = {"email_address": EMAIL, "status": "subscribed"}
    assert call("POST", MEMBERS, {"status": "subscribed"}).status == 400
    assert call("POST", MEMBERS, body).status == 200

    assert call("POST", MEMBERS, body).json["title"] == "Member Exists"


def test_an_address_moves_the_contact_to_another_hash(call) -> None:
    number = call("PUT", ADA, JOINS).json["contact_id"]

    moved = call("PATCH", ADA, {"email_address": "ada@king.example"}).json

    assert moved["contact_id"] == number
    assert moved["id"] != HASH
    assert call("GET", ADA).status == 404


def test_two_contacts_never_share_an_address(call) -> None:
    call("PUT", ADA, JOINS)
    call.act("subscribe", email="bob@example.com")

    reply = call("PATCH", ADA, {"email_address": "bob@example.com"})

    assert reply.json["title"] == "Member Exists"


def test_the_list_is_read_by_pages(call) -> None:
    for number in range(12):
        call.act("subscribe", email=f"n{number}@example.com")

    first = call("GET", MEMBERS).json
    rest = call("GET", f"{MEMBERS}?offset=10&count=1000").json

    assert (len(first["members"]), first["total_items"]) == (10, 12)
    assert [each["email_address"] for each in rest["members"]] == [
        "n10@example.com",
        "n11@example.com",
    ]
    assert call("GET", f"{MEMBERS}?count=1001").status == 400
    assert call("GET", f"{MEMBERS}?since_last_changed=soon").status == 400


def test_only_what_changed_since_is_listed(call, clock) -> None:
    call("PUT", ADA, JOINS)
    clock.wait(minutes=1)
    call.act("subscribe", email="bob@example.com")
    first, second = call("GET", MEMBERS).json["members"]

    def since(member: dict[str, Any]) -> list[str]:
        moment = member["last_changed"].replace("+", "%2B")
        found = call("GET", f"{MEMBERS}?since_last_changed={moment}").json["members"]
        return [each["email_address"] for each in found]

    assert since(first) == ["bob@example.com"]
    assert since(second) == []
    clock.wait(minutes=1)
    call("PUT", ADA, JOINS)  # says nothing new
    assert since(second) == []
    call("PUT", ADA, {**JOINS, "vip": True})
    assert since(second) == [EMAIL]


def test_a_change_may_forget_to_move_last_changed(call, clock) -> None:
    call.vendor.faults.put(Rule(kind=Kind.FORGOTTEN_UPDATED_AT, count=1))
    before = call("PUT", ADA, JOINS).json["last_changed"]
    clock.wait(minutes=1)

    call.act("unsubscribe", email=EMAIL)
    after = call("GET", ADA).json
    call.act("subscribe", email=EMAIL)

    assert (after["status"], after["last_changed"]) == ("unsubscribed", before)
    assert call("GET", ADA).json["last_changed"] > before


@pytest.mark.parametrize(("status", "kept"), [(200, 1), (404, 0), (None, 0)])
def test_a_webhook_is_kept_where_somebody_answers(call, status, kept) -> None:
    call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL)

    call.vendor.told(call.told[0], status=status)

    hooks = call("GET", f"/3.0/lists/{LIST}/webhooks").json
    assert hooks["total_items"] == kept


@pytest.mark.parametrize(("status", "kept"), [(500, 1), (None, 1), (410, 0)])
def test_a_receiver_that_is_gone_is_told_no_more(call, status, kept) -> None:
    call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL)
    [joined] = call.act("subscribe", email=EMAIL)

    call.vendor.told(joined, status=status)

    assert len(call.vendor.state()["webhooks"]) == kept


def test_fields_pick_parts_of_an_answer(call) -> None:
    call("PUT", ADA, JOINS)

    found = call("GET", f"{MEMBERS}?fields=members.id,members.status,total_items").json

    assert found == {
        "members": [{"id": HASH, "status": "subscribed"}],
        "total_items": 1,
    }


def test_tags_are_put_on_and_taken_off_as_often_as_one_likes(call) -> None:
    call("PUT", ADA, JOINS)
    put = {"tags": [{"name": "Repair", "status": "active"}]}
    drop = {"tags": [{"name": "Repair", "status": "inactive"}]}

    for body, expected in [
        (put, ["Repair"]),
        (put, ["Repair"]),
        (drop, []),
        (drop, []),
    ]:
        assert call("POST", f"{ADA}/tags", body).status == 204
        tags = call("GET", f"{ADA}/tags").json["tags"]
        assert [tag["name"] for tag in tags] == expected

    assert call("POST", f"{ADA}/tags", {"tags": ["Repair"]}).status == 400


def test_an_event_is_counted_each_time(call) -> None:
    call("PUT", ADA, JOINS)
    for _ in range(2):
        assert call("POST", f"{ADA}/events", {"name": "visit_done"}).status == 204

    assert call("GET", f"{ADA}/events").json["total_items"] == 2
    assert call("POST", f"{ADA}/events", {"name": "x"}).status == 400


def test_saving_a_webhook_makes_it_look_there(call) -> None:
    hook = call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL).json

    [look] = call.told
    assert (look.method, look.url) == ("GET", HEARS_ALL["url"])
    assert hook["events"]["campaign"] is False
    assert call("GET", f"/3.0/lists/{LIST}/webhooks/{hook['id']}").json == hook
    assert call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL).status == 400
    assert call("POST", f"/3.0/lists/{LIST}/webhooks", {}).status == 400


def test_a_webhook_is_entered_by_hand(call) -> None:
    call.act("set_webhook", url="https://fieldbook.test/in")
    call("PUT", ADA, JOINS)
    call.act("unsubscribe", email=EMAIL)

    assert kinds(call) == ["unsubscribe"]


def test_a_deleted_webhook_hears_nothing(call) -> None:
    hook = call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL).json
    path = f"/3.0/lists/{LIST}/webhooks/{hook['id']}"

    assert call("DELETE", path).status == 204

    assert call("DELETE", path).status == 404
    assert call.act("subscribe", email=EMAIL) == []


def test_people_are_told_of_by_form(call) -> None:
    call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL)
    home = {"addr1": "1 Elm St", "city": "Mesa", "state": "AZ", "zip": "85201"}
    fields = {"FNAME": "Ada", "ADDRESS": home}
    call.act("subscribe", email=EMAIL, merge_fields=fields)
    call.act("change_profile", email=EMAIL, merge_fields={"FNAME": "Augusta"})
    call.act("change_address", email=EMAIL, new_email="ada@king.example")
    call.act("unsubscribe", email="ada@king.example", reason="abuse")
    call.act("bounce", email="ada@king.example")

    assert kinds(call) == [
        "subscribe",
        "profile",
        "upemail",
        "profile",
        "unsubscribe",
        "cleaned",
    ]
    joined, *_, moved, _, left, _ = map(form_of, call.told[1:])
    assert joined["fired_at"] == "2026-11-21 12:00:00"
    assert joined["data[list_id]"] == LIST
    assert joined["data[email]"] == EMAIL
    assert joined["data[merges][FNAME]"] == "Ada"
    assert joined["data[merges][ADDRESS][city]"] == "Mesa"
    assert moved["data[old_email]"] == EMAIL
    assert moved["data[new_email]"] == "ada@king.example"
    assert (left["data[action]"], left["data[reason]"]) == ("unsub", "abuse")


def test_calls_are_told_of_only_where_that_is_wanted(call) -> None:
    sources = {"user": True, "admin": True, "api": False}
    call("POST", f"/3.0/lists/{LIST}/webhooks", {**HEARS_ALL, "sources": sources})
    call("PUT", ADA, JOINS)
    call("PATCH", ADA, {"status": "unsubscribed"})
    assert kinds(call) == []

    call.act("subscribe", email=EMAIL)
    assert kinds(call) == ["subscribe"]


def test_deleting_is_told_as_leaving(call) -> None:
    call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL)
    call("PUT", ADA, JOINS)
    call("DELETE", ADA)
    call("PUT", ADA, JOINS)
    call("POST", f"{ADA}/actions/delete-permanent")
    call.act("subscribe", email=EMAIL)
    call.act("delete", email=EMAIL, by="admin")

    assert kinds(call) == ["subscribe", "unsubscribe"] * 3
    assert form_of(call.told[-1])["data[action]"] == "delete"


def test_other_audiences_are_not_there(call) -> None:
    assert call("GET", "/3.0/lists/other/members").status == 404
    assert call("GET", "/3.0/automations").status == 404
    assert [each["id"] for each in call("GET", "/3.0/lists").json["lists"]] == [LIST]
    assert call("GET", f"/3.0/lists/{LIST}").json["stats"]["member_count"] == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dance", {}),
        ("unsubscribe", {"email": "nobody@example.com"}),
        ("unsubscribe", {}),
        ("subscribe", {"email": EMAIL, "colour": "red"}),
        ("subscribe", {"email": EMAIL, "list": "other"}),
        ("replace_key", {}),
    ],
)
def test_acts_that_make_no_sense_are_refused(call, name, arguments) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        call.act(name, **arguments)


def test_it_forgets_everything(call) -> None:
    call("POST", f"/3.0/lists/{LIST}/webhooks", HEARS_ALL)
    call("PUT", ADA, JOINS)
    assert call.vendor.state()["members"][0]["id"] == HASH

    call.vendor.clear()

    assert call.vendor.state() == {"members": [], "forgotten": [], "webhooks": []}
