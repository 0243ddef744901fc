"""Technicians and skills over HTTP."""

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import SYSTEM
from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent
from core.api.roster import RosterChange, Wanted, or_rehearsal
from technicians import selectors, services
from technicians.api import serializers as forms
from technicians.api.filters import TechnicianFilter
from technicians.api.references import skills_by_code, technician_fields
from technicians.api.serializers import SkillOutput, TechnicianOutput
from technicians.models import Skill, Technician, TechnicianQuerySet
from technicians.services import SkillGrant

_OR_REHEARSAL = or_rehearsal(TechnicianOutput)


class SkillViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """What services may ask of technicians."""

    resource = "skills"
    serializer_class = SkillOutput
    ordering: ClassVar[tuple[str, ...]] = ("name", "id")

    def get_queryset(self) -> QuerySet[Skill]:
        return Skill.objects.all()


class TechnicianViewSet(
    RetrieveWithETag,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Technicians of one's branches; a technician sees himself."""

    resource = "technicians"
    serializer_class = TechnicianOutput
    filterset_class = TechnicianFilter
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("name", "id")

    def get_queryset(self) -> TechnicianQuerySet:
        return selectors.technicians_with_skills(actor=actor_of(self.request))

    @extend_schema(request=forms.TechnicianInput, responses={201: TechnicianOutput})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Take somebody on."""
        technician = services.create_technician(
            fields=technician_fields(self._checked(forms.TechnicianInput), request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return self._shown(technician, status=status.HTTP_201_CREATED)

    @extend_schema(request=forms.TechnicianChanges, responses=_OR_REHEARSAL)
    @idempotent()
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change what is known of a technician.

        Visits booked outside of new zones stand in the way (R13).
        """
        form = self._checked(forms.TechnicianChanges)
        wanted = Wanted.taken_out_of(form)
        changes = technician_fields(form, request)
        return self._roster_change(
            services.update_technician, pk, wanted, changes=changes
        )

    @extend_schema(request=RosterChange, responses=_OR_REHEARSAL)
    @action(detail=True, methods=["post"])
    @idempotent()
    def deactivate(self, request: Request, pk: UUID) -> Response:
        """Book no more visits for a technician.

        Those that are booked stand in the way (R13).
        """
        wanted = Wanted.taken_out_of(self._checked(RosterChange))
        return self._roster_change(services.deactivate_technician, pk, wanted)

    @extend_schema(request=None, responses=TechnicianOutput)
    @action(detail=True, methods=["post"])
    @idempotent()
    def reactivate(self, request: Request, pk: UUID) -> Response:
        """Book visits for a technician again."""
        return self._change(services.reactivate_technician, pk)

    @extend_schema(request=forms.SkillsInput, responses=_OR_REHEARSAL)
    @action(detail=True, methods=["put"], url_path="skills")
    @idempotent()
    def set_skills(self, request: Request, pk: UUID) -> Response:
        """Let a technician have these skills and no others.

        Visits that ask for a skill that is lost stand in the way (R13).
        """
        form = self._checked(forms.SkillsInput)
        given = form["skills"]
        skills = skills_by_code([row["skill"] for row in given])
        grants = [
            SkillGrant(skill=skills[row["skill"]], valid_until=row.get("valid_until"))
            for row in given
        ]
        wanted = Wanted.taken_out_of(form)
        return self._roster_change(services.set_skills, pk, wanted, grants=grants)

    def _checked(self, form_class: Any) -> dict[str, Any]:
        form = form_class(data=self.request.data)
        form.is_valid(raise_exception=True)
        checked: dict[str, Any] = form.validated_data
        return checked

    def _roster_change(
        self, service: Any, pk: UUID, wanted: Wanted, **given: Any
    ) -> Response:
        return wanted.answer(partial(self._change, service, pk, **given))

    def _change(self, service: Any, pk: UUID, **given: Any) -> Response:
        technician = service(
            technician_id=pk,
            actor=actor_of(self.request),
            now=timezone.now(),
            expected_version=if_match(self.request),
            **given,
        )
        return self._shown(technician)

    def _shown(self, technician: Technician, **kwargs: Any) -> Response:
        """Answer with the technician as it reads from the database, all in order.

        Whoever moved it out of his own sight still sees what he did.
        """
        fresh = selectors.technicians_with_skills(actor=SYSTEM).get(pk=technician.pk)
        output = TechnicianOutput(fresh).data
        return with_etag(Response(output, **kwargs), fresh.version)
