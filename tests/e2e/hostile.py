"""Text of an attacker, in every field of every signal that a client can fill.

Each text holds the same bait for a browser that takes text for markup (elements with `data-bait`, scripts and links that
call `__ran`) and ends in the name of the field it was put in, so that a page that shows it can be recognised.
"""
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from payloads import envelope

# name → text; %s becomes the field's name.
BAITS = {
    "image": '<img data-bait src=x onerror="__ran(1)">%s',
    "script": '</script><script data-bait>__ran(2)</script>%s',
    "quotes": '"\'><b data-bait onmouseover=__ran(3)>%s</b><a data-bait href="javascript:__ran(3)">',
    "comment": '--></style></title></textarea><svg data-bait onload=__ran(4)>%s',
    "link": 'javascript:__ran(5)//%s',
    "data": 'data:text/html,<script data-bait>__ran(6)</script>%s',
    "template": '{{constructor.constructor("__ran(7)")()}}${__ran(7)}#{7*7}<%%= 7 %%>%s',
    "reverse": '\u202eesrever\u2066\u2069 \u200b\u200d\ufeff\u0000\u001b[31m\u0007%s\u202c',
    "prototype": '__proto__%s',
    "shell": '\'"; $(touch /tmp/x) `id` | rm -rf / # \\ %% %s\r\nSet-Cookie: a=b',
    "emoji": '👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘%s',
    "long": "<i data-bait>%s" + "x" * 50_000 + " " + "long " * 10_000 + "%s",
}
SHORT = 180  # of a field that only takes short text
LONG = {"value", "filename", "context_line", "var", "url", "crumb", "header-value", "tag-value"}  # what 100 kB fit into, within 1 MiB an event


def fill(bait: str, field: str) -> str:
    text, name = BAITS[bait], f"zz-{field}-zz"
    return text % ((name,) * text.replace("%%", "").count("%s"))


def event(bait: str, level: str = "error") -> dict:
    """A Sentry error with the bait in every field there is."""

    def f(field):
        return fill(bait, field) if bait != "long" or field in LONG else fill(bait, field)[:2000]

    def short(field):
        return fill(bait, field)[:SHORT]

    frames = [{"filename": f("filename"), "abs_path": f("abs_path"), "function": f("function"), "module": f("frame-module"), "lineno": 7,
               "colno": 3, "in_app": True, "context_line": f("context_line"), "pre_context": [f("pre_context")],
               "post_context": [f("post_context")], "vars": {short("var-name"): f("var")}, "package": f("package"),
               "platform": short("frame-platform")},
              {"filename": f("outer-file"), "function": f("outer-function"), "lineno": 1, "in_app": False}]
    return {
        "event_id": secrets.token_hex(16), "timestamp": time.time(), "platform": short("platform"), "level": level,
        "logger": short("logger"), "transaction": short("transaction"), "server_name": short("server_name"),
        "release": short("release"), "dist": short("dist")[:60], "environment": short("environment")[:60],
        "message": f("message"), "logentry": {"message": f("logentry"), "formatted": f("formatted"), "params": [f("param")]},
        "culprit": short("culprit"), "fingerprint": [f("fingerprint")], "modules": {short("module-name"): short("module-version")},
        "exception": {"values": [
            {"type": short("cause-type"), "value": f("cause-value")},
            {"type": short("type"), "value": f("value"), "module": short("module"), "stacktrace": {"frames": frames},
             "mechanism": {"type": short("mechanism"), "description": f("mechanism-words"), "help_link": f("help_link"),
                           "handled": False, "data": {short("mechanism-key"): f("mechanism-data")}}}]},
        "threads": {"values": [{"id": 1, "name": f("thread"), "current": True, "crashed": True}]},
        "tags": {short("tag-name"): short("tag"), "request_id": short("request_id"), "service": short("tag-service")},
        "user": {"id": short("user-id"), "email": f("user-email"), "username": f("username"), "ip_address": "203.0.113.9",
                 "name": f("user-name"), "geo": {"city": f("city")}, "data": {"plan": f("user-data")}},
        "request": {"url": f("url"), "method": short("method"), "query_string": f("query_string"), "data": f("body"),
                    "cookies": {short("cookie"): f("cookie-value")}, "headers": {short("header"): f("header-value"), "Referer": f("referer")},
                    "env": {"REMOTE_ADDR": f("remote")}, "fragment": f("fragment")},
        "breadcrumbs": {"values": [
            {"type": short("crumb-type"), "category": short("crumb-category"), "message": f("crumb"), "level": "info",
             "timestamp": time.time() - 1, "data": {short("crumb-key"): f("crumb-data"), "url": f("crumb-url")}},
            {"type": "http", "category": "http", "timestamp": time.time() - 2,
             "data": {"url": f("http-url"), "method": f("http-method"), "status_code": f("http-status")}}]},
        "contexts": {"trace": {"trace_id": secrets.token_hex(16), "span_id": secrets.token_hex(8), "op": short("trace-op")},
                     "os": {"name": f("os"), "version": f("os-version")}, "runtime": {"name": f("runtime"), "version": f("runtime-version")},
                     "browser": {"name": f("browser")}, "device": {"model": f("device")}, short("context-name"): {short("context-key"): f("context")}},
        "extra": {short("extra-key"): f("extra")}, "sdk": {"name": short("sdk"), "version": short("sdk-version")},
    }


