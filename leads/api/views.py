"""Leads over HTTP: leave a wish, work on it."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent
from core.models import Location
from leads import services
from leads.api import serializers as forms
from leads.api.filters import LeadFilter
from leads.api.serializers import LeadOutput, PublicLeadOutput, lead_output
from leads.models import Lead, LeadQuerySet
from leads.services import LeadForm

_EITHER = PolymorphicProxySerializer(
    component_name="ReceivedLead",
    serializers=[LeadOutput, PublicLeadOutput],
    resource_type_field_name=None,
)


class LeadViewSet(
    RetrieveWithETag,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Wishes for visits: of one's own branches, and those that nobody serves."""

    resource = "leads"
    rate_limit_scope = "public_form"
    serializer_class = LeadOutput
    filterset_class = LeadFilter
    lookup_value_converter = "uuid"

    def get_queryset(self) -> LeadQuerySet:
        return Lead.objects.visible_to(actor_of(self.request))

    @extend_schema(request=forms.LeadInput, responses={201: _EITHER, 200: _EITHER})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Leave a wish; the same one again within ten minutes is the same lead (200).

        A visitor gets a `booking_token`: with it they book a visit for this lead.
        """
        form = forms.LeadInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor = actor_of(request)
        lead, is_new = services.receive_lead(
            form=LeadForm(**form.validated_data), actor=actor, now=timezone.now()
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        shown = lead_output(lead, is_staff=actor.is_staff)
        return with_etag(Response(shown, code), lead.version)

    @extend_schema(request=forms.LeadChanges, responses=LeadOutput)
    @idempotent()
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Correct what was written down; flags, branch and customer follow from it."""
        form = forms.LeadChanges(data=request.data)
        form.is_valid(raise_exception=True)
        changes = form.validated_data
        if "location" in changes:
            changes["location"] = _location(
                changes["location"], actor=actor_of(request)
            )
        return self._change(services.update_lead, pk, changes=changes)

    @extend_schema(request=forms.DismissalInput, responses=LeadOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def dismiss(self, request: Request, pk: UUID) -> Response:
        """Put a lead aside for good, with the reason."""
        form = forms.DismissalInput(data=request.data)
        form.is_valid(raise_exception=True)
        return self._change(services.dismiss_lead, pk, **form.validated_data)

    @extend_schema(request=None, responses=LeadOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def contact(self, request: Request, pk: UUID) -> Response:
        """Note that somebody has answered."""
        return self._change(services.mark_contacted, pk)

    def _change(self, service: Any, pk: UUID, **given: Any) -> Response:
        lead = service(
            lead_id=pk,
            actor=actor_of(self.request),
            now=timezone.now(),
            expected_version=if_match(self.request),
            **given,
        )
        return with_etag(Response(LeadOutput(lead).data), lead.version)


def _location(location_id: UUID, *, actor: Actor) -> Location:
    location = Location.objects.visible_to(actor).filter(pk=location_id).first()
    if location is None:
        raise ValidationError({"location": ["There is no such location."]})
    return location
