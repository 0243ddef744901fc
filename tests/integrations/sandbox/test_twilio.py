"""The fake Twilio: messages that move forward, opt-outs, signed callbacks."""

import pytest

from integrations.sandbox.twilio import (
    ACCOUNT,
    API_KEY,
    KEY,
    NUMBER,
    SERVICE,
    Twilio,
)
from integrations.sandbox.twilio.messages import segments_of
from integrations.sandbox.twilio.signing import signature
from tests.integrations.sandbox.calling import Caller, Clock, basic, form_of

MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
PERSON = "+15558675310"
HERE = "https://fieldbook.test/api/v1/webhooks/twilio/t0ken?to=status"
SMS = {"To": PERSON, "From": NUMBER, "Body": "On our way"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def call(clock) -> Caller:
    return Caller(Twilio(clock=clock), authorization=basic(ACCOUNT, KEY))


def path_of(sid: str) -> str:
    return f"{MESSAGES.removesuffix('.json')}/{sid}.json"


def statuses(call: Caller) -> list[str]:
    return [form_of(each)["MessageStatus"] for each in call.told]


def test_both_kinds_of_key_open(call) -> None:
    assert call("GET", MESSAGES).status == 200

    call.authorization = basic(*API_KEY)
    assert call("GET", MESSAGES).status == 200


@pytest.mark.parametrize("given", ["", f"Bearer {KEY}", basic(ACCOUNT, "old")])
def test_nothing_else_opens(call, given) -> None:
    call.authorization = given

    reply = call("GET", MESSAGES)

    assert (reply.status, reply.json["code"]) == (401, 20003)
    assert set(reply.json) == {"code", "message", "more_info", "status"}


def test_a_message_is_queued_and_then_goes_its_way(call) -> None:
    reply = call("POST", MESSAGES, form={**SMS, "StatusCallback": HERE})

    assert (reply.status, reply.json["status"]) == (201, "queued")
    assert reply.json["date_sent"] is None
    assert statuses(call) == ["sending", "sent", "delivered"]
    read = call("GET", path_of(reply.json["sid"])).json
    assert read["status"] == "delivered"
    assert read["date_sent"] == "Sat, 21 Nov 2026 12:00:00 +0000"


def test_a_callback_is_signed_over_url_and_form(call) -> None:
    call("POST", MESSAGES, form={**SMS, "StatusCallback": f"{HERE}#rc=3&rp=all"})

    for told in call.told:
        assert told.url == HERE
        expected = signature(HERE, form_of(told), key=KEY)
        assert told.headers["X-Twilio-Signature"] == expected
    assert form_of(call.told[0]).keys() >= {
        "MessageSid",
        "MessageStatus",
        "To",
        "From",
        "AccountSid",
        "ApiVersion",
    }


def test_asked_twice_it_sends_twice(call) -> None:
    sids = {call("POST", MESSAGES, form=SMS).json["sid"] for _ in range(2)}

    assert len(sids) == 2
    assert len(call("GET", MESSAGES).json["messages"]) == 2


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": NUMBER, "Body": "x"}, 21604),
        ({"To": PERSON, "Body": "x"}, 21603),
        ({"To": PERSON, "From": NUMBER}, 21602),
        ({**SMS, "Body": "x" * 1601}, 21617),
        ({**SMS, "To": "5558675310"}, 21211),
        ({**SMS, "To": "+1555"}, 21211),
        ({**SMS, "To": "+15005550001"}, 21211),
        ({**SMS, "To": "+15005550002"}, 21612),
        ({**SMS, "To": "+15005550009"}, 21614),
        ({**SMS, "To": "+15005550004"}, 21610),
        ({**SMS, "To": NUMBER}, 21266),
        ({**SMS, "From": "+15550000000"}, 21606),
        ({"To": PERSON, "Body": "x", "MessagingServiceSid": "MG0"}, 21701),
    ],
)
def test_what_cannot_be_sent_is_refused_by_code(call, form, code) -> None:
    reply = call("POST", MESSAGES, form=form)

    assert (reply.status, reply.json["code"]) == (400, code)
    assert reply.json["more_info"].endswith(f"/{code}")
    assert call("GET", MESSAGES).json["messages"] == []


@pytest.mark.parametrize(
    ("nature", "code"),
    [("unreachable", 30003), ("filtered", 30007), ("silent_landline", 30006)],
)
def test_a_message_may_be_lost_on_its_way(call, nature, code) -> None:
    call.act("describe_number", number=PERSON, nature=nature)

    sid = call("POST", MESSAGES, form={**SMS, "StatusCallback": HERE}).json["sid"]

    assert statuses(call) == ["sending", "sent", "undelivered"]
    assert form_of(call.told[-1])["ErrorCode"] == str(code)
    assert call("GET", path_of(sid)).json["error_code"] == code


