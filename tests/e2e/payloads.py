"""Hand-made wire payloads, for what the real clients would never send or cannot count."""
import json
import secrets
import time


def event(message: str, event_id=None, **extra) -> dict:
    return {"event_id": event_id or secrets.token_hex(16), "timestamp": time.time(), "platform": "python", "level": "error",
            "exception": {"values": [{"type": "E2EError", "value": message, "stacktrace": {"frames": [
                {"filename": "e2e.py", "module": "e2e", "function": "run", "lineno": 7, "in_app": True}]}}]}, **extra}


def envelope(*items, event_id=None) -> bytes:
    """items: (type, payload dict or bytes)."""
    parts = [json.dumps({"event_id": event_id} if event_id else {}).encode()]
    for kind, payload in items:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        parts += [json.dumps({"type": kind, "length": len(raw)}).encode(), raw]
    return b"\n".join(parts) + b"\n"


def span(name: str, trace_id=None, span_id=None, duration_ns: int = 1_000_000) -> dict:
    end = time.time_ns()
    return {"traceId": trace_id or secrets.token_hex(16), "spanId": span_id or secrets.token_hex(8), "name": name, "kind": 2,
            "startTimeUnixNano": str(end - duration_ns), "endTimeUnixNano": str(end), "attributes": []}
