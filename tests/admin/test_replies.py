"""What customers answer waits for somebody, and is seen to."""

from django.urls import reverse

from core.actors import Role
from notifications.models import Reply
from tests.factories import NOW, make_customer


def make_reply(**given):
    fields = {
        "provider_message_id": "SM1",
        "sender": "+16025550142",
        "body": "Please come after lunch, the dog is out then.",
        "meaning": "other",
        "received_at": NOW,
    }
    return Reply.objects.create(**fields | given)


def test_a_reply_waits_in_the_list_and_the_sidebar(desk) -> None:
    make_reply(customer=make_customer(name="Ada Byron"))

    page = desk.browser.get(
        reverse("admin:notifications_reply_changelist") + "?state=waiting"
    ).content.decode()

    assert "Ada Byron" in page
    assert "after lunch" in page
    assert "mark_chat_unread" in page


def test_a_reply_that_was_seen_to_waits_no_more(desk) -> None:
    reply = make_reply()

    desk.press("notifications_reply", reply, "handle")

    reply.refresh_from_db()
    assert reply.handled_at == NOW
    assert reply.handled_by
    waiting = reverse("admin:notifications_reply_changelist") + "?state=waiting"
    assert "after lunch" not in desk.browser.get(waiting).content.decode()


def test_viewers_read_replies_and_see_to_none(sign_in, branch) -> None:
    reply = make_reply()
    browser = sign_in(Role.VIEWER, branch)
    change = reverse("admin:notifications_reply_change", args=[reply.pk])
    act = reverse("admin:notifications_reply_action", args=[reply.pk, "handle"])

    assert "after lunch" in browser.get(change).content.decode()
    assert browser.post(act).status_code == 403
