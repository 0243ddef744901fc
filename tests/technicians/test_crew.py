"""Who belongs to the crew, and what they can do."""

from datetime import date

import pytest

from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound, VersionConflict
from core.models import Event
from technicians.models import Technician
from technicians.services import (
    SkillGrant,
    UserTaken,
    create_technician,
    deactivate_technician,
    grant_skill,
    reactivate_technician,
    revoke_skill,
    set_skills,
    update_technician,
)
from tests.factories import (
    NOW,
    make_location,
    make_skill,
    make_technician,
    make_user,
    make_zone,
)

pytestmark = pytest.mark.django_db


def update(technician: Technician, *, version=None, **changes) -> Technician:
    return update_technician(
        technician_id=technician.pk,
        changes=changes,
        actor=SYSTEM,
        now=NOW,
        expected_version=version,
    )


def skills(technician: Technician) -> dict[str, date | None]:
    held = technician.technician_skills.values_list("skill__code", "valid_until")
    return dict(held)


def events() -> list[str]:
    return list(Event.objects.order_by("id").values_list("name", flat=True))


def test_somebody_is_taken_on(branch) -> None:
    zone = make_zone(location=branch)

    technician = create_technician(
        fields={"name": "Al", "location": branch, "zones": [zone]},
        actor=SYSTEM,
        now=NOW,
    )

    assert list(technician.zones.all()) == [zone]
    event = Event.objects.get()
    assert (event.name, event.location_id) == ("technician.created", branch.pk)


def test_a_user_is_one_technician(branch) -> None:
    worker = make_user(Role.TECHNICIAN)
    make_technician(user=worker)

    with pytest.raises(UserTaken):
        create_technician(
            fields={"name": "Al", "location": branch, "user": worker},
            actor=SYSTEM,
            now=NOW,
        )


def test_what_is_left_out_stays(technician) -> None:
    changed = update(technician, phone="+16025550142")

    changed.refresh_from_db()
    assert (changed.name, changed.phone) == (technician.name, "+16025550142")
    assert changed.version == 2
    assert Event.objects.get().data["changed"] == ["phone"]


def test_zones_are_replaced(technician, branch) -> None:
    first, second = make_zone(location=branch), make_zone(location=branch)

    update(technician, zones=[first])
    update(technician, zones=[second])

    assert list(technician.zones.all()) == [second]


def test_a_stale_version_is_refused(technician) -> None:
    update(technician, name="Al")

    with pytest.raises(VersionConflict) as refused:
        update(technician, name="Bo", version=1)

    assert refused.value.extra["current"].name == "Al"


def test_a_technician_of_another_branch_is_not_there(technician) -> None:
    stranger = Actor(
        role=Role.DISPATCHER,
        label="stranger",
        location_ids=frozenset({make_location().pk}),
    )

    with pytest.raises(NotFound):
        deactivate_technician(technician_id=technician.pk, actor=stranger, now=NOW)


def test_deactivating_twice_is_one_step(technician) -> None:
    for _ in range(2):
        deactivate_technician(technician_id=technician.pk, actor=SYSTEM, now=NOW)

    technician.refresh_from_db()
    assert not technician.is_active
    assert events() == ["technician.deactivated"]


def test_a_technician_comes_back(technician) -> None:
    deactivate_technician(technician_id=technician.pk, actor=SYSTEM, now=NOW)

    for _ in range(2):
        reactivate_technician(technician_id=technician.pk, actor=SYSTEM, now=NOW)

    technician.refresh_from_db()
    assert technician.is_active
    assert events() == ["technician.deactivated", "technician.reactivated"]


def test_skills_are_replaced_and_renewed(technician) -> None:
    gas, oil, heat = (make_skill(code=code) for code in ("gas", "oil", "heat"))
    first = [SkillGrant(skill=gas), SkillGrant(skill=oil)]
    then = [
        SkillGrant(skill=gas, valid_until=date(2027, 6, 30)),
        SkillGrant(skill=heat),
    ]

    for grants in (first, then):
        set_skills(technician_id=technician.pk, grants=grants, actor=SYSTEM, now=NOW)

    assert skills(technician) == {"gas": date(2027, 6, 30), "heat": None}
    told = Event.objects.get(number=2)
    assert told.data["skills"] == {"gas": "2027-06-30", "heat": None}


def test_a_skill_is_granted_and_revoked(technician) -> None:
    gas = make_skill(code="gas")

    grant_skill(
        technician_id=technician.pk, grant=SkillGrant(skill=gas), actor=SYSTEM, now=NOW
    )
    assert skills(technician) == {"gas": None}

    for _ in range(2):
        revoke_skill(technician_id=technician.pk, skill=gas, actor=SYSTEM, now=NOW)
    assert skills(technician) == {}
    assert events() == ["technician.skills_changed"] * 2