def attributes(bait: str, prefix: str) -> list:
    return [{"key": (fill(bait, prefix + "-key"))[:SHORT], "value": {"stringValue": fill(bait, prefix + "-value")}},
            {"key": "http.url", "value": {"stringValue": fill(bait, prefix + "-url")}},
            {"key": "request_id", "value": {"stringValue": fill(bait, prefix + "-request")[:SHORT]}},
            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": fill(bait, prefix + "-list")}]}}}]


def trace(bait: str) -> dict:
    """OTLP JSON: a root and a failed child, events and links included, all of it bait."""
    now, trace_id, root = time.time_ns(), secrets.token_hex(16), secrets.token_hex(8)

    def span(name, span_id, parent, start, end, code):
        return {"traceId": trace_id, "spanId": span_id, "parentSpanId": parent, "name": fill(bait, name), "kind": 2,
                "startTimeUnixNano": str(now + start), "endTimeUnixNano": str(now + end), "attributes": attributes(bait, name),
                "traceState": fill(bait, "trace-state")[:SHORT], "status": {"code": code, "message": fill(bait, name + "-status")},
                "events": [{"timeUnixNano": str(now + start), "name": fill(bait, name + "-event"), "attributes": attributes(bait, name + "-event")}]}

    spans = [span("root-span", root, "", -9_000_000, 0, 1), span("child-span", secrets.token_hex(8), root, -8_000_000, -1_000_000, 2)]
    resource = [{"key": "service.name", "value": {"stringValue": fill(bait, "otlp-service")[:SHORT]}}, *attributes(bait, "resource")]
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [
        {"scope": {"name": fill(bait, "scope"), "version": fill(bait, "scope-version")}, "spans": spans}]}]}