def test_held_messages_are_moved_by_hand_and_only_forward(call) -> None:
    call.act("hold")
    sid = call("POST", MESSAGES, form={**SMS, "StatusCallback": HERE}).json["sid"]
    assert call("GET", path_of(sid)).json["status"] == "queued"

    call.act("move", sid=sid, status="sent")
    with pytest.raises(ValueError, match="does not go from sent to sending"):
        call.act("move", sid=sid, status="sending")
    call.act("release")

    assert statuses(call) == ["sent", "delivered"]
    with pytest.raises(ValueError, match="from delivered"):
        call.act("move", sid=sid, status="undelivered")


@pytest.mark.parametrize("word", ["STOP", " stop ", "Unsubscribe", "CANCEL", "quit"])
def test_stop_in_any_of_its_forms_opts_out(call, word) -> None:
    call.act("set_webhook", url=HERE)

    [told] = call.act("text", sender=PERSON, body=word)

    form = form_of(told)
    assert (form["OptOutType"], form["Body"], form["From"]) == ("STOP", word, PERSON)
    assert told.headers["X-Twilio-Signature"] == signature(HERE, form, key=KEY)
    assert call("POST", MESSAGES, form=SMS).json["code"] == 21610
    call.act("text", sender=PERSON, body="START")
    assert call("POST", MESSAGES, form=SMS).status == 201


def test_free_words_opt_nobody_out(call) -> None:
    sid = "PN5a4d0b0c5a4d0b0c5a4d0b0c5a4d0b0c"
    numbers = f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers"
    assert call("POST", f"{numbers}/{sid}.json", form={"SmsUrl": HERE}).status == 200
    [number] = call("GET", f"{numbers}.json").json["incoming_phone_numbers"]
    assert (number["sms_url"], number["phone_number"]) == (HERE, NUMBER)
    assert call("POST", f"{numbers}/PN0.json", form={"SmsUrl": HERE}).status == 404

    picture = "https://twilio.test/1.jpg"
    words = "Please stop by at 5, née é"
    [told] = call.act("text", sender=PERSON, body=words, media=[picture])

    form = form_of(told)
    assert "OptOutType" not in form
    assert (form["Body"], form["NumMedia"], form["MediaUrl0"]) == (words, "1", picture)
    assert call("POST", MESSAGES, form=SMS).status == 201


def test_the_list_is_filtered_and_newest_first(call, clock) -> None:
    first = call("POST", MESSAGES, form=SMS).json["sid"]
    clock.wait(days=1)
    second = call("POST", MESSAGES, form=SMS).json["sid"]
    call("POST", MESSAGES, form={**SMS, "To": "+15558675311"})
    call.act("text", sender=PERSON, body="Thanks")

    def sids(query: str) -> list[str]:
        return [each["sid"] for each in call("GET", query).json["messages"]]

    to = f"{MESSAGES}?To=%2B15558675310"
    assert sids(to) == [second, first]
    assert sids(f"{to}&DateSent%3E=2026-11-22") == [second]
    assert sids(f"{to}&DateSent%3C=2026-11-21") == [first]
    assert sids(f"{to}&DateSent=2026-11-21") == [first]
    assert sids(f"{to}&DateSent%3E=2026-11-21T12:00:01Z") == [second]
    assert sids(f"{MESSAGES}?From=%2B15558675310") != []
    assert call("GET", f"{to}&DateSent=soon").status == 400
    assert call("GET", f"{to}&PageSize=all").status == 400


def test_what_was_not_sent_has_no_day(call) -> None:
    call.act("hold")
    call("POST", MESSAGES, form=SMS)

    assert len(call("GET", MESSAGES).json["messages"]) == 1
    assert call("GET", f"{MESSAGES}?DateSent=2026-11-21").json["messages"] == []


def test_the_list_has_pages(call) -> None:
    made = [call("POST", MESSAGES, form=SMS).json["sid"] for _ in range(5)]

    found, path = [], f"{MESSAGES}?PageSize=2"
    while path:
        page = call("GET", path).json
        found += [each["sid"] for each in page["messages"]]
        path = page["next_page_uri"]

    assert found == made[::-1]


