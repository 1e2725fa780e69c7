#!/usr/bin/env python3
"""Records what the Python SDK really sends when stockapp fails, and marks what differs from event to event.

    bench/data/record_errors.py OUT [large]

The site runs in this process, its faults are switched on one by one, and a transport takes the SDK's own envelopes instead
of sending them. Each event becomes one line of OUT: its JSON, in which every value that would be another one the next time
(ids, times, people, tickers, prices, addresses of objects, line numbers of the site's own code) is a mark: byte 1, a name,
perhaps `:` and an argument, byte 2. JSON text has no such bytes of its own. `error_events.hpp` says what the names mean.

`large`: with as many breadcrumbs as the SDK keeps, those of the request over and over: about 50 KB.
What belongs to this machine (paths) is replaced, so that the same versions of SDK and site make the same lines everywhere.
"""
import functools
import importlib.metadata
import json
import os
import re
import sys
import tempfile
import zlib
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "examples" / "stockapp"
if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is in some local variables
    os.execve(sys.executable, [sys.executable, *sys.argv], dict(os.environ, PYTHONHASHSEED="0"))
OUT, LARGE = (sys.argv[1], sys.argv[2:] == ["large"]) if len(sys.argv) in (2, 3) else sys.exit(__doc__)
BREADCRUMBS = 100  # the SDK's default
sys.path.insert(0, str(SITE))
sys.argv = ["stockapp", "serve"]  # the SDK sends it

import sentry_sdk  # noqa: E402
from sentry_sdk.transport import Transport  # noqa: E402

from stockapp.app import create_app  # noqa: E402
from stockapp.settings import Settings  # noqa: E402

# Values that stand nowhere else: where they turn up in an event, the event's own one goes.
TICKER, REQUEST_ID, REF = "QZXWV", "5eb1a7e0-0000-4000-8000-00000000beef", "ref0beefbeef"
EMAIL = "recorded.person@example.com"
USER_AGENT = "RecordedAgent/1.0"
FAULTS = {  # each with the request that runs into it
    "error_burst": ("/api/analysis/analyze", {"ticker": TICKER}),
    "bad_release": ("/api/analysis/analyze", {"ticker": TICKER}),
    "external_failing": ("/api/analysis/analyze", {"ticker": TICKER}),
    "circuit_breaker_open": ("/api/analysis/analyze", {"ticker": TICKER}),
    "payment_failures": ("/api/upgrade", {"tier": "premium"}),
    "new_error_type": ("/api/chat", {"question": f"Is {TICKER} a buy? I hold some since {REF}."}),
    "secrets_in_logs": ("/api/login", {"email": EMAIL, "password": "secret-enough"}),
}
OPEN, CLOSE, BARE = "\ue000", "\ue001", "\ue002"  # private use, until the JSON text is there
STAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FRESH_NAME = re.compile(r"Unforeseen[A-Z][a-z]+Error")  # the fault's own invention, another one each time
HEX_IDS = {32: "trace", 16: "span"}
ONCE = re.compile(r"0x[0-9a-f]{8,16}|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b|\b\d+\.\d{2,}\b|\b\d{5,}\b|(?<=127\.0\.0\.1:)\d+")


def mark(name: str) -> str:
    return OPEN + name + CLOSE


def number(name: str) -> str:
    return BARE + name + CLOSE


class Recorder(Transport):
    """Takes events from the SDK's serialiser; nothing is sent."""

    def __init__(self):
        super().__init__()
        self.events = []

    def capture_envelope(self, envelope) -> None:
        for item in envelope.items:
            if item.type == "event":
                self.events.append(json.loads(item.payload.get_bytes()))


def paths() -> list[tuple[str, str]]:
    packages = str(Path(sentry_sdk.__file__).resolve().parents[1])
    return [(packages, "/srv/venv/lib/python/site-packages"), (str(SITE), "/srv/stockapp"),
            (sys.base_prefix, "/usr"), (sys.prefix, "/srv/venv")]


@functools.cache
def of_the_site() -> set[str]:
    """What the site needs, of all that may be installed beside it."""
    wanted = [re.split(r"[^\w.-]", line)[0] for line in (SITE / "requirements.txt").read_text().splitlines() if line[:1].isalnum()]
    found = set()
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in found:
            continue
        found.add(name)
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        wanted += [re.split(r"[^\w.-]", need)[0] for need in needs if "extra ==" not in need]
    return found | {name.replace("-", "_") for name in found}


