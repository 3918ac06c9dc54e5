"""Structured logs on standard error; secrets and tokens never reach them."""

import logging
import sys

import structlog

from infra.settings import Settings

OURS = ("schemas", "infra", "ingest", "pipelines", "analysis", "api", "orchestration")
"""Libraries speak from warnings upwards only."""
TELL_TWICE = ("urllib3", "clickhouse_connect")
"""Their warnings announce the error that they then raise, and we say what that means."""
HIDDEN = ("password", "token", "secret", "authorization", "cookie")


def _hide_secrets(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in event:
        if any(word in name.lower() for word in HIDDEN):
            event[name] = "********"
    return event


def start_logs(settings: Settings, process: str) -> None:
    """Set up logging for this process; third-party records take the same form."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
        )
    )
    logging.basicConfig(
        handlers=[handler], level=max(logging.WARNING, logging.getLevelName(settings.log_level.upper())), force=True
    )
    for theirs in TELL_TWICE:
        logging.getLogger(theirs).setLevel(logging.ERROR)
    for ours in OURS:
        logging.getLogger(ours).setLevel(settings.log_level.upper())
    structlog.contextvars.bind_contextvars(process=process)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module."""
    found: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return found
