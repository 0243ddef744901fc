"""Sessions: carried on by refresh tokens, and over when they should be."""

import pytest
from django.contrib.auth.hashers import make_password

from accounts import services
from accounts.models import RefreshFamily, RefreshToken, RevocationReason, User
from core.actors import SYSTEM, Role
from core.models import Event
from tests.accounts.conftest import (
    LOGOUT,
    ME,
    PASSWORD_URL,
    bearer,
    later,
    refresh,
    tokens_of,
)
from tests.factories import NOW, PASSWORD, make_location, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NEW_PASSWORD = "another-horse-entirely"


def me(access: str):
    return bearer(access).get(ME).status_code


def logout(api, token: str):
    return api.post(LOGOUT, {"refresh": token}, format="json").status_code


def test_refreshing_gives_a_new_pair_and_keeps_the_old_access() -> None:
    old = tokens_of(make_user())

    answer = refresh(old["refresh"])

    new = answer.json()
    assert answer.status_code == 200
    assert new["refresh"] != old["refresh"]
    assert me(new["access"]) == me(old["access"]) == 200


def test_only_a_hash_of_the_id_is_kept() -> None:
    grant = services.begin_session(user=make_user(), now=NOW)

    token = RefreshToken.objects.get()

    assert token.jti_hash != grant.jti
    assert len(token.jti_hash) == 64


def test_a_token_used_twice_at_once_is_told_to_wait(clock) -> None:
    old = tokens_of(make_user())
    new = refresh(old["refresh"]).json()
    later(clock, seconds=10)

    again = refresh(old["refresh"])

    assert again.status_code == 409
    assert again.json()["code"] == "refresh_in_progress"
    assert again["Retry-After"] == "1"
    assert refresh(new["refresh"]).status_code == 200


def test_a_token_used_again_later_ends_the_session(clock) -> None:
    user = make_user()
    old, other = tokens_of(user), tokens_of(user)
    new = refresh(old["refresh"]).json()
    later(clock, seconds=11)

    again = refresh(old["refresh"])

    assert again.status_code == 401
    assert again.json()["code"] == "refresh_reused"
    assert refresh(new["refresh"]).status_code == 401
    assert me(new["access"]) == 401
    assert me(other["access"]) == 200  # another session of theirs goes on
    event = Event.objects.of("user", user.pk).get()
    assert event.name == "user.refresh_reused"
    family = RefreshFamily.objects.get(pk=event.data["session"])
    assert family.revoked_reason == RevocationReason.REUSE


def test_reuse_is_told_once(clock) -> None:
    user = make_user()
    old = tokens_of(user)
    refresh(old["refresh"])
    later(clock, seconds=11)

    codes = [refresh(old["refresh"]).json()["code"] for _ in range(2)]

    assert codes == ["refresh_reused"] * 2
    assert Event.objects.of("user", user.pk).count() == 1


def test_access_lasts_ten_minutes(clock) -> None:
    pair = tokens_of(make_user())

    later(clock, minutes=10, seconds=9)  # the leeway for clocks that differ
    before = me(pair["access"])
    later(clock, seconds=2)

    assert [before, me(pair["access"])] == [200, 401]


def test_a_refresh_token_lasts_a_fortnight(clock) -> None:
    pair = tokens_of(make_user())
    later(clock, days=14)

    assert refresh(pair["refresh"]).json()["code"] == "token_invalid"


def test_a_session_ends_after_ninety_days_however_often_refreshed(clock) -> None:
    pair = tokens_of(make_user())
    for _ in range(8):
        later(clock, days=11)
        pair = refresh(pair["refresh"]).json()
    later(clock, days=1, hours=23, minutes=59)
    pair = refresh(pair["refresh"]).json()
    alive = me(pair["access"])
    last = RefreshToken.objects.get(consumed_at=None)
    later(clock, minutes=1)

    assert alive == 200
    assert last.expires_at == last.family.expires_at
    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401


def test_signing_out_ends_this_session_at_once_and_no_other(api) -> None:
    user = make_user()
    pair, other = tokens_of(user), tokens_of(user)

    statuses = [logout(api, pair["refresh"]) for _ in range(2)]

    assert statuses == [204, 204]
    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401
    assert me(other["access"]) == 200


def test_one_can_sign_out_with_a_token_that_was_refreshed(api) -> None:
    pair = tokens_of(make_user())
    new = refresh(pair["refresh"]).json()

    logout(api, pair["refresh"])

    assert me(new["access"]) == 401


def deactivate(user: User) -> None:
    services.deactivate(user_id=user.pk, by=SYSTEM, now=NOW)


def change_password(user: User) -> None:
    services.change_password(user_id=user.pk, password=NEW_PASSWORD, by=SYSTEM, now=NOW)


def change_role(user: User) -> None:
    services.change_role(user_id=user.pk, role=Role.VIEWER, by=SYSTEM, now=NOW)


def move(user: User) -> None:
    services.set_memberships(
        user_id=user.pk, location_ids=[make_location().pk], by=SYSTEM, now=NOW
    )


