"""Our routes, and one that does nothing but be a view of the framework."""

from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import urlpatterns as ours


class Ping(APIView):
    """Say ok."""

    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({"status": "ok"})


urlpatterns = [path("api/v1/ping", Ping.as_view()), *ours]
