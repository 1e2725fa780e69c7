"""Everything the application can be told, read once from the environment."""
import os
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    sentry_dsn: str = ""
    loki_url: str = ""
    loki_token: str = ""
    port: int = 5050
    release: str = "stockapp@1.0.0"
    environment: str = "production"
    database: str = "stockapp.sqlite"
    time_scale: float = 1.0
    # A real site would sample 10 %; the example's traffic is small enough to keep all of it.
    traces_sample_rate: float = 1.0
    memory_limit_mb: int = 384

    @property
    def loki_push_url(self) -> str:
        """LOKI_URL may name the server or the whole push address."""
        if not self.loki_url or urlsplit(self.loki_url).path.strip("/"):
            return self.loki_url
        return self.loki_url.rstrip("/") + "/loki/api/v1/push"


def from_environment(env=os.environ) -> Settings:
    default = Settings()
    return Settings(
        sentry_dsn=env.get("SENTRY_DSN", ""),
        loki_url=env.get("LOKI_URL", ""),
        loki_token=env.get("LOKI_TOKEN", ""),
        port=int(env.get("STOCKAPP_PORT", default.port)),
        release=env.get("STOCKAPP_RELEASE", default.release),
        environment=env.get("STOCKAPP_ENVIRONMENT", default.environment),
        database=env.get("STOCKAPP_DB", default.database),
        time_scale=float(env.get("STOCKAPP_TIME_SCALE", default.time_scale)),
        traces_sample_rate=float(env.get("STOCKAPP_TRACES_SAMPLE_RATE", default.traces_sample_rate)),
        memory_limit_mb=int(env.get("STOCKAPP_MEMORY_LIMIT_MB", default.memory_limit_mb)),
    )
