"""Logs: one JSON object a line, with the request's id and personal data masked."""

import logging
import logging.config
from typing import Any

import orjson
import structlog

from core.text import mask_personal_data


def _mask(
    logger: Any, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Mask phones, e-mails and secrets wherever they stand in the event."""
    for key, value in event.items():
        event[key] = mask_personal_data(key=key, value=value)
    return event


SHARED_PROCESSORS: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _mask,
]


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Write each record as one line; access lines come ready-made."""

    def __init__(self, *, renderer: structlog.types.Processor, **options: Any) -> None:
        processors = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ]
        super().__init__(processors=processors, **options)
        self._renderer = renderer

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "fieldbook.access" and isinstance(record.msg, dict):
            return str(self._renderer(None, "info", record.msg.copy()))
        return super().format(record)


def _as_json(event: Any, **options: Any) -> str:
    return orjson.dumps(event, default=options["default"]).decode()


LEVELS = {
    # Each request has its own access line already.
    "django.server": "WARNING",
    "django.request": "ERROR",
    "httpx2": "WARNING",
    "httpcore2": "WARNING",
    "celery.app.trace": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.beat": "WARNING",
}


def logging_config(*, as_json: bool) -> None:
    """Send every logger's records through one formatter to stderr."""
    structlog.configure(
        processors=[
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(_as_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": _Formatter,
                    "renderer": renderer,
                    "foreign_pre_chain": SHARED_PROCESSORS,
                }
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "structured"}
            },
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {name: {"level": level} for name, level in LEVELS.items()},
        }
    )
