"""Conflicts of two edits, over HTTP."""

import django_filters as filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.actors import actor_of
from core.api.idempotency import idempotent
from core.api.serializers import StrictSerializer
from integrations.api.serializers import SUBJECT_HELP
from integrations.models import SyncConflict
from integrations.selectors.conflicts import conflicts
from integrations.services.sync import resolve_conflict

KEEP = ("ours", "theirs")


class ConflictFilter(filters.FilterSet):
    """Narrow by connection, thing, kind, and by being open."""

    connection = filters.UUIDFilter()
    kind = filters.ChoiceFilter(choices=SyncConflict.Kind.choices)
    object_type = filters.CharFilter(max_length=30)
    object = filters.UUIDFilter("object_id")
    is_open = filters.BooleanFilter("resolved_at", lookup_expr="isnull")

    class Meta:
        model = SyncConflict
        fields: list[str] = []


@extend_schema_field(OpenApiTypes.ANY)
class AnyField(serializers.JSONField):
    """A value of a field: whatever that holds."""


class ResolveInput(StrictSerializer):
    """Whose value stands."""

    keep = serializers.ChoiceField(choices=KEEP)


class ConflictOutput(serializers.ModelSerializer):
    """A field with both values; `kept` says which the policy has let stand."""

    id = serializers.CharField(source="pk", help_text="A number, as text.")
    subject = serializers.CharField(help_text=SUBJECT_HELP)
    agreed = AnyField()
    ours = AnyField()
    theirs = AnyField()

    class Meta:
        model = SyncConflict
        fields = (
            "id",
            "connection",
            "kind",
            "object_type",
            "object_id",
            "subject",
            "field",
            "agreed",
            "ours",
            "theirs",
            "kept",
            "why",
            "created_at",
            "resolved_at",
            "resolved_by",
            "resolution",
        )


class ConflictViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """What both sides changed, and changes of theirs that cannot be ours."""

    resource = "conflicts"
    serializer_class = ConflictOutput
    filterset_class = ConflictFilter
    lookup_value_converter = "int"
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[SyncConflict]:
        return conflicts(actor=actor_of(self.request))

    @extend_schema(request=ResolveInput, responses=ConflictOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def resolve(self, request: Request, pk: int) -> Response:
        """Keep ours, which they are then told, or theirs, which becomes ours."""
        form = ResolveInput(data=request.data)
        form.is_valid(raise_exception=True)
        resolve_conflict(
            conflict_id=pk,
            keep=form.validated_data["keep"],
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(ConflictOutput(self.get_object()).data)
