"""Customers and their properties over HTTP."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.actors import actor_of
from core.api.etags import RetrieveWithETag, if_match, with_etag
from core.api.idempotency import idempotent
from leads import selectors, services
from leads.api import customer_serializers as forms
from leads.api.customer_serializers import CustomerOutput, PropertyOutput
from leads.api.filters import CustomerFilter
from leads.models import Customer, CustomerQuerySet, Property
from leads.services import PropertyForm


class CustomerViewSet(
    RetrieveWithETag,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Customers of the company."""

    resource = "customers"
    serializer_class = CustomerOutput
    filterset_class = CustomerFilter
    lookup_value_converter = "uuid"
    ordering: ClassVar[tuple[str, ...]] = ("name", "id")

    def get_queryset(self) -> CustomerQuerySet:
        return selectors.customers_with_contacts(actor=actor_of(self.request))

    @extend_schema(request=forms.CustomerInput, responses={201: CustomerOutput})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Write down a customer; a phone that another one has is a conflict."""
        form = forms.CustomerInput(data=request.data)
        form.is_valid(raise_exception=True)
        customer = services.create_customer(
            **form.validated_data, actor=actor_of(request), now=timezone.now()
        )
        return self._shown(customer, status=status.HTTP_201_CREATED)

    @extend_schema(request=forms.CustomerChanges, responses=CustomerOutput)
    @idempotent()
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change a customer; contact methods are replaced as a whole."""
        form = forms.CustomerChanges(data=request.data)
        form.is_valid(raise_exception=True)
        customer = services.update_customer(
            customer_id=pk,
            changes=form.validated_data,
            actor=actor_of(request),
            now=timezone.now(),
            expected_version=if_match(request),
        )
        return self._shown(customer)

    def _shown(self, customer: Customer, **kwargs: Any) -> Response:
        """Answer with the customer as it reads from the database, all in order."""
        fresh = self.get_queryset().get(pk=customer.pk)
        return with_etag(Response(CustomerOutput(fresh).data, **kwargs), fresh.version)


class PropertyViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The service addresses of a customer."""

    resource = "properties"
    queryset = Property.objects.none()  # tells the API's description the model
    serializer_class = PropertyOutput
    filterset_class = None

    def get_queryset(self) -> QuerySet[Property]:
        customers = Customer.objects.visible_to(actor_of(self.request))
        return get_object_or_404(customers, pk=self.kwargs["pk"]).properties.all()

    @extend_schema(request=forms.PropertyInput, responses={201: PropertyOutput})
    @idempotent()
    def create(self, request: Request, pk: UUID) -> Response:
        """Add an address; one that is listed already is a conflict."""
        form = forms.PropertyInput(data=request.data)
        form.is_valid(raise_exception=True)
        address = services.add_property(
            customer_id=pk,
            form=PropertyForm(**form.validated_data),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(PropertyOutput(address).data, status.HTTP_201_CREATED)
