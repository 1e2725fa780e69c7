"""Sessions of two releases, scheduled jobs in every state, commits and feedback, for the pages that show them."""
import json
import struct
import time
import uuid
import zlib

import requests

OLD, NEW = "stockapp@2.0.0", "stockapp@2.1.0"
BAD = NEW + "-bad"  # of the errors that stockapp's faults make
DAILY = {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/Berlin", "checkin_margin": 5, "max_runtime": 30}


def moment(hours_ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours_ago * 3600))


def plant(server, event_id: str) -> dict:
    """Answers what the browser suites look for."""
    items = []
    for hour in range(24):
        for release, many in ((OLD, 90 - 3 * hour if hour > 6 else 20), (NEW, 150 - 5 * hour if hour < 20 else 0)):
            if many > 0:
                counts = {"started": moment(hour), "exited": many, "errored": many // 20, "crashed": (many // 60 if release == NEW else 0)}
                items.append(("sessions", {"attrs": {"release": release, "environment": "production"}, "aggregates": [counts]}))
    for n in range(40):
        items.append(("session", {"sid": str(uuid.uuid4()), "did": f"user-{n % 25}", "init": True, "started": moment(0.2), "errors": 0,
                                  "status": "crashed" if n == 0 else "exited", "attrs": {"release": NEW, "environment": "production"}}))
    for slug, statuses, config in (("nightly-report", ["ok"] * 12, DAILY), ("price-import", ["ok"] * 9 + ["error", "ok", "error"], DAILY),
                                   ("clean-up", ["ok", "error", "ok", "ok"], {"schedule": {"type": "interval", "value": 2, "unit": "hour"}})):
        for n, status in enumerate(statuses):
            items.append(("check_in", {"check_in_id": uuid.uuid4().hex, "monitor_slug": slug, "status": status, "duration": 15.5 - n,
                                       "environment": "production", "monitor_config": config}))
    feedback = {"message": "The analysis stays empty after I choose a ticker.\nI tried twice.", "name": "Ann", "contact_email": "ann@example.com",
                "associated_event_id": event_id, "url": "https://stocks.example/analysis"}
    items.append(("feedback", {"event_id": uuid.uuid4().hex, "timestamp": time.time(), "release": NEW, "environment": "production", "contexts": {"feedback": feedback}}))
    items.append(("user_report", {"event_id": uuid.uuid4().hex, "name": "Bob", "email": "bob@example.com", "comments": "Slow this morning."}))
    items.append(("client_report", {"timestamp": time.time(), "discarded_events": [{"reason": "sample_rate", "category": "transaction", "quantity": 1200}]}))
    body = "\n".join([json.dumps({}), *(line for kind, payload in items for line in (json.dumps({"type": kind}), json.dumps(payload)))])
    assert server.api.send_envelope(body.encode()).ok
    server.api.http.post(server.url + "/api/telltale/v1/releases", timeout=10, json={
        "version": NEW, "released": moment(19), "ref": "main", "url": "https://ci.example/runs/7",
        "commits": [{"id": "9f2c1e7ab34d5566", "message": "Ask for prices once", "author_name": "Ann", "files": [{"path": "stockapp/prices.py"}]},
                    {"id": "1b2c3d4e5f607182", "message": "Show the change of the day", "author_name": "Bob"}]}).raise_for_status()
    server.api.http.post(server.url + "/api/telltale/v1/releases", timeout=10, json={
        "version": BAD, "commits": [{"id": "7c4de21f90ab3456", "message": "Mean score of the headlines", "author_name": "Bob",
                                     "files": [{"path": "stockapp/sentiment.py"}]}]}).raise_for_status()
    path = server.url + "/api/telltale/v1/releases/" + requests.utils.quote(NEW, safe="")
    server.api.http.post(path + "/deploys", json={"environment": "production", "name": "blue"}, timeout=10).raise_for_status()
    attach(server, event_id)
    return {"release": NEW, "filed": event_id}


def attach(server, event_id: str) -> None:
    """Files of every kind to the event."""
    log = "".join(f"2026-01-08T09:30:{n:02} INFO asked for the headlines of NVDA, attempt {n}\n" for n in range(40))
    tree = {"rendering_system": "web", "windows": [{"type": "AnalysisPage", "children": [{"type": "Button", "identifier": "analyze"}]}]}
    files = [("screen.png", picture(320, 180), "image/png"), ("app.log", log.encode(), "text/plain"),
             ("view-hierarchy.json", json.dumps(tree).encode(), "application/json"), ("core.bin", bytes(range(256)) * 400, "")]
    answer = requests.post(f"{server.url}/api/1/events/{event_id}/attachments/?sentry_key={server.dsn_key}", timeout=10,
                           files=[("file", file) for file in files])
    assert answer.status_code == 201, answer.text


def picture(width: int, height: int) -> bytes:
    """A PNG: a page with a bar at its top."""
    rows = b"".join(b"\0" + (bytes((52, 87, 140)) if y < height // 8 else bytes((226, 230, 238))) * width for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