@pytest.mark.parametrize("change", [deactivate, change_password, change_role, move])
def test_such_a_change_ends_all_sessions_at_once(change) -> None:
    user = make_user(Role.DISPATCHER)
    pairs = [tokens_of(user), tokens_of(user)]
    assert all(me(pair["access"]) == 200 for pair in pairs)

    change(user)

    for pair in pairs:
        assert me(pair["access"]) == 401
        assert refresh(pair["refresh"]).json()["code"] == "token_invalid"


def test_a_user_who_was_switched_off_by_hand_is_out_as_well() -> None:
    user = make_user()
    pair = tokens_of(user)

    User.objects.filter(pk=user.pk).update(is_active=False)

    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401


def test_an_account_that_is_opened_again_begins_without_sessions() -> None:
    user = make_user()
    pair = tokens_of(user)

    deactivate(user)
    services.reactivate(user_id=user.pk, by=SYSTEM, now=NOW)

    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401


def test_a_password_checked_before_a_change_opens_nothing_after_it() -> None:
    checked = make_user()
    change_password(User.objects.get(pk=checked.pk))

    pair = tokens_of(checked)

    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401


def test_changing_ones_own_password_begins_a_new_session() -> None:
    user = make_user()
    old = tokens_of(user)

    answer = bearer(old["access"]).post(
        PASSWORD_URL, {"current": PASSWORD, "password": NEW_PASSWORD}, format="json"
    )

    assert answer.status_code == 200
    assert me(old["access"]) == 401
    assert me(answer.json()["access"]) == 200
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    event = Event.objects.of("user", user.pk).get()
    assert (event.name, event.actor_id) == ("user.password_changed", user.pk)


@pytest.mark.parametrize(
    ("current", "new", "pointer"),
    [
        ("wrong", NEW_PASSWORD, "/current"),
        (PASSWORD, "too short", "/password"),
        (PASSWORD, "password1234", "/password"),
    ],
)
def test_a_wrong_or_weak_password_changes_nothing(current, new, pointer) -> None:
    user = make_user()
    pair = tokens_of(user)

    answer = bearer(pair["access"]).post(
        PASSWORD_URL, {"current": current, "password": new}, format="json"
    )

    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert me(pair["access"]) == 200


def test_a_stolen_access_token_cannot_guess_the_password_for_long(hashes) -> None:
    user = make_user()
    client = bearer(tokens_of(user)["access"])
    for _ in range(10):
        guess = {"current": "wrong", "password": NEW_PASSWORD}
        client.post(PASSWORD_URL, guess, format="json")

    right = {"current": PASSWORD, "password": NEW_PASSWORD}

    assert client.post(PASSWORD_URL, right, format="json").status_code == 400


def test_whoever_sets_a_password_ends_all_sessions() -> None:
    user = make_user()
    pair = tokens_of(user)

    user.set_password(NEW_PASSWORD)  # as Django's own `changepassword` does
    user.save()

    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401


def test_hashing_a_right_password_anew_ends_no_session() -> None:
    user = make_user()
    pair = tokens_of(user)
    old = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=user.pk).update(password=old)

    signed_in = services.check_credentials(email=user.email, password=PASSWORD, now=NOW)

    assert signed_in is not None
    assert User.objects.get(pk=user.pk).password.startswith("argon2")
    assert me(tokens_of(signed_in)["access"]) == me(pair["access"]) == 200


class TestPasswordAtTheAdminSite:
    """Changed there, it ends the tokens too."""

    URL = "/admin/password_change/"

    def change(self, client, old: str = PASSWORD):
        form = {
            "old_password": old,
            "new_password1": NEW_PASSWORD,
            "new_password2": NEW_PASSWORD,
        }
        return client.post(self.URL, form)

    def test_ends_all_other_sessions_and_is_written_down(self, client) -> None:
        user = make_user(Role.ADMIN)
        client.force_login(user)
        pair = tokens_of(user)

        answer = self.change(client)

        assert answer.status_code == 302
        assert me(pair["access"]) == 401
        assert client.get("/admin/").status_code == 200
        event = Event.objects.of("user", user.pk).get()
        assert (event.name, event.actor_id) == ("user.password_changed", user.pk)

    def test_counts_wrong_guesses(self, client) -> None:
        user = make_user(Role.ADMIN)
        client.force_login(user)
        for _ in range(10):
            self.change(client, old="wrong")

        assert self.change(client).status_code == 200
        assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_an_admin_session_ends_with_the_role(client) -> None:
    user = make_user(Role.DISPATCHER)
    client.force_login(user)
    before = client.get("/admin/").status_code

    change_role(user)

    assert [before, client.get("/admin/").status_code] == [200, 302]


def test_what_has_served_its_time_is_forgotten(clock) -> None:
    pair = tokens_of(make_user())
    refresh(pair["refresh"])
    later(clock, days=15)
    alive = tokens_of(make_user(), now=NOW.replace(day=16))

    services.prune(now=NOW.replace(day=16))

    assert RefreshToken.objects.count() == 1
    assert RefreshFamily.objects.count() == 2
    assert me(alive["access"]) == 200
    services.prune(now=NOW.replace(year=2028))
    assert not RefreshFamily.objects.exists()
