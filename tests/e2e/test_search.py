"""The search language over the API: issues by their own fields, by their events and by what stands in stack traces; bulk
changes by a query; traces; what is wrong is told with its column; and what a search field can offer."""
import pytest

from api_document import ApiDocument
from payloads import envelope, event, span
from server import wait_until

V1 = "/api/telltale/v1"


def failure(type_, value, function, **more):
    frames = [{"function": function, "module": "shop.pay", "filename": "shop/pay.py", "lineno": 3, "in_app": True,
               "vars": {"basket": more.pop("basket", "'small'")}}]
    return event("", exception={"values": [{"type": type_, "value": value, "stacktrace": {"frames": frames},
                                            "mechanism": {"type": "generic", "handled": more.pop("handled", True)}}]}, **more)


@pytest.fixture(scope="module")
def shop(module_server):
    """Four issues of seven events."""
    sent = [failure("CardDeclined", "card was declined", "charge", release="shop@1.2.0", environment="prod", user={"id": "7"}, tags={"tier": "gold"}),
            failure("CardDeclined", "card was declined", "charge", release="shop@1.2.1", environment="staging", user={"id": "8"}),
            failure("CardDeclined", "card was declined", "charge", release="shop@1.2.1", environment="staging", user={"id": "9"}),
            failure("Timeout", "no answer from the bank", "ask_bank", release="shop@1.3.0", environment="prod", handled=False),
            failure("KeyError", "'price'", "total", environment="prod", basket="{'size': 41, 'owner': 'M\u00fcller \"x\"'}"),
            failure("KeyError", "'price'", "total", environment="prod", level="warning"),
            failure("ValueError", "bad currency", "convert", environment="prod", request={"url": "https://shop.test/pay/eur", "method": "POST"})]
    for payload in sent:
        assert module_server.api.send_envelope(envelope(("event", payload))).ok
    wait_until(lambda: sum(i["event_count"] for i in module_server.api.issues()) == len(sent), what="every event")
    return module_server.api


def types(api, query, **params):
    answer = api.get(f"{V1}/issues", query=query, **params)
    assert answer["total"] == len(answer["issues"]) and answer["complete"] is True
    return sorted(i["type"] for i in answer["issues"])


@pytest.mark.parametrize("query, expected", [
    ("", ["CardDeclined", "KeyError", "Timeout", "ValueError"]),
    ("is:new times_seen:>1", ["CardDeclined", "KeyError"]),
    ("release:shop@1.2.*", ["CardDeclined"]),
    ("has:release !release:shop@1.2.*", ["Timeout"]),
    ("environment:staging", ["CardDeclined"]),
    ("user.id:[7,9] environment:prod", ["CardDeclined"]),
    ("user.id:9 environment:prod", []),
    ("tier:gold OR error.unhandled:true", ["CardDeclined", "Timeout"]),
    ("url:*/pay/* http.method:POST", ["ValueError"]),
    ("stack.function:[charge,total]", ["CardDeclined", "KeyError"]),
    ("!stack.function:c*", ["KeyError", "Timeout"]),
    ("stack.vars:41", ["KeyError"]),
    ('stack.vars:"M\u00fcller \\"X\\""', ["KeyError"]),
    ("ask_BANK", ["Timeout"]),
    ('"card was declined"', ["CardDeclined"]),
    ("declined shop/pay.py", ["CardDeclined"]),
    ("!declined first_seen:-1h", ["KeyError", "Timeout", "ValueError"]),
    ("first_seen:+1h", []),
])
def test_issues(shop, query, expected):
    assert types(shop, query) == expected
    if query:
        assert types(shop, f"!({query}) is:resolved") == []


def test_other_parameters_stay(shop):
    assert types(shop, "times_seen:>1", level="error") == ["CardDeclined"]
    one = shop.get(f"{V1}/issues", query="is:unresolved", sort="events", limit=1, offset=1)
    assert one["total"] == 4 and one["issues"][0]["type"] == "KeyError"


