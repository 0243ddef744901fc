"""Routes of leads, customers and properties, below /api/v1."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from leads.api.customer_views import CustomerViewSet, PropertyViewSet
from leads.api.views import LeadViewSet

_router = SimpleRouter(trailing_slash=False, use_regex_path=False)
_router.register("leads", LeadViewSet, basename="lead")
_router.register("customers", CustomerViewSet, basename="customer")

urlpatterns = [
    path(
        "customers/<uuid:pk>/properties",
        PropertyViewSet.as_view({"get": "list", "post": "create"}),
        name="customer-properties",
    ),
    *_router.urls,
]
