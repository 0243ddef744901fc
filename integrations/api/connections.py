"""Connections to vendors over HTTP."""

from typing import Any
from uuid import UUID

import django_filters as filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.errors import NotFound
from core.models import Location
from integrations import selectors, services
from integrations.api import connection_forms as forms
from integrations.connectors.registry import connector_of, offered_vendors
from integrations.models import Connection, ConnectionState, Vendor


class ConnectionFilter(filters.FilterSet):
    """Narrow by vendor, state and branch."""

    vendor = filters.MultipleChoiceFilter(choices=Vendor.choices)
    state = filters.MultipleChoiceFilter(choices=ConnectionState.choices)
    location = filters.UUIDFilter()

    class Meta:
        model = Connection
        fields: list[str] = []


class ConnectionViewSet(
    RetrieveWithETag,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Vendors that the company works with, and how they are doing."""

    resource = "connections"
    serializer_class = forms.ConnectionOutput
    filterset_class = ConnectionFilter
    lookup_value_converter = "uuid"
    ordering = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[Connection]:
        return selectors.connections(actor=actor_of(self.request))

    def get_serializer_class(self) -> Any:
        if self.action == "retrieve":
            return forms.ConnectionDetail
        return super().get_serializer_class()

    # Not idempotent by key: the record would keep the secret for days. The name is
    # unique, which serves as well.
    @extend_schema(
        request=forms.ConnectionInput, responses={201: forms.ConnectionWithSecret}
    )
    def create(self, request: Request) -> Response:
        """Connect a vendor. The answer shows what signs its callbacks, this once."""
        given = _checked(forms.ConnectionInput, request)
        actor = actor_of(request)
        given["location"] = _location(given.get("location"), actor=actor)
        connection = services.create_connection(
            form=services.ConnectionForm(**given), actor=actor, now=timezone.now()
        )
        body = forms.ConnectionWithSecret(connection).data
        return with_etag(Response(body, status.HTTP_201_CREATED), connection.version)

    @extend_schema(request=forms.ConnectionChanges, responses=forms.ConnectionDetail)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change a connection. Of settings and credentials, what is left out stays."""
        changes = _checked(forms.ConnectionChanges, request)
        actor = actor_of(request)
        if "location" in changes:
            changes["location"] = _location(changes["location"], actor=actor)
        connection = services.update_connection(
            connection_id=pk,
            changes=changes,
            actor=actor,
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return _shown(connection)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Remove a connection with all that it knows, and call off what waits."""
        services.delete_connection(
            connection_id=pk,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=forms.CheckOutput)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: UUID) -> Response:
        """Ask the vendor whether it knows us, changing nothing there."""
        check = services.check_connection(
            connection_id=pk, actor=actor_of(request), now=timezone.now()
        )
        return Response(forms.CheckOutput(check).data)

    @extend_schema(request=forms.PauseInput, responses=forms.ConnectionDetail)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: UUID) -> Response:
        """Leave the vendor alone, and park what waits for it."""
        reason = _checked(forms.PauseInput, request).get("reason", "")
        connection = services.pause_connection(
            connection_id=pk,
            reason=reason,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return _shown(connection)

    @extend_schema(request=None, responses=forms.ConnectionDetail)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: UUID) -> Response:
        """Use it again as it is, and let go what was parked, the oldest first."""
        connection = services.resume_connection(
            connection_id=pk,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return _shown(connection)

    @extend_schema(request=forms.ReauthoriseInput, responses=forms.ConnectionDetail)
    @action(detail=True, methods=["post"])
    def reauthorise(self, request: Request, pk: UUID) -> Response:
        """Give new credentials; if the vendor takes them, all goes on."""
        connection = services.reauthorise_connection(
            connection_id=pk,
            credentials=_checked(forms.ReauthoriseInput, request).get(
                "credentials", {}
            ),
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return _shown(connection)

    @extend_schema(request=forms.SecretInput, responses=forms.ConnectionWithSecret)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: UUID) -> Response:
        """Change what signs callbacks, shown this once; the old one lasts 24 hours."""
        connection = services.rotate_inbound_secret(
            connection_id=pk,
            secret=_checked(forms.SecretInput, request).get("secret", ""),
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        body = forms.ConnectionWithSecret(connection).data
        return with_etag(Response(body), connection.version)

    @extend_schema(request=None, responses=forms.ConnectionDetail)
    @action(detail=True, methods=["post"], url_path="rotate-token")
    def rotate_token(self, request: Request, pk: UUID) -> Response:
        """Change the path that the vendor calls; the old one is dead at once."""
        connection = services.rotate_inbound_token(
            connection_id=pk,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return _shown(connection)

    @extend_schema(responses=forms.MappingsOutput)
    @action(detail=True, methods=["get"], filterset_class=None)
    def mappings(self, request: Request, pk: UUID) -> Response:
        """Show which field is which at the vendor."""
        return _mappings(self.get_object())

    @extend_schema(request=forms.MappingsInput, responses=forms.MappingsOutput)
    @mappings.mapping.put
    def set_mappings(self, request: Request, pk: UUID) -> Response:
        """Replace the whole mapping. A field left out is not synced."""
        rows = _checked(forms.MappingsInput, request)["mappings"]
        connection = services.set_mappings(
            connection_id=pk,
            forms=[services.MappingForm(**row) for row in rows],
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return _mappings(connection)

    @extend_schema(responses=forms.VendorsOutput)
    @action(detail=False, methods=["get"], filterset_class=None)
    def vendors(self, request: Request) -> Response:
        """Tell which vendors can be connected, and what they have to be told."""
        found = []
        for vendor in offered_vendors():
            connector = connector_of(vendor)
            found.append(
                {
                    "vendor": vendor.value,
                    "name": vendor.label,
                    "questions": connector.questions,
                    "hosts": connector.hosts,
                    "calls_per_second": connector.calls_per_second,
                }
            )
        return Response(forms.VendorsOutput({"vendors": found}).data)


def _checked(form: type[Any], request: Request) -> dict[str, Any]:
    filled = form(data=request.data)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def _shown(connection: Connection) -> Response:
    body = forms.ConnectionDetail(connection).data
    return with_etag(Response(body), connection.version)


def _mappings(connection: Connection) -> Response:
    rows = selectors.mappings_of(connection.pk).order_by("object_type", "field")
    body = forms.MappingsOutput({"mappings": rows}).data
    return with_etag(Response(body), connection.version)


def _location(location_id: UUID | None, *, actor: Actor) -> Location | None:
    """Return the branch to connect; none is the company, for those who see all."""
    if location_id is None:
        if not actor.sees_all_locations:
            raise NotFound
        return None
    location = Location.objects.visible_to(actor).filter(pk=location_id).first()
    if location is None:
        raise ValidationError({"location": ["There is no such branch."]})
    return location