@pytest.mark.parametrize("query, column, words", [
    ("is:new level:[error,loud]", 21, "wants trace, debug"),
    ("TypeError: x", 11, "in quotes"),
    ("(is:new", 1, "not closed"),
    ("\u00fc\u00fc times_seen:many", 15, "wants a number"),
])
def test_what_is_wrong_has_a_column(shop, query, column, words):
    answer = shop.http.get(shop.server.url + f"{V1}/issues", params={"query": query}, timeout=30)
    said = answer.json()["error"]["message"]
    assert answer.status_code == 400 and said.startswith(f"query: column {column}: ") and words in said
    assert shop.http.get(shop.server.url + f"{V1}/traces", params={"query": "duration:>soon"}, timeout=30).status_code == 400


def test_bulk_change_by_query(shop):
    put = lambda query, body: shop.http.put(shop.server.url + f"{V1}/issues", params=query, json=body, timeout=30)
    assert put({}, {"status": "resolved"}).status_code == 400
    assert put({"query": "is:wrong"}, {"status": "resolved"}).status_code == 400
    changed = put({"query": "stack.function:ask_bank"}, {"assignee": "ada@example.com"})
    assert changed.status_code == 200 and [i["type"] for i in changed.json()["issues"]] == ["Timeout"]
    assert types(shop, "assigned:ada@example.com") == types(shop, "is:assigned") == ["Timeout"]
    assert put({"query": "is:assigned"}, {"assignee": ""}).status_code == 200
    assert types(shop, "assigned:none") == types(shop, "")


def send_span(api, service: str, sent: dict, failed: bool = False) -> None:
    if failed:
        sent["status"] = {"code": 2}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    answer = api.post("/v1/traces", json={"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [sent]}]}]})
    assert answer.status_code == 200, answer.text


def test_traces(module_server):
    api = module_server.api
    a, b = span("GET /cart", duration_ns=200_000_000), span("SELECT 1", duration_ns=1_500_000_000)
    send_span(api, "front", a)
    send_span(api, "bank-db", b, failed=True)
    found = lambda query: {t["trace_id"] for t in api.get(f"{V1}/traces", query=query)["traces"]}
    wait_until(lambda: found(f"trace_id:{a['traceId']} OR trace_id:{b['traceId']}") == {a["traceId"], b["traceId"]}, what="both traces")
    assert found("service:front duration:>100ms") == {a["traceId"]}
    assert found("duration:>1s status:error") == found("has:error name:SELECT*") == {b["traceId"]}
    assert found("!error:true GET cart") == {a["traceId"]}
    spans = api.get(f"{V1}/spans/histogram", search="service:bank-db", by="service")
    assert spans["total"] == 1


def test_suggestions(shop):
    ask = lambda **p: shop.get(f"{V1}/suggest", **{"for": "issues"}, **p)
    keys = {k["key"] for k in ask()["keys"]}
    assert {"is", "level", "stack.function", "has", "tier"} <= keys and not keys & {"group_hashes", "duration_ns"}
    assert [k["key"] for k in ask(text="unhand")["keys"]] == ["error.unhandled"]
    assert "regressed" in [v["value"] for v in ask(key="is")["values"]]
    assert ask(key="environment")["values"][0] == {"value": "prod", "count": 5}
    assert [v["value"] for v in ask(key="stack.function", text="BANK")["values"]] == ["ask_bank"]
    assert [v["value"] for v in ask(key="tier")["values"]] == ["gold"]
    assert shop.http.get(shop.server.url + f"{V1}/suggest", timeout=30).status_code == 400


def test_answers_are_as_described(shop):
    document = ApiDocument(shop.server.url)
    for path, params in (("issues", {"query": "is:new"}), ("suggest", {"for": "traces"}), ("suggest", {"for": "issues", "key": "level"})):
        document.check(shop.http.get(f"{shop.server.url}{V1}/{path}", params=params, timeout=30))
