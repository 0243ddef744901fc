"""A dispatcher signs in, books a visit for a lead and moves it, by clicking."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from accounts.models import User
from appointments.models import Appointment
from core.actors import Role
from core.models import Event
from tests.factories import (
    PASSWORD,
    PHOENIX,
    make_lead,
    make_service,
    make_technician,
    make_user,
    make_zone,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Whatever a page might ask of the network, it stays in this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@pytest.fixture(autouse=True)
def _now() -> None:
    """Let time pass: a browser has a clock of its own, and cookies that end."""


@pytest.fixture
def page(monkeypatch) -> Iterator[Page]:
    if not _CHROMIUM.exists() and "CI" not in os.environ:
        pytest.skip("There is no Chromium here (apt-get install chromium).")
    # Playwright keeps a loop in this thread, and with a loop come connections of their
    # own: those of the test's queries are closed while the loop is there to find them.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        opened = browser.new_page()
        opened.set_default_timeout(15_000)
        yield opened
        browser.close()
        connections.close_all()


def sign_in(page: Page, url: str, user: User) -> None:
    page.goto(f"{url}/admin/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def book(page: Page, *, day: date) -> None:
    """On a lead's page: book the visit at ten on that day."""
    page.get_by_role("link", name="Book a visit").click()
    page.get_by_label("Service").select_option("AC tune-up")
    page.get_by_role("button", name="Show times").click()
    page.get_by_label("From").fill(day.isoformat())
    page.get_by_role("button", name="Show times").click()
    page.get_by_role("radio", name="10:00 AM").first.check()
    page.get_by_role("button", name="Book a visit").click()
    page.get_by_text("The visit is booked").wait_for()


def move(page: Page) -> None:
    """On a visit's page: move it to two o'clock."""
    page.get_by_role("link", name="Reschedule").click()
    page.get_by_role("radio", name="2:00\N{EN DASH}4:00 PM").first.check()
    page.get_by_label("Reason").fill("Customer asked")
    page.get_by_role("button", name="Reschedule").click()
    page.get_by_text("The visit has been moved.").wait_for()


def test_a_lead_becomes_a_visit_and_is_moved(live_server, page) -> None:
    technician = make_technician(name="Maria Soto")
    branch = technician.location
    make_zone("85004", location=branch)
    make_service(code="tune-up", name="AC tune-up", notice_minutes=0)
    lead = make_lead(name="Ann Okafor", line1="1 Main St", location=branch)
    dispatcher = make_user(Role.DISPATCHER, locations=[branch])
    tomorrow = timezone.now().astimezone(PHOENIX).date() + timedelta(days=1)

    sign_in(page, live_server.url, dispatcher)
    page.locator("#nav-sidebar-apps").get_by_text("Leads", exact=True).click()
    page.get_by_role("link", name=lead.reference).click()
    book(page, day=tomorrow)
    move(page)

    assert "Customer asked" in page.inner_text("#content-main")
    visit = Appointment.objects.get(lead=lead)
    start = visit.window_starts_at.astimezone(PHOENIX)
    assert (start.date(), start.hour) == (tomorrow, 14)
    events = Event.objects.of("appointment", visit.pk)
    assert list(events.values_list("name", "actor_id")) == [
        ("appointment.booked", dispatcher.pk),
        ("appointment.rescheduled", dispatcher.pk),
    ]
