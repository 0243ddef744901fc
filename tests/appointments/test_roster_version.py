"""The roster's version changes with every fact that it is read from, and only then."""

import re
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg.sql import SQL, Identifier

from appointments.models import Cap, RosterVersion
from appointments.selectors.roster import Roster, current_roster
from tests.crowds import at_once
from tests.factories import (
    TODAY,
    make_appointment,
    make_customer,
    make_location,
    make_service,
    make_technician,
    make_zone,
)

# What a roster is kept under, not what it is read from.
_LABEL = "appointments_rosterversion"


def version() -> UUID | None:
    return RosterVersion.objects.values_list("version", flat=True).first()


def bump(table: str = "core_zone") -> None:
    """Write to the table without changing anything: the triggers cannot tell."""
    statement = SQL("UPDATE {} SET id = id WHERE false").format(Identifier(table))
    with connection.cursor() as cursor:
        cursor.execute(statement)


def roster() -> Roster:
    return current_roster(day=TODAY)


def tables_read() -> set[str]:
    """Return the tables that a fresh roster is read from, by its own queries."""
    bump()
    with CaptureQueriesContext(connection) as asked:
        roster()
    named = (
        re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])
        for query in asked.captured_queries
    )
    return {table for tables in named for table in tables} - {_LABEL}


def tables_watched() -> set[str]:
    """Return the tables whose every kind of write bumps the version."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT event_object_table FROM information_schema.triggers
            WHERE action_statement = 'EXECUTE FUNCTION roster_changed()'
              AND action_timing = 'AFTER' AND action_orientation = 'STATEMENT'
            GROUP BY 1
            HAVING array_agg(DISTINCT event_manipulation::text ORDER BY
                             event_manipulation::text)
                = ARRAY['DELETE', 'INSERT', 'UPDATE']
            """
        )
        watched = {table for (table,) in cursor.fetchall()}
        # The information schema does not tell of TRUNCATE (bit 5), nor of what is off.
        cursor.execute(
            """
            SELECT tgrelid::regclass::text FROM pg_trigger
            JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE proname = 'roster_changed' AND tgenabled = 'O' AND tgtype & 32 <> 0
            """
        )
        return watched & {table for (table,) in cursor.fetchall()}


@pytest.mark.django_db
def test_every_table_that_the_roster_is_read_from_is_watched() -> None:
    read, watched = tables_read(), tables_watched()

    assert len(read) > 10
    assert read <= watched


@pytest.mark.django_db
def test_no_table_is_watched_for_nothing() -> None:
    # Branches, hours and zones hold locks of all who book: no bump without a reason.
    assert tables_watched() <= tables_read()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO appointments_cap SELECT * FROM appointments_cap",
        "UPDATE appointments_cap SET most = most",
        "DELETE FROM appointments_cap",
        "TRUNCATE appointments_cap",
        "COPY appointments_cap FROM '/dev/null'",
    ],
)
def test_any_statement_draws_a_new_version(statement) -> None:
    before = version()

    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert version() != before


@pytest.mark.django_db
def test_each_watched_table_draws_a_new_version() -> None:
    for table in tables_watched():
        before = version()
        bump(table)
        assert version() != before, table


@pytest.mark.django_db
def test_visits_and_customers_are_none_of_the_rosters_business() -> None:
    technician = make_technician()
    service = make_service()
    before = version()

    make_customer()
    make_appointment(technician=technician, service=service)

    assert version() == before


# --- Own transactions, and those that are rolled back -----------------------------


@pytest.mark.django_db
def test_a_change_is_seen_by_its_own_transaction_and_gone_with_it() -> None:
    branch = make_location()
    before = roster()

    with transaction.atomic():
        cap = Cap.objects.create(location=branch, most=1)
        within = roster()
        transaction.set_rollback(True)
    after = roster()

    assert [each.id for each in within.caps[branch.pk]] == [cap.pk]
    assert within.version != before.version
    assert branch.pk not in after.caps
    assert after.version == before.version


@pytest.mark.django_db
def test_a_version_that_was_rolled_back_never_comes_again() -> None:
    # Else what somebody keeps of it would pass for another change's content.
    seen = set()
    for _ in range(20):
        with transaction.atomic():
            bump()
            seen.add(version())
            transaction.set_rollback(True)
    bump()

    assert len(seen) == 20
    assert version() not in seen


@pytest.mark.django_db
def test_a_rolled_back_change_does_not_pass_for_the_next_one() -> None:
    branch = make_location()
    with transaction.atomic():
        Cap.objects.create(location=branch, most=1)
        roster()
        transaction.set_rollback(True)

    Cap.objects.create(location=branch, most=7)

    assert [each.most for each in roster().caps[branch.pk]] == [7]


@pytest.mark.django_db
def test_the_same_version_is_the_same_roster() -> None:
    make_zone("85004")

    first, second = roster(), roster()

    assert second is first


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_changes_at_once_end_in_one_roster_that_has_them_all() -> None:
    branches = [make_location() for _ in range(8)]
    bump()

    def change(number: int) -> int:
        with transaction.atomic():
            Cap.objects.create(location=branches[number], most=number)
            mine = roster().caps[branches[number].pk]
        return mine[0].most

    assert sorted(at_once(change)) == list(range(8))
    caps = roster().caps
    assert {caps[branch.pk][0].most for branch in branches} == set(range(8))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_what_others_have_not_committed_is_not_seen() -> None:
    branch = make_location()
    bump()
    before = roster()

    def other(number: int) -> bool:
        """Look from another connection."""
        return roster().version == before.version and branch.pk not in roster().caps

    with transaction.atomic():
        Cap.objects.create(location=branch, most=1)
        mine = roster()
        (unseen,) = at_once(other, count=1)

    assert unseen is True
    assert branch.pk in mine.caps
    assert roster().version == mine.version
