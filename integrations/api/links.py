"""Ids of vendors, over HTTP."""

import django_filters as filters
from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from core.api.actors import actor_of
from integrations.api.serializers import SUBJECT_HELP
from integrations.models import ExternalLink
from integrations.selectors.links import external_links


class LinkFilter(filters.FilterSet):
    """Narrow by connection, thing of ours, or id of theirs."""

    connection = filters.UUIDFilter()
    object_type = filters.CharFilter(max_length=30)
    object = filters.UUIDFilter("object_id")
    remote_id = filters.CharFilter(max_length=120)

    class Meta:
        model = ExternalLink
        fields: list[str] = []


class LinkOutput(serializers.ModelSerializer):
    """One of our things at a vendor, and how the two came to know each other."""

    id = serializers.CharField(source="pk", help_text="A number, as text.")
    subject = serializers.CharField(help_text=SUBJECT_HELP)
    origin = serializers.ChoiceField(choices=ExternalLink.Origin.choices)

    class Meta:
        model = ExternalLink
        fields = (
            "id",
            "connection",
            "object_type",
            "object_id",
            "subject",
            "remote_type",
            "remote_id",
            "origin",
            "is_gone",
            "pushed_at",
            "seen_at",
            "created_at",
        )


class LinkViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Which of theirs is which of ours, the newest first."""

    resource = "external_links"
    serializer_class = LinkOutput
    filterset_class = LinkFilter
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[ExternalLink]:
        return external_links(actor=actor_of(self.request))
