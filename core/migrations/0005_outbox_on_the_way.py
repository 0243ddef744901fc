from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the outbox is never empty: its index is built beside its work

    dependencies = [("core", "0004_outbox_postponed")]

    operations = [
        AddIndexConcurrently(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(("status", "leased")),
                fields=["destination"],
                name="outbox_on_the_way",
            ),
        ),
    ]
