from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is built while others write

    dependencies = [("leads", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "lead",
            models.Index(
                "location",
                name="lead_unanswered",
                condition=models.Q(status="new"),
            ),
        ),
    ]
