"""The sandbox's page: somebody lets a vendor fail, and heals it, by clicking."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from integrations.sandbox.server import Running, running_world

pytestmark = pytest.mark.browser

_CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@pytest.fixture
def running() -> Iterator[Running]:
    with running_world() as there:
        yield there


@pytest.fixture
def page(running) -> Iterator[Page]:
    if not _CHROMIUM.exists() and "CI" not in os.environ:
        pytest.skip("There is no Chromium here (apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        opened = browser.new_page()
        opened.set_default_timeout(15_000)
        opened.goto(running.url)
        yield opened
        browser.close()


def test_an_outage_is_made_and_healed(page, running) -> None:
    card = page.get_by_role("article").filter(has_text="Housecall Pro")
    url = f"{running.at('housecallpro')}/customers"
    expect(card).to_contain_text("Well")

    card.get_by_role("button", name="Outage: 60 s").click()
    expect(card).to_contain_text("Down")
    down = httpx2.get(url).status_code
    card.get_by_role("button", name="Heal").click()
    expect(card).to_contain_text("Well")

    assert (down, httpx2.get(url).status_code) == (503, 401)
    expect(card).to_contain_text("2 calls")


def test_every_vendor_has_its_card(page, running) -> None:
    expect(page.get_by_role("heading", name="Stripe")).to_be_visible()

    names = page.get_by_role("article").get_by_role("heading").all_inner_texts()

    assert len(names) == len(running.world.places)
