"""Whom a customer prefers, and whom never to send."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from appointments import services
from appointments.models import PreferenceKind, TechnicianPreference
from core.api.actors import actor_of
from core.api.serializers import CleanCharField, StrictSerializer
from leads.models import Customer
from technicians.models import Technician


class PreferenceInput(StrictSerializer):
    """A technician whom the customer prefers, or does not want."""

    technician = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=PreferenceKind.choices)
    reason = CleanCharField(required=False, max_length=200, allow_blank=True)


class _TechnicianOutput(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class PreferenceOutput(serializers.ModelSerializer[TechnicianPreference]):
    """Preferred technicians are asked first; barred ones never."""

    technician = _TechnicianOutput()

    class Meta:
        model = TechnicianPreference
        fields = ("technician", "kind", "reason", "updated_at")


class PreferenceViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """A customer's words about technicians."""

    resource = "technician_preferences"
    queryset = TechnicianPreference.objects.none()  # tells the description the model
    serializer_class = PreferenceOutput
    filterset_class = None
    ordering: ClassVar[tuple[str, ...]] = ("created_at", "id")

    def get_queryset(self) -> QuerySet[TechnicianPreference]:
        actor = actor_of(self.request)
        customers = Customer.objects.visible_to(actor)
        customer = get_object_or_404(customers, pk=self.kwargs["pk"])
        rows = TechnicianPreference.objects.filter(
            customer=customer, technician__in=Technician.objects.visible_to(actor)
        )
        return rows.select_related("technician")

    @extend_schema(request=PreferenceInput, responses=PreferenceOutput)
    def update(self, request: Request, pk: UUID) -> Response:
        """Say what the customer wants of one technician, instead of what was said."""
        form = PreferenceInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor, given = actor_of(request), form.validated_data
        crew = Technician.objects.visible_to(actor)
        technician = crew.filter(pk=given["technician"]).first()
        if technician is None:
            raise ValidationError({"technician": ["There is no such technician."]})
        preference = services.set_preference(
            customer_id=pk,
            technician=technician,
            kind=PreferenceKind(given["kind"]),
            reason=given.get("reason", ""),
            actor=actor,
            now=timezone.now(),
        )
        return Response(PreferenceOutput(preference).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID, technician_id: UUID) -> Response:
        """Forget what the customer said of a technician."""
        services.delete_preference(
            customer_id=pk,
            technician_id=technician_id,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
