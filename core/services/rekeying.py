"""Seal secrets with the newest key, a few at a time, while the house is open."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import TextField, Value
from django.db.models.functions import Cast

from core.crypto import EncryptedTextField, InvalidToken, reseal

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedField:
    """A column that holds secrets."""

    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def rows(self) -> "models.QuerySet[Any]":
        """Return the rows with something in them; `raw` is what the database holds."""
        raw = Cast(self.name, TextField())
        every = self.model._base_manager.annotate(raw=raw)
        return every.exclude(raw=None).exclude(raw="")


@dataclass(slots=True, kw_only=True)
class Resealed:
    """What came of some rows; `after` is where to go on, None at the end."""

    seen: int = 0
    changed: int = 0
    unreadable: list[str] = field(default_factory=list)
    after: Any = None


def sealed_fields() -> Iterator[SealedField]:
    """Yield every column of every model that holds secrets."""
    for model in apps.get_models():
        for column in model._meta.local_concrete_fields:
            if isinstance(column, EncryptedTextField):
                yield SealedField(model=model, name=column.name)


@transaction.atomic
def reseal_batch(*, column: SealedField, after: Any, dry_run: bool = False) -> Resealed:
    """Seal the next rows with the newest key; a dry run only counts them.

    Whoever writes a row meanwhile seals it with the newest key anyhow, and wins.
    """
    rows = column.rows().order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows.values_list("pk", "raw")[:BATCH])
    done = Resealed(seen=len(found))
    for pk, raw in found:
        try:
            fresh = reseal(raw)
        except InvalidToken:
            done.unreadable.append(str(pk))
            continue
        if fresh != raw:
            done.changed += 1
            if not dry_run:
                sealed = Value(fresh, output_field=TextField())
                column.rows().filter(pk=pk, raw=raw).update(**{column.name: sealed})
    if len(found) == BATCH:
        done.after = found[-1][0]
    return done