def test_a_service_sends_later_and_can_be_called_off(call, clock) -> None:
    form = {
        "To": PERSON,
        "Body": "Tomorrow at 9",
        "MessagingServiceSid": SERVICE,
        "StatusCallback": HERE,
    }
    later = {**form, "SendAt": "2026-11-21T13:00:00Z", "ScheduleType": "fixed"}
    assert call("POST", MESSAGES, form=form).json["status"] == "accepted"
    call.told.clear()
    kept, dropped = (call("POST", MESSAGES, form=later).json["sid"] for _ in "ab")
    canceled = call("POST", path_of(dropped), form={"Status": "canceled"})
    assert canceled.json["status"] == "canceled"
    assert call.told == []

    clock.wait(hours=1)
    assert call("GET", path_of(kept)).json["status"] == "scheduled"

    assert statuses(call) == ["sending", "sent", "delivered"]
    assert call("GET", path_of(dropped)).json["status"] == "canceled"
    assert call("POST", path_of(kept), form={"Status": "canceled"}).status == 400


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SendAt": "2026-11-21T13:00:00Z"}, 35118),
        ({"SendAt": "soon", "ScheduleType": "fixed"}, 35111),
        ({"SendAt": "2026-11-21T12:01:00Z", "ScheduleType": "fixed"}, 35114),
    ],
)
def test_not_every_time_can_be_scheduled(call, changes, code) -> None:
    form = {"To": PERSON, "Body": "x", "MessagingServiceSid": SERVICE, **changes}

    assert call("POST", MESSAGES, form=form).json["code"] == code


def test_words_are_taken_away_and_messages_deleted(call) -> None:
    sid = call("POST", MESSAGES, form=SMS).json["sid"]

    assert call("POST", path_of(sid), form={"Body": ""}).json["body"] == ""
    assert call("DELETE", path_of(sid)).status == 204
    assert call("GET", path_of(sid)).json["code"] == 20404


def test_words_on_their_way_stay(call) -> None:
    call.act("hold")
    sid = call("POST", MESSAGES, form=SMS).json["sid"]

    assert call("POST", path_of(sid), form={"Body": ""}).json["code"] == 20009


@pytest.mark.parametrize(
    ("number", "nature", "line"),
    [
        (PERSON, "mobile", "mobile"),
        (PERSON, "landline", "landline"),
        (PERSON, "voip", "nonFixedVoip"),
    ],
)
def test_lookups_tell_the_line(call, number, nature, line) -> None:
    call.act("describe_number", number=number, nature=nature)

    plain = call("GET", f"/v2/PhoneNumbers/{number}").json
    told = call("GET", f"/v2/PhoneNumbers/{number}?Fields=line_type_intelligence").json

    assert plain["line_type_intelligence"] is None
    assert (told["valid"], told["line_type_intelligence"]["type"]) == (True, line)
    assert told["national_format"] == "(555) 867-5310"


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("+1555", "TOO_SHORT"),
        ("+155512345678", "TOO_LONG"),
        ("call me", "NOT_A_NUMBER"),
    ],
)
def test_lookups_say_what_is_wrong_with_a_number(call, number, error) -> None:
    told = call("GET", f"/v2/PhoneNumbers/{number}").json

    assert (told["valid"], told["validation_errors"]) == (False, [error])


def test_too_many_at_once_are_not_served(call) -> None:
    reply = call("POST", MESSAGES, form=SMS, at_once=101)

    assert (reply.status, reply.json["code"]) == (429, 20429)
    assert call("GET", MESSAGES).json["messages"] == []


@pytest.mark.parametrize(
    ("body", "segments"),
    [("x" * 160, 1), ("x" * 161, 2), ("é" * 160, 1), ("ж" * 70, 1), ("ж" * 71, 2)],
)
def test_long_messages_have_several_parts(body, segments) -> None:
    assert segments_of(body) == segments


def test_a_new_key_opens_and_signs(call) -> None:
    call.act("replace_key", key="f" * 32)
    assert call("GET", MESSAGES).status == 401

    call.authorization = basic(ACCOUNT, "f" * 32)
    call("POST", MESSAGES, form={**SMS, "StatusCallback": HERE})

    expected = signature(HERE, form_of(call.told[0]), key="f" * 32)
    assert call.told[0].headers["X-Twilio-Signature"] == expected


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dance", {}),
        ("text", {"body": "x"}),
        ("move", {"sid": "SM0", "status": "sent"}),
        ("describe_number", {"number": PERSON, "nature": "shy"}),
    ],
)
def test_acts_that_make_no_sense_are_refused(call, name, arguments) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        call.act(name, **arguments)


def test_other_accounts_and_paths_are_not_there(call) -> None:
    assert call("GET", MESSAGES.replace(ACCOUNT, f"AC{'0' * 32}")).status == 404
    assert call("GET", "/2010-04-01/Calls.json").json["code"] == 20404
    account = call("GET", f"/2010-04-01/Accounts/{ACCOUNT}.json").json
    assert account["status"] == "active"


def test_it_forgets_everything(call) -> None:
    call("POST", MESSAGES, form=SMS)
    call.act("text", sender=PERSON, body="STOP")
    assert call.vendor.state()["opted_out"] == [PERSON]

    call.vendor.clear()

    assert call.vendor.state()["messages"] == []
    assert call("POST", MESSAGES, form=SMS).status == 201
