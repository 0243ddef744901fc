"""The small scale: three branches, 25 technicians and a filled fortnight."""

from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice

from accounts.models import User
from config.demo.company import Branch, Offer, found_branch, list_skills, offer_services
from config.demo.customers import Household, welcome
from config.demo.data.branches import SMALL
from config.demo.data.crew import HEADCOUNT, ROSTER
from config.demo.data.services import SERVICES
from config.demo.dice import Dice
from config.demo.fortnight import (
    Numbers,
    actor_of,
    live_through,
    people_of,
    write_history,
)
from config.demo.outside import latest_news, subscribe_sandbox, tell_customers
from config.demo.plans import agree
from config.demo.special import Special
from config.demo.staff import Hand, hire, vary_weeks
from config.demo.stories import Story
from config.demo.users import open_accounts
from config.demo.wishes import Inbox, Inquiry
from config.progress import Progress
from core.actors import Actor, Role
from core.models import Location
from technicians.models import Skill

# A household has one visit within the fortnight, and some have none.
HOUSEHOLDS_PER_TECHNICIAN = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The company with its people, before anybody books."""

    branches: list[Branch]
    skills: dict[str, Skill]
    offers: list[Offer]
    hands: dict[str, list[Hand]]
    users: dict[str, User]

    def dispatchers(self) -> dict[str, User]:
        """Return the dispatcher of each branch, by its code."""
        codes = [branch.plan.code for branch in self.branches]
        return {code: self.users[f"dispatcher.{code}"] for code in codes}


def is_seeded() -> bool:
    """Tell whether the demo company is there already."""
    codes = [plan.code for plan in SMALL]
    return Location.objects.filter(code__in=codes).count() == len(codes)


def seed_small(*, dice: Dice, now: datetime, progress: Progress) -> None:
    """Write the demo company and its fortnight. Needs a transaction."""
    demo = _SmallDemo(dice=dice, now=now, progress=progress)
    company = demo.found()
    homes = demo.welcome(company)
    stories, inquiries = demo.live(company, homes)
    with progress.step("Histories", total=len(stories) + len(inquiries)) as bar:
        write_history(stories, inquiries)
        bar.advance(len(stories) + len(inquiries))
    demo.agree(company, homes)
    demo.set_limits(company, homes)
    subscribe_sandbox(now=now)
    news = latest_news(now=now)
    with progress.step("Messages", total=len(news)) as bar:
        for event in news:
            tell_customers(event)
            bar.advance()


class _SmallDemo:
    """The steps of the small scale, which share dice and clock."""

    def __init__(self, *, dice: Dice, now: datetime, progress: Progress) -> None:
        self._dice = dice
        self._now = now
        self._progress = progress

    def found(self) -> Company:
        """Write branches, catalogue, technicians and users."""
        dice, now = self._dice, self._now
        skills = list_skills(dice=dice.fork("skills"), now=now)
        offers = offer_services(
            SERVICES, skills=skills, dice=dice.fork("services"), now=now
        )
        with self._progress.step("Branches", total=len(SMALL)) as bar:
            branches = []
            for plan in SMALL:
                branches.append(found_branch(plan, dice=dice.fork(plan.code), now=now))
                bar.advance()
        hands = self._hire(branches, skills)
        users = open_accounts(
            branches,
            technician=hands[branches[0].plan.code][0].technician,
            dice=dice.fork("users"),
            now=now,
        )
        return Company(
            branches=branches, skills=skills, offers=offers, hands=hands, users=users
        )

    def _hire(
        self, branches: list[Branch], skills: dict[str, Skill]
    ) -> dict[str, list[Hand]]:
        hands = {}
        with self._progress.step("Technicians", total=sum(HEADCOUNT.values())) as bar:
            for branch in branches:
                code = branch.plan.code
                dice = self._dice.fork(f"crew/{code}")
                hands[code] = hire(
                    branch,
                    roles=islice(cycle(ROSTER), HEADCOUNT[code]),
                    skills=skills,
                    dice=dice,
                    now=self._now,
                )
                vary_weeks(hands[code], dice=dice, now=self._now)
                bar.advance(len(hands[code]))
        return hands

    def welcome(self, company: Company) -> dict[str, list[Household]]:
        """Write the customers of each branch."""
        wanted = {
            code: len(hands) * HOUSEHOLDS_PER_TECHNICIAN
            for code, hands in company.hands.items()
        }
        homes = {}
        with self._progress.step("Customers", total=sum(wanted.values())) as bar:
            for branch in company.branches:
                code = branch.plan.code
                homes[code] = welcome(
                    branch,
                    count=wanted[code],
                    dice=self._dice.fork(f"homes/{code}"),
                    now=self._now,
                )
                bar.advance(wanted[code])
        return homes

    def live(
        self, company: Company, homes: dict[str, list[Household]]
    ) -> tuple[list[Story], list[Inquiry]]:
        """Return the fortnight's visits and the past month's leads, unwritten."""
        numbers = Numbers()
        dispatchers = _dispatchers(company)
        stories: list[Story] = []
        total = sum(len(households) for households in homes.values())
        with self._progress.step("Visits", total=total) as bar:
            for branch in company.branches:
                code = branch.plan.code
                for story in live_through(
                    branch,
                    households=homes[code],
                    offers=company.offers,
                    people=people_of(company.hands[code], dispatcher=dispatchers[code]),
                    numbers=numbers,
                    dice=self._dice.fork(f"visits/{code}"),
                    now=self._now,
                ):
                    stories.append(story)
                    bar.advance()
        inbox = Inbox(
            households=[home for some in homes.values() for home in some],
            offers=company.offers,
            dispatchers=dispatchers,
            dice=self._dice.fork("leads"),
        )
        unbooked = inbox.fill(numbers=numbers.leads, now=self._now)
        booked = [story.inquiry for story in stories if story.inquiry]
        return stories, [*booked, *unbooked]

    def set_limits(self, company: Company, homes: dict[str, list[Household]]) -> None:
        """Write what is out of the ordinary: big jobs, requests, caps, preferences."""
        with self._progress.step("Big jobs and limits") as bar:
            special = Special(
                homes=homes,
                offers=company.offers,
                dispatchers=_dispatchers(company),
                website=actor_of(
                    company.users["integration"], role=Role.INTEGRATION, label="Website"
                ),
                dice=self._dice.fork("special"),
                now=self._now,
            )
            special.plan_jobs()
            special.note_preferences()
            special.cap_days({b.plan.code: b for b in company.branches})
            bar.advance()

    def agree(self, company: Company, homes: dict[str, list[Household]]) -> None:
        """Write some customers' maintenance plans."""
        with self._progress.step("Maintenance plans") as bar:
            agree(
                homes=homes,
                offers=company.offers,
                dispatchers=_dispatchers(company),
                dice=self._dice.fork("plans"),
                now=self._now,
            )
            bar.advance()


def _dispatchers(company: Company) -> dict[str, Actor]:
    """Return the dispatcher of each branch, as events name them."""
    return {
        code: actor_of(user, role=Role.DISPATCHER, label=user.name)
        for code, user in company.dispatchers().items()
    }
