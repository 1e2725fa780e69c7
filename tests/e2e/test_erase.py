"""One person's data goes from answers and from the disk, and nobody else's does."""
import os
import secrets
import subprocess
import time

import requests
from payloads import envelope, event
from server import ROOT, wait_until

MARK = "ann" + secrets.token_hex(8)
ADDRESS = f"{MARK}@example.com"


def fill(server):
    api = server.api
    for who, mail in ((MARK, ADDRESS), ("bob", "bob@example.com")):
        one = event(f"boom of {who}", user={"id": who, "email": mail})
        assert api.send_envelope(envelope(("event", one), event_id=one["event_id"])).ok
        assert api.push_lines([f'{{"message": "hello", "user_id": "{who}", "n": {i}}}' for i in range(20)], {"service": "shop"}).ok
    assert api.push_lines([f"sent a mail to <{ADDRESS.upper()}>", f"sent a mail to jo{ADDRESS}"], {"service": "mail"}).ok
    wait_until(lambda: len(api.rows("logs")) == 42 and len(api.rows("errors")) == 2, what="everything to arrive")



def test_by_user_id_and_by_address(make_server):
    server = make_server()
    fill(server)
    url = server.url + "/api/telltale/v1/persons"
    erase = lambda **params: server.api.http.delete(url, params=params, timeout=60)
    assert erase().status_code == 400 and erase(user_id="x", email="y").status_code == 400
    assert requests.delete(url, params={"user_id": MARK}, timeout=30).status_code == 401
    counted = erase(user_id=MARK, dry_run="true").json()
    assert (counted["logs"], counted["errors"], counted["dry_run"]) == (20, 1, True) and len(server.api.rows("logs")) == 42
    users = lambda: [issue["user_count"] for issue in server.api.issues()]  # both errors are one issue's
    wait_until(lambda: users() == [2], what="both are counted")
    told = erase(user_id=MARK).json()
    assert (told["logs"], told["errors"], told["issues"]) == (20, 1, 1)
    assert users() == [1]
    assert all(row.get("user_id") != MARK for table in ("logs", "errors") for row in server.api.rows(table))
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    env = {**os.environ, "TELLTALE_URL": server.url, "TELLTALE_TOKEN": server.token}
    done = subprocess.run([binary, "erase", "--email", ADDRESS], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "logs     1\n" in done.stdout, done.stdout + done.stderr
    left = [row["message"] for row in server.api.rows("logs", service="mail")]
    assert left == [f"sent a mail to jo{ADDRESS}"], "another address stays"
    assert len([row for row in server.api.rows("logs") if row.get("user_id") == "bob"]) == 20
    assert MARK not in server.log_path.read_text(errors="replace")
    server.kill()
    server.start()
    assert len(server.api.rows("logs")) == 21 and len(server.api.rows("errors")) == 1


def test_the_bytes_are_gone(make_server):
    server = make_server()
    fill(server)
    assert server.api.http.delete(server.url + "/api/telltale/v1/persons", params={"email": "jo" + ADDRESS}, timeout=60).json()["logs"] == 1
    assert server.api.http.delete(server.url + "/api/telltale/v1/persons", params={"user_id": MARK}, timeout=60).ok
    assert server.api.http.delete(server.url + "/api/telltale/v1/persons", params={"email": ADDRESS}, timeout=60).ok
    # The issue's title names the person: titles stay (docs/erasing.md), everything else is gone.
    found = [str(path.relative_to(server.data_dir)) for path in server.data_dir.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]
    assert all(name.startswith("meta/") for name in found), found


def deletions(server, **params):
    return server.api.get("/api/telltale/v1/deletions", **params)["deletions"]


def ask(server, body, **params):
    return server.api.http.post(server.url + "/api/telltale/v1/deletions", json=body, params=params, timeout=60)


def test_rows_by_a_query(make_server):
    server = make_server()
    fill(server)
    query = {"query": '{service="shop"} | json | n >= 10 | user_id="bob"', "start": "2020-01-01T00:00:00Z"}
    assert ask(server, {**query, "dry_run": True}).json() == {"rows": 10} and len(server.api.rows("logs")) == 42
    made = ask(server, query)
    assert made.status_code == 202, made.text
    assert made.json()["deletion"]["query"] == query["query"]
    done = wait_until(lambda: (d := deletions(server)) and d[0]["state"] == "done" and d[0], what="the deletion")
    assert (done["rows"], done["problem"], done["id"]) == (10, "", made.json()["deletion"]["id"]) and done["finished"]
    left = [row["attributes"]["n"] for row in server.api.rows("logs", service="shop") if row["user_id"] == "bob"]
    assert sorted(left) == list(range(10))
    for wrong, problem in (({"query": "{"}, "parse error"), ({"query": "rate({a=\"b\"}[1m])"}, "log query"), ({"query": "{a=\"b\"} | drop x"}, "drop"),
                           ({}, "query"), ({**query, "end": "2019-01-01T00:00:00Z"}, "end")):
        answer = ask(server, wrong)
        assert answer.status_code == 400 and problem in answer.text, answer.text
    gone = server.api.http.delete(server.url + f"/api/telltale/v1/deletions/{done['id']}", timeout=30)
    assert gone.status_code == 409 and server.api.http.delete(server.url + "/api/telltale/v1/deletions/77", timeout=30).status_code == 404
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    env = {**os.environ, "TELLTALE_URL": server.url, "TELLTALE_TOKEN": server.token}
    run = lambda *args: subprocess.run([binary, "erase", *args], env=env, capture_output=True, text=True, timeout=60)
    by_hand = ("--query", '{service="shop"} | json | n < 2', "--start", "2020-01-01T00:00:00Z", "--project", "1")
    counted = run(*by_hand, "--dry-run")
    assert counted.returncode == 0 and "logs    4\n" in counted.stdout and len(server.api.rows("logs")) == 32, counted.stderr
    erased = run(*by_hand)
    assert erased.returncode == 0 and erased.stdout == "logs    4\nerased\n" and len(server.api.rows("logs")) == 28, erased.stderr
    assert run("--query", "{").returncode == 1 and run("--query", "x", "--email", "y").returncode == 1
    server.restart()
    assert deletions(server)[1] == done and len(server.api.rows("logs")) == 28


def test_lokis_delete_requests(make_server):
    server = make_server()
    fill(server)
    url = server.url + "/loki/api/v1/delete"
    http = server.api.http
    now = time.time()
    assert http.post(url, params={"query": '{service="mail"}'}, timeout=30).status_code == 400  # no start
    assert http.post(url, params={"query": '{service="mail"} |= "jo"', "start": now - 600, "end": now - 300}, timeout=30).status_code == 204
    assert http.put(url, params={"query": '{service="mail"} |= "jo"', "start": int(now) - 600, "max_interval": "1h"}, timeout=30).status_code == 204
    requests_ = lambda: http.get(url, timeout=30).json()
    newest, oldest = wait_until(lambda: [r["status"] for r in requests_()] == ["processed"] * 2 and requests_(), what="both requests")
    assert (newest["deleted_lines"], oldest["deleted_lines"]) == (1, 0)
    assert newest["query"] == '{service="mail"} |= "jo"' and newest["start_time"] == int(now) - 600 and abs(newest["created_at"] - now) < 60
    assert [row["message"] for row in server.api.rows("logs", service="mail")] == [f"sent a mail to <{ADDRESS.upper()}>"]
    late = http.delete(url, params={"request_id": newest["request_id"]}, timeout=30)
    assert late.status_code == 400 and "done" in late.text
    assert http.delete(url, params={"request_id": "999"}, timeout=30).status_code == 404


def test_only_admins_delete_and_only_their_own_projects_rows(make_server):
    server = make_server()
    two = server.api.post("/api/telltale/v1/projects", json={"slug": "two", "name": "Two"}).json()["project"]["id"]
    token = lambda role, project: server.api.post("/api/telltale/v1/tokens", json={"name": f"{role}{project}", "role": role, "project": project}).json()["secret"]
    as_ = lambda secret: {"Authorization": f"Bearer {secret}"}
    push = lambda secret: requests.post(server.url + "/loki/api/v1/push", headers=as_(secret), timeout=30, json={
        "streams": [{"stream": {"service": "both"}, "values": [[str(time.time_ns()), "line"]]}]})
    admin1, admin2, editor1 = token("admin", 1), token("admin", two), token("editor", 1)
    assert push(admin1).status_code == push(admin2).status_code == 204
    wait_until(lambda: len(server.api.rows("logs", service="both")) == 2, what="both lines")
    for path, body in (("/loki/api/v1/delete", None), ("/api/telltale/v1/deletions", {"query": '{service="both"}'})):
        send = lambda **kw: requests.post(server.url + path, json=body, params={"query": '{service="both"}', "start": "1"} if body is None else None, timeout=30, **kw)
        assert send().status_code == 401 and send(headers=as_(editor1)).status_code == 403
        assert requests.get(server.url + path, headers=as_(editor1), timeout=30).status_code == 403
    made = requests.post(server.url + "/loki/api/v1/delete", headers=as_(admin2), params={"query": '{service="both"}', "start": "1"}, timeout=30)
    assert made.status_code == 204
    wait_until(lambda: len(server.api.rows("logs", service="both")) == 1, what="the line of project two to go")
    assert server.api.rows("logs", service="both", project=1)
    assert requests.get(server.url + "/loki/api/v1/delete", headers=as_(admin1), timeout=30).json() == []
    assert len(requests.get(server.url + "/loki/api/v1/delete", headers=as_(admin2), timeout=30).json()) == 1


def test_an_acknowledged_deletion_survives_a_kill(make_server):
    server = make_server()
    fill(server)
    for i in range(5):
        assert ask(server, {"query": f'{{service="shop"}} | json | n = {i}'}).status_code == 202
    server.kill()
    server.start()
    wait_until(lambda: all(d["state"] == "done" for d in deletions(server)), what="all of them")
    assert len(deletions(server)) == 5
    assert sorted({row["attributes"]["n"] for row in server.api.rows("logs", service="shop")}) == list(range(5, 20))


def test_an_address_that_redaction_hashed_is_erased(make_server):
    server = make_server()
    policy = {"enable": ["email"], "methods": {"email": "hash"}}
    assert server.api.http.put(server.url + "/api/telltale/v1/projects/1/redaction", json=policy, timeout=30).ok
    fill(server)
    assert ADDRESS not in str(server.api.rows("logs") + server.api.rows("errors"))
    erased = server.api.http.delete(server.url + "/api/telltale/v1/persons", params={"email": ADDRESS}, timeout=60).json()
    assert (erased["logs"], erased["errors"]) == (1, 1)
    assert len(server.api.rows("logs", service="mail")) == 1 and len(server.api.rows("errors")) == 1
