"""How the application is observed: Sentry SDK, JSON logs to Loki, and the request id that joins them."""
import logging
import queue
import sys
import time
import uuid

import logging_loki
import sentry_sdk
from flask import Response, g, has_request_context, request, session
from pythonjsonlogger.json import JsonFormatter
from sentry_sdk.integrations.flask import FlaskIntegration
from werkzeug.exceptions import NotFound

LOG_QUEUE_LINES = 20000
log = logging.getLogger("stockapp.http")


def drop_expected_errors(event, hint):
    """before_send: a page that does not exist is not an error of ours."""
    error = hint.get("exc_info", (None, None, None))[1]
    return None if isinstance(error, NotFound) else event


def start_sentry(settings) -> None:
    if not settings.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        integrations=[FlaskIntegration()],
        environment=settings.environment,
        release=settings.release,
        server_name="stockapp",  # else the machine's name, which the logs' service would not match
        traces_sample_rate=settings.traces_sample_rate,
        before_send=drop_expected_errors,
    )


def set_release(release: str) -> None:
    """A deployment in place, for the bad_release fault: later events carry the new version."""
    client = sentry_sdk.get_client()
    if client.is_active():
        client.options["release"] = release


class ContextFilter(logging.Filter):
    """Puts the request's ids on every record, in the thread that logs, before the record is queued."""

    def __init__(self, current_release):
        super().__init__()
        self._current_release = current_release

    def filter(self, record: logging.LogRecord) -> bool:
        record.service = "stockapp"
        record.release = self._current_release()
        if has_request_context():
            record.request_id = g.get("request_id")
            record.user_id = g.get("user_id")
            record.tier = g.get("tier")
            record.method, record.path = request.method, request.path
            span = sentry_sdk.get_current_span()
            if span is not None:
                record.trace_id, record.span_id = span.trace_id, span.span_id
        return True


def json_formatter() -> JsonFormatter:
    """timestamp (UTC, milliseconds), level, logger, message and whatever `extra` gave."""
    formatter = JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s",
                              rename_fields={"asctime": "timestamp", "levelname": "level", "name": "logger"})
    formatter.converter = time.gmtime
    formatter.default_time_format, formatter.default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"
    return formatter


def start_logging(settings, current_release) -> None:
    """Root logger: JSON on stdout, and the same JSON to Loki through a queue so that requests never wait."""
    formatter = json_formatter()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    url = settings.loki_push_url
    if url:
        handlers.append(logging_loki.LokiQueueHandler(
            queue.Queue(LOG_QUEUE_LINES), url=url, version="0" if url.endswith("/api/prom/push") else "1",
            tags={"service": "stockapp", "environment": settings.environment},
            auth=("stockapp", settings.loki_token) if settings.loki_token else None))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.addFilter(ContextFilter(current_release))
        handler.setFormatter(formatter)
        root.addHandler(handler)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # A log store that is away costs log lines, never a traceback a line on stderr.
    logging.raiseExceptions = False


def drain_logs(seconds: float = 3.0) -> None:
    """Waits until queued lines are handed over, at most `seconds`."""
    deadline = time.monotonic() + seconds
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging_loki.LokiQueueHandler):
            while not handler.queue.empty() and time.monotonic() < deadline:
                time.sleep(0.02)


def observe_requests(app, metrics) -> None:
    """Request id in, metrics and one access line out, for every request."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request.headers.get("X-Request-ID") or str(uuid.uuid4())
        g.user_id, g.tier = session.get("user_id"), session.get("tier", "anonymous")
        sentry_sdk.set_tag("request_id", g.request_id)
        sentry_sdk.set_tag("tier", g.tier)
        if g.user_id is not None:
            sentry_sdk.set_user({"id": str(g.user_id)})

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        route = request.url_rule.rule if request.url_rule else "unmatched"
        elapsed = time.perf_counter() - g.started
        metrics.requests.labels(request.method, route, str(response.status_code)).inc()
        span = sentry_sdk.get_current_span()
        exemplar = {"trace_id": span.trace_id} if span is not None and span.sampled else None
        metrics.request_duration.labels(request.method, route).observe(elapsed, exemplar)
        if route != "/metrics":
            log.log(logging.WARNING if response.status_code >= 500 else logging.INFO, "%s %s %d", request.method,
                    request.path, response.status_code,
                    extra={"route": route, "status": response.status_code, "duration_ms": round(elapsed * 1000, 2)})
        return response