def log_record(bait: str) -> dict:
    """OTLP JSON: a line whose body is bait, and one whose body is an object of it."""
    now = time.time_ns()
    bodies = [{"stringValue": fill(bait, "otlp-body")},
              {"kvlistValue": {"values": [{"key": fill(bait, "body-key")[:SHORT], "value": {"stringValue": fill(bait, "body-value")}}]}}]
    records = [{"timeUnixNano": str(now + i), "severityNumber": 17, "severityText": fill(bait, "severity")[:40], "body": body,
                "attributes": attributes(bait, "log"), "traceId": secrets.token_hex(16), "spanId": secrets.token_hex(8)}
               for i, body in enumerate(bodies)]
    resource = [{"key": "service.name", "value": {"stringValue": fill(bait, "otlp-log-service")[:SHORT]}}]
    return {"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"scope": {"name": fill(bait, "log-scope")}, "logRecords": records}]}]}


def streams(bait: str) -> dict:
    """Loki's push: bait in a label's value, a line, a JSON line's keys and values, and structured metadata."""
    now = time.time_ns()
    json_line = json.dumps({"level": fill(bait, "json-level")[:40], "message": fill(bait, "json-message")[:90_000], "request_id": fill(bait, "json-request")[:SHORT],
                            fill(bait, "json-key")[:SHORT]: fill(bait, "json-value")[:9000], "stack": {"deep": [fill(bait, "json-deep")[:9000]]}})
    return {"streams": [{"stream": {"service": fill(bait, "loki-service")[:SHORT], "job": fill(bait, "loki-label")[:SHORT], "level": "error"},
                         "values": [[str(now), fill(bait, "line")], [str(now + 1), json_line], [str(now + 2), fill(bait, "other-line"), {"note": fill(bait, "metadata")}]]}]}


def exposition() -> str:
    """Prometheus text: a series a bait, in label values and in the help text. Long ones are cut to what a label may hold."""
    lines = []
    for bait in BAITS:
        label = fill(bait, "metric-label")[:SHORT].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "").replace("\0", "")
        lines.append(f'hostile_total{{bait="{bait}",path="{label}",service="{label}"}} 7')
        name = f"hostile_{bait}_seconds"
        help_text = fill(bait, "help")[:SHORT].replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "").replace("\0", "")
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge", f"{name} 1"]
    return "\n".join(lines) + "\n"


class Exporter:
    """A target to scrape that answers with `exposition()`."""

    def __init__(self):
        text = exposition().encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_args):
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def rules() -> str:
    """A rule file (which is JSON, so YAML): an alert a bait, firing at once."""
    def rule(bait):
        return {"alert": "Hostile" + bait.capitalize(), "expr": f'hostile_total{{bait="{bait}"}} > 0',
                "labels": {"severity": fill(bait, "severity")[:SHORT], "team": "{{ $labels.path }}"},
                "annotations": {"summary": fill(bait, "summary")[:2000].replace("{{", "{").replace("}}", "}"), "description": "{{ $labels.path }}",
                                "runbook_url": fill(bait, "runbook")[:SHORT].replace("{{", "{").replace("}}", "}")}}
    return json.dumps({"groups": [{"name": '<b data-bait onclick="__ran(9)">group', "interval": "1s", "rules": [rule(b) for b in BAITS]}]}, ensure_ascii=False)


def plant(api) -> None:
    """Everything above, sent. Each request must be taken: a bait that is refused proves nothing about the pages."""
    for bait in BAITS:
        body = event(bait)
        answer = api.send_envelope(envelope(("event", body), event_id=body["event_id"]))
        assert answer.status_code == 200, f"event {bait}: {answer.status_code} {answer.text[:300]}"
        for path, content in (("/v1/traces", trace(bait)), ("/v1/logs", log_record(bait)), ("/loki/api/v1/push", streams(bait))):
            answer = api.post(path, json=content)
            assert answer.status_code in (200, 204), f"{path} {bait}: {answer.status_code} {answer.text[:300]}"


def plant_names(api) -> None:
    """What administrators name, and a person whose name is bait."""
    for bait, path, body in (("image", "projects", {"slug": "hostile", "name": fill("image", "project-name")}),
                             ("quotes", "users", {"email": "mallory@example.com", "name": fill("quotes", "user-name"), "role": "viewer",
                                                  "password": "long enough for anybody"}),
                             ("script", "tokens", {"name": fill("script", "token-name"), "role": "ingest"})):
        answer = api.post("/api/telltale/v1/" + path, json=body)
        assert answer.status_code in (200, 201), f"{path} {bait}: {answer.status_code} {answer.text[:300]}"
