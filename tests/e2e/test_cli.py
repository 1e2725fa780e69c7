"""The commands that talk to a running server and those that work on a stopped one's folder."""
import os
import re
import subprocess
import time

import requests

from server import ROOT, wait_until


def telltale(server, *args, token=None, data_dir=False):
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    env = {k: v for k, v in os.environ.items() if not k.startswith("TELLTALE_")}
    env["TELLTALE_TOKEN"] = server.token if token is None else token
    where = ["--data-dir", str(server.data_dir)] if data_dir else ["--url", server.url]
    return subprocess.run([binary, *args, *where], env=env, capture_output=True, text=True, timeout=60)


def test_query_promql(module_server):
    now = telltale(module_server, "query", "promql", "vector(6) * 7")
    assert now.returncode == 0, now.stderr
    assert re.match(r"SERIES +VALUE +TIME\n\{\} +42 +\d{4}-", now.stdout)
    span = telltale(module_server, "query", "promql", "vector(1)", "--start", "-10m", "--step=1m")
    assert span.returncode == 0 and len(span.stdout.splitlines()) == 12, span.stdout + span.stderr
    assert "VALUE" in telltale(module_server, "query", "promql", "scalar(vector(3))").stdout
    assert telltale(module_server, "query", "promql", "nothing_of_this_name").stdout == "no series\n"


def test_query_promql_errors_are_the_servers_own(module_server):
    bad = telltale(module_server, "query", "promql", "sum(")
    assert bad.returncode == 1 and "400" in bad.stderr, bad.stderr
    assert "TELLTALE_TOKEN" in telltale(module_server, "query", "promql", "1", token="").stderr
    assert "--end" in telltale(module_server, "query", "promql", "1", "--start", "now", "--end", "-1h").stderr


def test_query_logs(module_server):
    assert module_server.api.push_lines(["needle one", "needle two\x1b[2J", "other"], {"service": "cli"}).ok
    wait_until(lambda: len(module_server.api.rows("logs", service="cli")) == 3)
    found = telltale(module_server, "query", "logs", "NEEDLE", "--field", "service=cli", "--start", "-5m", "--limit", "10")
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert lines[0].split() == ["TIME", "LEVEL", "SERVICE", "MESSAGE"]
    other = telltale(module_server, "query", "logs", "", "--where", "service=cli", "--where", "message!~needle")
    assert other.returncode == 0 and other.stdout.splitlines()[1].endswith("other") and "needle" not in other.stdout, other.stdout
    bad = telltale(module_server, "query", "logs", "", "--where", "service")
    assert bad.returncode == 1 and "where" in bad.stderr
    assert lines[1].endswith("needle one") and lines[2].endswith("needle two?[2J") and len(lines) == 3


def test_query_logql(module_server):
    assert module_server.api.push_lines([f"logql {i}" for i in range(5)], {"app": "cli-logql"}).ok
    wait_until(lambda: len(module_server.api.rows("logs", app="cli-logql")) == 5)
    lines = telltale(module_server, "query", "logql", '{app="cli-logql"} |~ "[1-3]"')
    assert lines.returncode == 0, lines.stderr
    rows = lines.stdout.splitlines()
    assert rows[0].split() == ["TIME", "STREAM", "LINE"] and [row[-7:] for row in rows[1:]] == ["logql 1", "logql 2", "logql 3"]
    assert 'app="cli-logql"' in rows[1]
    now = telltale(module_server, "query", "logql", 'sum(count_over_time({app="cli-logql"}[1h]))')
    assert now.returncode == 0 and re.search(r"\{\} +5 ", now.stdout), now.stdout + now.stderr
    over = telltale(module_server, "query", "logql", 'sum(count_over_time({app="cli-logql"}[1h]))', "--start", "-10m", "--step", "5m")
    assert over.returncode == 0 and over.stdout.startswith("SERIES"), over.stdout + over.stderr
    bad = telltale(module_server, "query", "logql", "{")
    assert bad.returncode == 1 and "parse error at line 1" in bad.stderr


def test_tokens_and_projects_of_a_stopped_server(make_server):
    server = make_server()
    busy = telltale(server, "token", "list", data_dir=True)
    assert busy.returncode == 1 and "running server" in busy.stderr, busy.stderr
    server.stop()
    made = telltale(server, "token", "create", "ops", "--role", "admin", data_dir=True)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.split()[-1]
    twice = telltale(server, "token", "create", "ops", "--role", "admin", data_dir=True)
    assert twice.returncode == 1 and "ops" in twice.stderr
    assert "--role" in telltale(server, "token", "create", "x", "--role", "king", data_dir=True).stderr
    project = telltale(server, "project", "create", "shop", data_dir=True)
    assert project.returncode == 0, project.stderr
    number, key = re.search(r"project (\d+) \(shop\), DSN key ([0-9a-f]{32})", project.stdout).groups()
    listed = telltale(server, "project", "list", data_dir=True).stdout
    assert re.search(rf"^{number} +shop +shop +{key}$", listed, re.M), listed
    reader = telltale(server, "token", "create", "gone", "--role", "viewer", "--project", number, data_dir=True)
    gone_id = re.search(r"token (\d+)", reader.stdout).group(1)
    assert telltale(server, "token", "revoke", gone_id, data_dir=True).returncode == 0
    tokens = telltale(server, "token", "list", data_dir=True).stdout
    assert re.search(r"^\d+ +ops +admin +all ", tokens, re.M) and "gone" not in tokens
    server.start()
    headers = {"Authorization": f"Bearer {secret}"}
    assert requests.get(server.url + "/api/telltale/v1/tokens", headers=headers, timeout=10).status_code == 200
    headers = {"Authorization": f"Bearer {reader.stdout.split()[-1]}"}
    assert requests.get(server.url + "/api/telltale/v1/logs", headers=headers, timeout=10).status_code == 401


