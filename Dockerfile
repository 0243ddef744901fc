# One image for web, worker, beat and migrations: the command decides.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /venv
COPY requirements/production.lock /tmp/production.lock
RUN python -m pip --python /venv/bin/python install \
      --require-hashes --no-deps --only-binary=:all: -r /tmp/production.lock
WORKDIR /app
COPY . .
# Hashed names and compressed copies, so that browsers keep static files for ever. It
# needs settings that start; the keys are of this one command and stay nowhere.
RUN SECRET_KEY=only-to-collect-static-files-0123456789 \
    FIELD_ENCRYPTION_KEYS=only-to-collect-static-files-0123456789 \
    DATABASE_URL=postgres://nobody@localhost/none REDIS_URL=redis://localhost \
    STATIC_ROOT=/static /venv/bin/python manage.py collectstatic --noinput \
 && /venv/bin/python -m compileall -q /venv /app

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent fieldbook
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    STATIC_ROOT=/static
COPY --from=build /venv /venv
COPY --from=build /static /static
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8000
# Celery's beat and worker have other checks, in docker-compose.yml.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["granian", "config.wsgi:application", "--interface", "wsgi", "--no-ws", \
     "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", \
     "--respawn-failed-workers", "--log-level", "warning"]
