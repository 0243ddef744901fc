"""What polling finds goes through the same inbox."""

import pytest

from integrations.models import InboundEvent, Source
from integrations.rules.things import Remote
from integrations.services.inbox import store_polled
from integrations.services.inbox.storing import body_of

ADA = Remote(kind="customer", remote_type="customer", remote_id="cus_1")

pytestmark = pytest.mark.django_db


def test_what_was_found_is_stored_as_it_is(connection) -> None:
    event = store_polled(
        connection=connection, remote=ADA, body=b'{"name":"Ada"}', dedupe_key="poll:1"
    )

    assert event is not None
    assert (event.source, event.event_type) == (Source.POLL, "customer.polled")
    assert (event.external_id, event.state) == ("cus_1", "received")
    assert body_of(event) == b'{"name":"Ada"}'


def test_what_was_told_before_is_counted_not_stored(connection) -> None:
    def found() -> InboundEvent | None:
        return store_polled(
            connection=connection, remote=ADA, body=b"{}", dedupe_key="poll:1"
        )

    first, second = found(), found()

    assert first is not None
    assert second is None
    assert InboundEvent.objects.get().times_received == 2


@pytest.mark.django_db(transaction=True)
def test_the_hint_goes_out_with_the_commit(connection, hints) -> None:
    event = store_polled(connection=connection, remote=ADA, body=b"{}", dedupe_key="1")

    assert event is not None
    assert hints == [("integrations.tasks.process_inbound", {"event_id": event.pk})]
