"""Faults that act by themselves, without a request: burnt CPU, growing memory, a flood of log lines."""
import logging
import threading
import time

log = logging.getLogger("stockapp.background")

MEMORY_STEP = 8 * 1024 * 1024
FLOOD_LINES_PER_S = 200


class BackgroundFaults:
    """One daemon thread a running fault; switching off stops the thread and gives the memory back."""

    def __init__(self, memory_limit_bytes: int, resident_bytes):
        self._memory_limit = memory_limit_bytes
        self._resident_bytes = resident_bytes
        self._stops: dict[str, threading.Event] = {}
        self._work = {"cpu_hog": self._burn, "memory_growth": self._grow, "log_flood": self._flood}

    def on_change(self, name: str, active: bool) -> None:
        if name not in self._work:
            return
        previous = self._stops.pop(name, None)
        if previous:
            previous.set()
        if active:
            stop = threading.Event()
            self._stops[name] = stop
            threading.Thread(target=self._work[name], args=(stop,), name=name, daemon=True).start()

    def stop(self) -> None:
        for stop in self._stops.values():
            stop.set()
        self._stops.clear()

    @staticmethod
    def _burn(stop: threading.Event) -> None:
        value = 1
        while not stop.is_set():
            for _ in range(20000):
                value = (value * 6364136223846793005 + 1) & 0xFFFFFFFFFFFFFFFF

    def _grow(self, stop: threading.Event) -> None:
        held = []
        while not stop.wait(0.05):
            if self._resident_bytes() < 0.95 * self._memory_limit:
                held.append(bytearray(b"\1") * MEMORY_STEP)
        held.clear()

    @staticmethod
    def _flood(stop: threading.Event) -> None:
        line = 0
        while not stop.is_set():
            for _ in range(FLOOD_LINES_PER_S // 10):
                line += 1
                log.info("cache refresh step %d of a loop that should not log", line, extra={"step": line})
            time.sleep(0.1)
