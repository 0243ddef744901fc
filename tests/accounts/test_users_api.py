"""Users as an admin manages them."""

import uuid

import pytest

from accounts.models import User
from core.actors import Role
from core.models import Event
from tests.factories import PASSWORD, make_location, make_user

pytestmark = pytest.mark.django_db

URL = "/api/v1/users"


@pytest.fixture
def admin() -> User:
    return make_user(Role.ADMIN, name="Ada")


@pytest.fixture
def client(api_as, admin):
    return api_as(admin)


def form(**given) -> dict[str, object]:
    return {
        "email": "New@Example.com",
        "name": "New",
        "role": "dispatcher",
        "password": PASSWORD,
    } | given


def names_of(user_id) -> list[str]:
    return [event.name for event in Event.objects.of("user", user_id)]


def faults(answer) -> set[tuple[str, str]]:
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}


def test_an_admin_opens_an_account(client, admin) -> None:
    branch = make_location()

    answer = client.post(URL, form(locations=[str(branch.pk)]), format="json")

    made = answer.json()
    user = User.objects.get(pk=made["id"])
    assert answer.status_code == 201
    assert answer["ETag"] == '"1"'
    assert made["email"] == "new@example.com"
    assert [location["id"] for location in made["locations"]] == [str(branch.pk)]
    assert "password" not in made
    assert user.check_password(PASSWORD)
    event = Event.objects.of("user", user.pk).get()
    assert event.name == "user.created"
    assert event.actor_id == admin.pk
    assert event.data == {"role": "dispatcher", "locations": [str(branch.pk)]}


def test_an_email_is_taken_in_any_case(client) -> None:
    make_user(email="new@example.com")

    answer = client.post(URL, form(), format="json")

    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"password": "short"}, ("/password", "min_length")),
        ({"password": "newnew@example.com"}, ("/password", "password_too_similar")),
        ({"password": "123456123456"}, ("/password", "password_too_common")),
        ({"role": "anonymous"}, ("/role", "invalid_choice")),
        ({"role": "owner"}, ("/role", "invalid_choice")),
        ({"email": "nonsense"}, ("/email", "invalid")),
        ({"name": " "}, ("/name", "blank")),
        ({"locations": [str(uuid.uuid4())]}, ("/locations", "does_not_exist")),
        ({"token_version": 7}, ("/token_version", "unknown_field")),
        ({"is_active": False}, ("/is_active", "unknown_field")),
        ({"id": str(uuid.uuid4())}, ("/id", "unknown_field")),
    ],
)
def test_a_wrong_form_is_refused_field_by_field(client, given, fault) -> None:
    answer = client.post(URL, form(**given), format="json")

    assert answer.status_code == 400
    assert fault in faults(answer)
    assert User.objects.count() == 1


def test_the_same_key_opens_one_account(client) -> None:
    headers = {"HTTP_IDEMPOTENCY_KEY": "k-1"}

    answers = [client.post(URL, form(), format="json", **headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


def test_only_what_changes_is_written_down(client) -> None:
    branch = make_location()
    user = make_user(Role.VIEWER, locations=[branch], name="Old")

    answer = client.patch(
        f"{URL}/{user.pk}",
        {"name": "New", "role": "viewer", "locations": [str(branch.pk)]},
        format="json",
        HTTP_IF_MATCH='"1"',
    )

    assert answer.status_code == 200
    assert answer["ETag"] == '"2"'
    assert names_of(user.pk) == ["user.renamed"]
    version = User.objects.get(pk=user.pk).token_version
    assert version == user.token_version  # a name is no matter of access


def test_role_and_branches_change_together(client) -> None:
    old, new = make_location(), make_location()
    user = make_user(Role.VIEWER, locations=[old])

    answer = client.patch(
        f"{URL}/{user.pk}",
        {"role": "dispatcher", "locations": [str(new.pk)]},
        format="json",
    )

    shown = answer.json()
    assert shown["role"] == "dispatcher"
    assert [location["id"] for location in shown["locations"]] == [str(new.pk)]
    assert names_of(user.pk) == ["user.role_changed", "user.locations_changed"]


def test_a_stale_version_changes_nothing_and_shows_the_present(client) -> None:
    user = make_user(Role.VIEWER)
    url = f"{URL}/{user.pk}"
    client.patch(url, {"name": "First"}, format="json", HTTP_IF_MATCH='"1"')

    answer = client.patch(url, {"name": "2nd"}, format="json", HTTP_IF_MATCH='"1"')

    assert answer.status_code == 412
    assert answer.json()["code"] == "version_conflict"
    assert answer.json()["current"]["name"] == "First"


def test_an_account_is_closed_and_opened_again(client) -> None:
    user = make_user()
    url = f"{URL}/{user.pk}"

    states = [
        client.post(f"{url}/{step}").json()["is_active"]
        for step in ("deactivate", "deactivate", "reactivate", "reactivate")
    ]

    assert states == [False, False, True, True]
    assert names_of(user.pk) == ["user.deactivated", "user.reactivated"]


@pytest.mark.parametrize("step", ["deactivate", "demote"])
def test_the_last_admin_stays(client, admin, step) -> None:
    make_user(Role.ADMIN, is_active=False)
    url = f"{URL}/{admin.pk}"

    if step == "deactivate":
        answer = client.post(f"{url}/deactivate")
    else:
        answer = client.patch(url, {"role": "viewer"}, format="json")

    assert answer.status_code == 409
    assert answer.json()["code"] == "last_admin"


def test_an_admin_gives_a_lost_password_anew(client) -> None:
    user = make_user()

    weak = client.post(
        f"{URL}/{user.pk}/password", {"password": "qwertyuiop12"}, format="json"
    )
    good = client.post(
        f"{URL}/{user.pk}/password", {"password": "brand new horse"}, format="json"
    )

    assert [weak.status_code, good.status_code] == [400, 200]
    assert User.objects.get(pk=user.pk).check_password("brand new horse")


def test_users_are_filtered_by_role_state_and_branch(client, admin) -> None:
    branch = make_location()
    here = make_user(Role.VIEWER, locations=[branch, make_location()])
    gone = make_user(Role.VIEWER, is_active=False)

    def ids(query: str) -> set[str]:
        return {user["id"] for user in client.get(f"{URL}?{query}").json()["results"]}

    assert ids("role=viewer") == {str(here.pk), str(gone.pk)}
    assert ids("is_active=false") == {str(gone.pk)}
    assert ids(f"location={branch.pk}") == {str(here.pk)}
    assert client.get(f"{URL}?role=owner").status_code == 400


def test_the_list_costs_the_same_for_one_and_for_many(
    client, django_assert_num_queries
) -> None:
    for count in (1, 8):
        for _ in range(count):
            make_user(locations=[make_location()])
        with django_assert_num_queries(3):  # the caller, the page, its branches
            assert client.get(URL).status_code == 200
