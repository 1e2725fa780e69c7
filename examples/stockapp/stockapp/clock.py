"""A clock that runs `scale` times as fast as the wall's.

Simulated waits (provider latency, quota windows, think time) go through it, so a day of traffic can pass in
minutes. Timestamps of telemetry stay real: the observer must see what happened when it happened.
"""
import time


class ScaledClock:
    def __init__(self, scale: float = 1.0):
        if scale <= 0:
            raise ValueError("time scale must be positive")
        self.scale = scale
        self._start = time.monotonic()

    def now(self) -> float:
        """Simulated seconds since the clock was made."""
        return (time.monotonic() - self._start) * self.scale

    def sleep(self, simulated_seconds: float) -> None:
        if simulated_seconds > 0:
            time.sleep(simulated_seconds / self.scale)