def test_missing_folder(module_server, tmp_path):
    module_server.data_dir, kept = tmp_path / "nothing", module_server.data_dir
    try:
        assert "not a data folder" in telltale(module_server, "token", "list", data_dir=True).stderr
        assert not (tmp_path / "nothing").exists()
    finally:
        module_server.data_dir = kept


def test_tokens_over_http(module_server):
    api, url = module_server.api, module_server.url + "/api/telltale/v1/tokens"
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    made = api.post("/api/telltale/v1/tokens", json={"name": "one", "role": "viewer", "expires": expires})
    assert made.status_code == 201, made.text
    token, secret = made.json()["token"], made.json()["secret"]
    assert token["role"] == "viewer" and token["expires"] == expires
    viewer = {"Authorization": f"Bearer {secret}"}
    assert requests.get(url, headers=viewer, timeout=10).status_code == 403
    assert requests.post(url, headers=viewer, json={"name": "x", "role": "admin"}, timeout=10).status_code == 403
    listed = api.get("/api/telltale/v1/tokens")
    assert "one" in [t["name"] for t in listed["tokens"]] and secret not in str(listed) and "hash" not in str(listed)
    for body, field in (({"name": "two", "role": "king"}, "role"), ({"role": "viewer"}, "name"), ({"name": "two"}, "role"),
                        ({"name": "two", "role": "viewer", "project": "x"}, "project"),
                        ({"name": "two", "role": "viewer", "expires": "1999-01-01T00:00:00Z"}, "expires"),
                        ({"name": "two", "role": "viewer", "colour": "red"}, "colour")):
        bad = api.post("/api/telltale/v1/tokens", json=body)
        assert bad.status_code == 400 and field in bad.text, bad.text
    assert api.post("/api/telltale/v1/tokens", json={"name": "one", "role": "viewer"}).status_code == 409
    assert api.http.delete(f"{url}/{token['id']}", timeout=10).status_code == 204
    assert api.http.delete(f"{url}/{token['id']}", timeout=10).status_code == 404
    assert requests.get(module_server.url + "/api/telltale/v1/logs", headers=viewer, timeout=10).status_code == 401


def test_an_admin_of_one_project_stays_in_it(module_server):
    api, url = module_server.api, module_server.url + "/api/telltale/v1/tokens"
    made = api.post("/api/telltale/v1/tokens", json={"name": "admin-of-1", "role": "admin", "project": 1}).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert [t["name"] for t in requests.get(url, headers=headers, timeout=10).json()["tokens"]] == ["admin-of-1"]
    mine = requests.post(url, headers=headers, json={"name": "mine", "role": "viewer"}, timeout=10)
    assert mine.status_code == 201 and mine.json()["token"]["project"] == 1
    other = requests.post(url, headers=headers, json={"name": "theirs", "role": "viewer", "project": 2}, timeout=10)
    assert other.status_code == 403
    root = next(t["id"] for t in api.get("/api/telltale/v1/tokens")["tokens"] if "project" not in t)
    assert requests.delete(f"{url}/{root}", headers=headers, timeout=10).status_code == 404


def test_setup_token_works_once(make_server):
    server = make_server()
    server.stop()
    # Revoke every admin: the next start has to be set up anew.
    for line in telltale(server, "token", "list", data_dir=True).stdout.splitlines()[1:]:
        assert telltale(server, "token", "revoke", line.split()[0], data_dir=True).returncode == 0
    server.start(bootstrap=False)
    secret = wait_until(lambda: re.findall(r"setup_[0-9a-f]+", server.log_path.read_text()), what="the setup link")[-1]
    url = server.url + "/api/telltale/v1/setup"
    assert requests.post(url, json={"setup_token": "setup_wrong"}, timeout=10).status_code == 401
    assert requests.post(url, json={}, timeout=10).status_code == 400
    made = requests.post(url, json={"setup_token": secret}, timeout=10)
    assert made.status_code == 201 and made.json()["token"]["role"] == "admin", made.text
    assert requests.post(url, json={"setup_token": secret}, timeout=10).status_code == 401
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert requests.get(server.url + "/api/telltale/v1/tokens", headers=headers, timeout=10).status_code == 200
