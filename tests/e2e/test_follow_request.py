"""The product's promise: from one request id to the error, its trace and its log lines, and back."""
from server import wait_until


def test_one_failing_request_is_followed_everywhere(make_server, make_stockapp):
    server = make_server()
    app, api = make_stockapp(server), server.api
    user = app.register()
    assert app.analyze("MSFT").status_code == 200
    app.fault("error_burst")
    failed = app.analyze("NVDA")
    assert failed.status_code == 500
    request_id = failed.headers["X-Request-ID"]

    error = wait_until(lambda: api.rows("errors", request_id=request_id), what="the error")[0]
    assert "ZeroDivisionError" in error["message"]
    assert error["user_id"] == str(user["id"])
    assert error["environment"] == "production" and error["release"] == "stockapp@2.1.0"
    trace_id = error["trace_id"]
    assert len(trace_id) == 32

    spans = wait_until(lambda: api.trace(trace_id), what="the trace")
    names = " ".join(span["message"] for span in spans)
    assert "Run sentiment analysis" in names and "Fetch stock data" in names
    assert {span["trace_id"] for span in spans} == {trace_id}
    assert error["span_id"] in {span["span_id"] for span in spans}

    lines = wait_until(lambda: [r for r in api.rows("logs", request_id=request_id) if "500" in r["message"]] and
                       api.rows("logs", request_id=request_id), what="the request's log lines")
    text = " ".join(line["message"] for line in lines)
    assert "Stock analysis started" in text and "no headlines for NVDA" in text
    assert {line["request_id"] for line in lines} == {request_id}
    assert trace_id in {line["trace_id"] for line in lines}
    assert not any("MSFT" in line["message"] for line in lines)

    for key, value in (("request_id", request_id), ("trace_id", trace_id)):
        related = wait_until(lambda: (r := api.get("/api/telltale/v1/related", **{key: value})) and r["issues"] and r, what="the issue")
        assert related["errors"] and related["spans"] and related["logs"], key
        assert "ZeroDivisionError" in related["issues"][0]["title"]


def test_issue_life(make_server, make_stockapp):
    server = make_server()
    app, api = make_stockapp(server), server.api
    app.register()
    app.fault("error_burst")
    for _ in range(3):
        app.analyze("KO")

    def division():
        return [i for i in api.issues(status="unresolved") if "ZeroDivisionError" in i["title"]]

    issue = wait_until(lambda: [i for i in division() if i["event_count"] == 3], what="one issue of three events")[0]
    assert issue["user_count"] == 1 and len(division()) == 1
    path = f"/api/telltale/v1/issues/{issue['id']}"
    answer = api.http.put(server.url + path, json={"status": "resolved"}, timeout=10)
    assert answer.status_code == 200, answer.text
    assert api.get(path)["issue"]["status"] == "resolved" and not division()
    app.analyze("KO")
    back = wait_until(division, what="the regression")[0]
    assert back["id"] == issue["id"] and back["event_count"] == 4

    missing = api.http.put(server.url + path, json={"status": "perhaps"}, timeout=10)
    assert missing.status_code == 400 and "status" in missing.text


def test_pages_not_found_are_no_errors(make_server, make_stockapp):
    server = make_server()
    app, api = make_stockapp(server), server.api
    request_id = app.http.get(app.url + "/nothing-here", timeout=10).headers["X-Request-ID"]
    wait_until(lambda: api.rows("logs", request_id=request_id), what="the access line")
    assert api.rows("errors", request_id=request_id) == []