class Marker:
    """One event, walked once."""

    def __init__(self, event: dict, folder: str):
        self.event = event
        self.replaced = [*paths(), (folder, "/var/lib/stockapp"), (TICKER, mark("ticker")), (TICKER.lower(), mark("ticker")),
                         (REQUEST_ID, mark("request")), (REF, mark("ref")), (EMAIL, mark("email")),
                         (USER_AGENT, mark("agent"))]

    def text(self, value: str) -> str:
        for old, new in self.replaced:
            value = value.replace(old, new)
        return FRESH_NAME.sub("UnforeseenError", STAMP.sub(mark("time:1"), value))

    def changing(self, value: str) -> str:
        """Texts of the moment: messages, local variables, breadcrumbs."""
        def once(match) -> str:
            found = match.group()
            if found.startswith("0x"):
                return mark("address")
            if len(found) in HEX_IDS and "." not in found:
                return mark(HEX_IDS[len(found)])
            return mark("price") if "." in found else mark(f"digits:{len(found)}")
        return ONCE.sub(once, self.text(value))

    def moment(self, value):
        """As `changing`, of a whole value; numbers of people and times as well."""
        if isinstance(value, dict):
            return {k: number("user") if k == "user_id" and v is not None else self.moment(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.moment(v) for v in value]
        if isinstance(value, float):
            return number("price")
        return self.changing(value) if isinstance(value, str) else value

    def walk(self, value, each):
        if isinstance(value, dict):
            return {k: self.walk(v, each) for k, v in value.items()}
        if isinstance(value, list):
            return [self.walk(v, each) for v in value]
        return each(value) if isinstance(value, str) else value

    def frame(self, frame: dict) -> dict:
        variables = self.walk(frame.pop("vars", None), self.changing)
        frame = self.walk(frame, self.text)
        if frame.get("in_app"):
            place = zlib.crc32(frame["filename"].encode()) % 97
            frame["lineno"] = number(f"line:{frame['lineno']}:{place}")
            frame["module"] += mark("module")
            frame["function"] += mark("function")
        if variables is not None:
            frame["vars"] = variables
        return frame

    def exception(self, error: dict) -> dict:
        frames = error.get("stacktrace", {}).get("frames", [])
        error["stacktrace"] = {"frames": [self.frame(f) for f in frames]}
        if any("lineno" in f and isinstance(f["lineno"], str) for f in error["stacktrace"]["frames"]):
            error["type"] = self.text(error["type"]) + mark("type")
        if isinstance(error.get("value"), str):
            error["value"] = self.changing(error["value"])
        return error

    def breadcrumb(self, crumb: dict, before: int) -> dict:
        crumb = self.moment(crumb)
        crumb["timestamp"] = mark(f"time:{before}")
        return crumb

    def marked(self) -> dict:
        event = self.event
        errors = [self.exception(e) for e in event.pop("exception", {}).get("values", [])]
        crumbs = event.pop("breadcrumbs", {}).get("values", [])
        if LARGE:
            crumbs = (crumbs * BREADCRUMBS)[:BREADCRUMBS]
        entry = event.pop("logentry", None)
        trace, extra = event.setdefault("contexts", {}).pop("trace", {}), event.pop("extra", {})
        event = self.walk(event, self.text)
        event["modules"] = {name: version for name, version in event.get("modules", {}).items() if name in of_the_site()}
        event["extra"], event["contexts"]["trace"] = self.moment(extra), self.moment(trace)
        event["tags"]["tier"] = mark("tier")
        if errors:
            event["exception"] = {"values": errors}
        if entry is not None:
            # The words that tell causes apart stand in the source, in front of what is filled in.
            formatted = entry.get("formatted", entry["message"])
            event["logentry"] = {"message": mark("words") + entry["message"], "formatted": mark("words") + self.changing(formatted),
                                 "params": self.walk(entry.get("params", []), self.changing)}
        event["breadcrumbs"] = {"values": [self.breadcrumb(c, len(crumbs) - i) for i, c in enumerate(crumbs)]}
        event["event_id"], event["timestamp"] = mark("event"), mark("time:0")
        event["release"], event["user"] = mark("release"), {"id": mark("user"), "email": mark("email"), "ip_address": mark("ip")}
        event["contexts"]["trace"].update(trace_id=mark("trace"), span_id=mark("span"), parent_span_id=mark("span2"))
        return event


def as_line(event: dict) -> str:
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(f'"{BARE}([^{CLOSE}]*){CLOSE}"', "\x01\\1\x02", text)
    return text.replace(OPEN, "\x01").replace(CLOSE, "\x02")


def record(folder: str) -> list[dict]:
    """What every fault makes the SDK send; each kind once."""
    settings = Settings(database=f"{folder}/app.sqlite", time_scale=1000, memory_limit_mb=4096,
                        sentry_dsn="http://key@127.0.0.1:1/1", traces_sample_rate=0.0)
    app = create_app(settings)
    recorder = Recorder()
    sdk = sentry_sdk.get_client()
    sdk.transport.kill()
    sdk.transport = recorder
    app.config["PROPAGATE_EXCEPTIONS"] = False
    headers = {"X-Request-ID": REQUEST_ID, "User-Agent": USER_AGENT, "Referer": f"https://stock.example/watch/{TICKER}",
               "Accept-Language": "en-GB,en;q=0.8", "X-Forwarded-Proto": "https"}
    kept = {}
    for name, (path, body) in FAULTS.items():
        client = app.test_client()
        client.post("/api/register", json={"email": name + "." + EMAIL, "password": "secret-enough"}, headers=headers)
        for ticker in ("MSFT", TICKER):  # breadcrumbs of a visit that went well
            client.post("/api/analysis/analyze", json={"ticker": ticker}, headers=headers)
        client.get(f"/api/portfolio?ref={REF}", headers=headers)
        recorder.events.clear()
        assert client.post(f"/admin/faults/{name}", json={"rate": 1.0}, headers=headers).status_code == 200
        client.post(f"{path}?ref={REF}&source=watchlist&symbol={TICKER}", json=body, headers=headers)
        client.delete(f"/admin/faults/{name}", headers=headers)
        for event in recorder.events:
            kind = event.get("logentry", {}).get("message") or event["exception"]["values"][-1]["type"]
            kept.setdefault((name, kind), event)
        if not recorder.events:
            sys.exit(f"record_errors: fault {name} made the SDK send nothing")
    app.extensions["stockapp"].close()
    return list(kept.values())


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        events = record(folder)
        lines = [as_line(Marker(event, folder).marked()) for event in events]
    Path(OUT).write_text("".join(line + "\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
