"""`create_user` at the command line."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from accounts.management.commands import create_user
from accounts.models import User
from core.models import Event
from tests.factories import PASSWORD, make_location, make_user

pytestmark = pytest.mark.django_db


def run(*args: str, email: str = "Ada@Example.com ", role: str = "admin") -> str:
    out = io.StringIO()
    who = ["--email", email, "--name", "Ada", "--role", role]
    call_command("create_user", *who, *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def piped(monkeypatch):
    """Put a password on standard input."""

    def pipe(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    pipe(f"{PASSWORD}\n")
    return pipe


@pytest.mark.usefixtures("piped")
def test_opens_an_account_with_the_password_from_the_pipe() -> None:
    make_location(code="phx")
    make_location(code="tus")

    said = run("--location", "phx", "--location", "tus", role="dispatcher")

    user = User.objects.get()
    assert said == "ada@example.com may sign in as dispatcher.\n"
    assert user.check_password(PASSWORD)
    assert {branch.code for branch in user.locations.all()} == {"phx", "tus"}
    event = Event.objects.of("user", user.pk).get()
    assert (event.name, event.actor_label) == ("user.created", "system")


def test_asks_at_a_terminal(monkeypatch) -> None:
    answers = iter([PASSWORD, PASSWORD])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(create_user, "getpass", lambda _: next(answers))

    run()

    assert User.objects.get().check_password(PASSWORD)


def test_two_passwords_that_differ_are_refused(monkeypatch) -> None:
    answers = iter([PASSWORD, "something else"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(create_user, "getpass", lambda _: next(answers))

    with pytest.raises(CommandError, match="not the same"):
        run()


@pytest.mark.usefixtures("piped")
@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"email": "nonsense"}, "valid email"),
        ({"email": "taken@example.com"}, "belongs to another user"),
        ({"role": "owner"}, "invalid choice"),
    ],
)
def test_says_in_a_sentence_what_is_wrong(given, complaint) -> None:
    make_user(email="taken@example.com")

    with pytest.raises(CommandError, match=complaint) as refused:
        run(**given)

    assert refused.value.returncode == 1
    assert User.objects.count() == 1


@pytest.mark.usefixtures("piped")
def test_an_unknown_branch_is_refused() -> None:
    with pytest.raises(CommandError, match="No branch has the code nowhere"):
        run("--location", "nowhere")


def test_a_weak_password_is_refused(piped) -> None:
    piped("short\n")

    with pytest.raises(CommandError, match="too short"):
        run()

    assert not User.objects.exists()
