"""Staff find a customer by whatever they say on the phone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Customer, Lead
from leads.selectors import customers_matching, leads_matching
from tests.factories import make_customer, make_lead, make_property

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Customer:
    customer = make_customer(
        name="Ada Byron", phone="+16025550142", email="ada.byron@example.com"
    )
    make_property(customer=customer, line1="12 Elm Street", postal_code="85004-1234")
    make_property(customer=customer, line1="7 Oak Avenue", postal_code="85281")
    return customer


@pytest.fixture
def _others() -> None:
    for number in range(3):
        make_customer(
            name=f"Grace Hopper {number}",
            phone=f"+1480555010{number}",
            email=f"grace{number}@example.org",
        )


def found(text: str) -> list[Customer]:
    return list(customers_matching(Customer.objects.all(), text))


@pytest.mark.usefixtures("_others")
@pytest.mark.parametrize(
    "text",
    [
        "Ada Byron",
        "byr",
        "555-0142",
        "(602) 555 0142",
        "+16025550142",
        "ADA.BYRON@",
        "12 elm",
        "Oak Ave",
        "85004",
        "85281",
    ],
)
def test_a_customer_is_found_by(ada, text) -> None:
    assert found(text) == [ada]


@pytest.mark.usefixtures("_others")
@pytest.mark.parametrize("text", ["Eve", "999-9999", "99999", "%", "_", "\\", "'"])
def test_nobody_is_found_by(ada, text) -> None:
    assert found(text) == []


@pytest.mark.usefixtures("_others")
def test_where_many_match_the_same_ones_are_found(ada, monkeypatch) -> None:
    monkeypatch.setattr("leads.selectors.customers.MANY", 0)

    for text in ("byr", "12 elm", "555-0142", "ada.byron@"):
        assert found(text) == [ada]
    assert len(found("grace")) == 3


def test_three_digits_are_no_phone(ada) -> None:
    assert found("014") == []


def test_a_customer_is_found_once_however_often_they_match(ada) -> None:
    make_property(customer=ada, line1="1 Byron Way")

    assert found("byron") == [ada]


MANY_PEOPLE = """
    INSERT INTO leads_customer (id, name, notes)
    SELECT gen_random_uuid(), 'Customer ' || n, '' FROM generate_series(1, 20000) n;
    INSERT INTO leads_contactmethod (customer_id, kind, value, is_primary)
    SELECT id, 'email', id || '@example.com', true FROM leads_customer;
    INSERT INTO leads_property
        (id, customer_id, line1, line2, city, region, postal_code, access_notes)
    SELECT gen_random_uuid(), id, name || ' St', '', '', '', '85004', ''
    FROM leads_customer;
    ANALYZE leads_customer, leads_contactmethod, leads_property
"""
INDEXES = ("customer_by_name", "contact_by_part", "property_by_street")


def test_among_many_the_search_walks_through_no_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_PEOPLE)
        for index in INDEXES:  # as autovacuum does
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])

    with CaptureQueriesContext(connection) as asked:
        found("byron")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert [index for index in INDEXES if f"on {index} " not in plan] == []
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("text", ["ada", "5550142", "ada@", "8500", "L-7K2M"])
def test_a_lead_is_found_by(text) -> None:
    lead = make_lead(
        name="Ada Byron",
        phone="+16025550142",
        email="ada@example.com",
        postal_code="85004",
        reference="L-7K2M9QXT",
    )
    make_lead(name="Grace", phone="", postal_code="98101")

    assert list(leads_matching(Lead.objects.all(), text)) == [lead]
