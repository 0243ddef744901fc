"""What the office does with a lead."""

import pytest

from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound, VersionConflict
from core.models import Event
from leads.models import LeadFlag, LeadStatus
from leads.services import (
    AlreadyConverted,
    LeadDismissed,
    dismiss_lead,
    mark_contacted,
    mark_converted,
    update_lead,
)
from tests.factories import NOW, make_customer, make_location, make_zone
from tests.leads.conftest import EMAIL, PHONE, received

pytestmark = pytest.mark.django_db


def update(lead, **changes):
    return update_lead(lead_id=lead.pk, changes=changes, actor=SYSTEM, now=NOW)


def events() -> list[str]:
    return list(Event.objects.order_by("id").values_list("name", flat=True))


def test_a_corrected_phone_clears_its_flag_and_finds_the_customer(branch) -> None:
    known = make_customer(name="Ada Byron", phone=PHONE)
    lead = received(phone="55")

    lead = update(lead, phone_given="602 555 0142")

    lead.refresh_from_db()
    assert lead.phone == PHONE
    assert lead.customer == known
    assert lead.flags == []
    assert lead.version == 2
    assert events() == ["lead.created", "lead.updated"]


def test_a_corrected_name_clears_the_doubt(branch) -> None:
    make_customer(name="Ada Byron", phone=PHONE)
    lead = received(name="Adda")
    assert lead.flags == [LeadFlag.POSSIBLE_DUPLICATE]

    assert update(lead, name="Ada Byron").flags == []


def test_a_corrected_zip_moves_the_lead_to_its_branch(branch) -> None:
    there = make_location()
    make_zone("98101", location=there)
    lead = received()

    assert update(lead, postal_code="98101").location == there
    lost = update(lead, postal_code="99999")
    assert lost.location is None
    assert lost.flags == [LeadFlag.OUT_OF_SERVICE_AREA]


def test_a_branch_that_is_named_counts_for_more_than_the_zip(branch) -> None:
    lead = received(postal_code="99999")

    lead = update(lead, location=branch)

    assert lead.location == branch
    assert lead.flags == []


def test_a_message_leaves_a_chosen_branch_alone(branch) -> None:
    lead = update(received(postal_code="99999"), location=branch)

    assert update(lead, message="Upstairs").location == branch


def test_the_same_values_again_change_nothing(branch) -> None:
    lead = received()

    assert update(lead, name=lead.name, line1=lead.line1).version == 1
    assert events() == ["lead.created"]


def test_a_stale_version_is_refused_with_the_lead_as_it_is(branch) -> None:
    lead = update(received(), message="Upstairs")

    with pytest.raises(VersionConflict) as refused:
        update_lead(
            lead_id=lead.pk,
            changes={"message": "Downstairs"},
            actor=SYSTEM,
            now=NOW,
            expected_version=1,
        )

    assert refused.value.extra["current"].message == "Upstairs"


def test_a_lead_of_another_branch_is_not_there(branch) -> None:
    lead = received()
    stranger = Actor(
        role=Role.DISPATCHER,
        label="stranger",
        location_ids=frozenset({make_location().pk}),
    )

    with pytest.raises(NotFound):
        mark_contacted(lead_id=lead.pk, actor=stranger, now=NOW)


def test_contacting_twice_is_one_step(branch) -> None:
    lead = received()

    for _ in range(2):
        lead = mark_contacted(lead_id=lead.pk, actor=SYSTEM, now=NOW)

    assert lead.status == LeadStatus.CONTACTED
    assert events() == ["lead.created", "lead.contacted"]


def test_dismissing_keeps_time_and_reason(branch) -> None:
    lead = received()

    lead = dismiss_lead(lead_id=lead.pk, reason="Spam", actor=SYSTEM, now=NOW)

    lead.refresh_from_db()
    assert lead.status == LeadStatus.DISMISSED
    assert (lead.dismissed_at, lead.dismissal_reason) == (NOW, "Spam")
    assert Event.objects.get(name="lead.dismissed").reason == "Spam"


def test_dismissing_twice_keeps_the_first_reason(branch) -> None:
    lead = received()

    for reason in ("Spam", "Rude"):
        lead = dismiss_lead(lead_id=lead.pk, reason=reason, actor=SYSTEM, now=NOW)

    assert lead.dismissal_reason == "Spam"
    assert events() == ["lead.created", "lead.dismissed"]


@pytest.fixture
def dismissed(branch):
    return dismiss_lead(lead_id=received().pk, reason="Spam", actor=SYSTEM, now=NOW)


@pytest.fixture
def converted(branch):
    lead = received(email=EMAIL)
    mark_converted(lead=lead, customer=make_customer(), actor=SYSTEM, now=NOW)
    return lead


@pytest.mark.parametrize(
    "step",
    [
        lambda lead: update(lead, name="Eve"),
        lambda lead: mark_contacted(lead_id=lead.pk, actor=SYSTEM, now=NOW),
        lambda lead: mark_converted(
            lead=lead, customer=make_customer(), actor=SYSTEM, now=NOW
        ),
    ],
    ids=["update", "contact", "convert"],
)
def test_a_dismissed_lead_is_closed(dismissed, step) -> None:
    with pytest.raises(LeadDismissed):
        step(dismissed)


@pytest.mark.parametrize(
    "step",
    [
        lambda lead: update(lead, name="Eve"),
        lambda lead: mark_contacted(lead_id=lead.pk, actor=SYSTEM, now=NOW),
        lambda lead: dismiss_lead(
            lead_id=lead.pk, reason="Spam", actor=SYSTEM, now=NOW
        ),
        lambda lead: mark_converted(
            lead=lead, customer=make_customer(), actor=SYSTEM, now=NOW
        ),
    ],
    ids=["update", "contact", "dismiss", "convert"],
)
def test_a_converted_lead_is_closed(converted, step) -> None:
    with pytest.raises(AlreadyConverted):
        step(converted)
