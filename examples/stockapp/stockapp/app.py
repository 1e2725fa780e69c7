"""Puts the application together: settings, database, providers, faults, telemetry, routes."""
import logging

from flask import Flask, Response, jsonify, request
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException

from stockapp import telemetry
from stockapp.background import BackgroundFaults
from stockapp.clock import ScaledClock
from stockapp.faults import Faults
from stockapp.market import MarketData
from stockapp.metrics import Metrics, resident_bytes
from stockapp.models import open_database
from stockapp.providers import ProviderServer
from stockapp.routes import accounts, admin, analysis, social
from stockapp.sentiment import SentimentModel
from stockapp.settings import Settings

log = logging.getLogger("stockapp")


class Services:
    """What the routes need; one object a running application, found as app.extensions["stockapp"]."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.release = settings.release
        self.clock = ScaledClock(settings.time_scale)
        self.faults = Faults()
        limit = settings.memory_limit_mb * 1024 * 1024
        self.metrics = Metrics(limit, settings.release)
        self.sessions = open_database(settings.database)
        self.providers = ProviderServer(self.clock, self.faults)
        self.market = MarketData(self.providers, self.clock, self.faults, self.metrics)
        self.model = SentimentModel(self.clock)
        self.background = BackgroundFaults(limit, resident_bytes)
        self.faults.on_change(self.background.on_change)
        self.faults.on_change(self._deploy)

    def _deploy(self, name: str, active: bool) -> None:
        if name == "bad_release":
            self.release = self.settings.release + "-bad" if active else self.settings.release
            telemetry.set_release(self.release)
            self.metrics.build.clear()
            self.metrics.build.labels(self.release).set(1)
            log.warning("deployed release %s", self.release)

    def close(self) -> None:
        self.background.stop()
        self.providers.close()


def create_app(settings: Settings, observed: bool = True) -> Flask:
    """`observed=False` leaves the process's root logger and Sentry alone, for unit tests."""
    services = Services(settings)
    if observed:
        telemetry.start_sentry(settings)
        telemetry.start_logging(settings, lambda: services.release)
    app = Flask("stockapp")
    app.secret_key = "an example has no secrets"
    app.extensions["stockapp"] = services
    telemetry.observe_requests(app, services.metrics)
    for blueprint in (accounts.blueprint, analysis.blueprint, social.blueprint, admin.blueprint):
        app.register_blueprint(blueprint)

    @app.get("/metrics")
    def metrics() -> Response:
        services.market.refresh_gauges()
        accounts.refresh_gauges(services)
        # OpenMetrics for those who ask for it: exemplars stand in no other text.
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(services.metrics.registry), content_type=content_type)

    @app.get("/healthz")
    def healthy():
        return jsonify(status="ok", release=services.release)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException):
        return jsonify(error=error.description), error.code

    return app
