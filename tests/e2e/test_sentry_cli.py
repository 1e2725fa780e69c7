"""The unmodified sentry-cli, as a build runs it, with a token of ours as its bearer."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from payloads import envelope, event
from server import wait_until

PROGRAM = Path(sys.executable).parent / "sentry-cli"


class Cli:
    """sentry-cli pointed at one server, in a folder that is a clone."""

    def __init__(self, server, folder, token=None, project="default"):
        self.folder = folder
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "SENTRY_URL": server.url, "SENTRY_ORG": "any-name",
                    "SENTRY_PROJECT": project, "SENTRY_AUTH_TOKEN": token or server.token, "SENTRY_DSN": server.dsn,
                    "SENTRY_LOG_LEVEL": "warn", "GIT_CONFIG_GLOBAL": "/dev/null"}

    def run(self, *arguments, fails=False) -> str:
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def git(self, *arguments) -> str:
        return subprocess.run(["git", *arguments], cwd=self.folder, env=self.env, check=True, capture_output=True,
                              text=True).stdout.strip()

    def commit(self, path, text, message) -> str:
        (self.folder / path).write_text(text)
        self.git("add", ".")
        self.git("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "-qm", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def cli(module_server, tmp_path):
    (tmp_path / "clone").mkdir()
    made = Cli(module_server, tmp_path / "clone", project=project_slug(module_server))
    made.git("init", "-q")
    made.git("remote", "add", "origin", "https://git.example.com/acme/shop.git")
    return made


def project_slug(server) -> str:
    return server.api.get("/api/telltale/v1/projects")["projects"][0]["slug"]


def test_info_and_lists(module_server, cli):
    info = cli.run("info")
    assert module_server.url in info and "project:releases" in info
    assert "Telltale" in cli.run("organizations", "list")
    assert project_slug(module_server) in cli.run("projects", "list")
    assert "No repos" in cli.run("repos", "list")
    cli.env["SENTRY_AUTH_TOKEN"] = "not-a-token-of-ours"
    assert "401" in cli.run("projects", "list", fails=True)


def test_a_release_from_new_to_deleted(module_server, cli):
    api, path = module_server.api, "/api/telltale/v1/releases/cli%401.0.0"
    cli.run("releases", "new", "cli@1.0.0", "--url", "https://ci.example/7")
    made = api.get(path)["release"]
    assert made["url"] == "https://ci.example/7" and made["released"] is None
    cli.run("releases", "new", "cli@1.0.0")  # again: as well
    cli.run("releases", "finalize", "cli@1.0.0")
    assert api.get(path)["release"]["released"]
    assert "cli@1.0.0" in cli.run("releases", "list", "--raw").split()
    assert "cli@1.0.0" in cli.run("releases", "info", "cli@1.0.0", "--show-projects")
    cli.run("deploys", "new", "-r", "cli@1.0.0", "-e", "production", "-n", "blue", "-t", "30")
    cli.run("deploys", "new", "-r", "cli@1.0.0", "-e", "staging")
    deploys = api.get(path)["release"]["deploys"]
    assert {d["environment"] for d in deploys} == {"production", "staging"} and "blue" in {d["name"] for d in deploys}
    assert "production" in cli.run("deploys", "list", "-r", "cli@1.0.0")
    assert "archived" in cli.run("releases", "archive", "cli@1.0.0", fails=True)
    cli.run("releases", "delete", "cli@1.0.0")
    assert api.http.get(module_server.url + path).status_code == 404
    assert "not found" in cli.run("deploys", "new", "-r", "cli@1.0.0", "-e", "x", fails=True)


def test_commits_of_releases(module_server, cli):
    api = module_server.api
    first = cli.commit("price.py", "price = 1\n", "Add the price")
    cli.run("releases", "new", "cli@2.0.0")
    cli.run("releases", "set-commits", "cli@2.0.0", "--local")
    commits = api.get("/api/telltale/v1/releases/cli%402.0.0/commits")["commits"]
    assert [c["id"] for c in commits] == [first]
    assert commits[0]["author_email"] == "ann@example.com" and commits[0]["message"].startswith("Add the price")
    assert commits[0]["files"] == [{"path": "price.py", "type": "A"}]
    second = cli.commit("price.py", "price = 2\n", "Fix the price")
    third = cli.commit("cart.py", "cart = []\n", "Add the cart")
    # What came since the release before, which the server is asked for.
    cli.run("releases", "set-commits", "cli@2.1.0", "--local")
    commits = api.get("/api/telltale/v1/releases/cli%402.1.0/commits")["commits"]
    assert [c["id"] for c in commits] == [third, second]
    assert commits[1]["files"] == [{"path": "price.py", "type": "M"}]
    for version, way in [("cli@2.2.0", ["--commit", "acme/shop@{}"]), ("cli@2.3.0", ["--auto"])]:
        newest = cli.commit("cart.py", f"cart = ['{version}']\n", "Fill the cart")
        cli.run("releases", "set-commits", version, *[word.format(newest) for word in way])
        ids = [c["id"] for c in api.get(f"/api/telltale/v1/releases/{version.replace('@', '%40')}/commits")["commits"]]
        assert ids == [newest]
    shown = cli.run("releases", "info", "cli@2.1.0", "--show-commits")
    assert third[:8] in shown or third in shown
    assert cli.run("releases", "propose-version").strip() == newest


def test_commits_that_are_only_named(module_server):
    url = module_server.url + "/api/0/organizations/acme/releases/"
    body = {"version": "cli@3.0.0", "projects": [project_slug(module_server)],
            "refs": [{"repository": "acme/shop", "commit": "9f2c1e7", "previousCommit": "0a1b2c3"}]}
    answer = module_server.api.post("/api/0/organizations/acme/releases/", json=body)
    assert answer.status_code == 201 and answer.json()["lastCommit"]["id"] == "9f2c1e7", answer.text
    assert module_server.api.post("/api/0/organizations/acme/releases/", json=body).status_code == 208
    for wrong, field in [({"version": ""}, "version"), ({"version": "x", "projects": ["no-such"]}, "no-such"),
                         ({"version": "x", "commits": [{"message": "m"}]}, "id"),
                         ({"version": "x", "url": "javascript:alert(1)"}, "url"), ({"version": "v" * 251}, "version")]:
        answer = module_server.api.post("/api/0/organizations/acme/releases/", json=wrong)
        assert answer.status_code in (400, 404) and field in answer.json()["detail"], answer.text
    assert requests.post(url, json=body, timeout=10).status_code == 401


def test_monitors_run(module_server, cli):
    api = module_server.api
    monitor = lambda slug: next((m for m in api.get("/api/telltale/v1/monitors")["monitors"] if m["slug"] == slug), None)
    cli.run("monitors", "run", "nightly-cli", "-s", "0 3 * * *", "-e", "staging", "--timezone", "Europe/Berlin", "--", "true")
    made = wait_until(lambda: (m := monitor("nightly-cli")) and m["check_ins"][0]["status"] == "ok" and m, what="the check-in")
    assert made["environments"][0]["name"] == "staging" and made["config"]["timezone"] == "Europe/Berlin"
    assert made["check_ins"][0]["duration_ms"] is not None
    cli.run("monitors", "run", "nightly-cli", "-e", "staging", "--", "false", fails=True)
    wait_until(lambda: monitor("nightly-cli")["check_ins"][0]["status"] == "error", what="the failure")
    assert "nightly-cli" in cli.run("monitors", "list")


def test_events_and_issues(module_server, cli):
    api = module_server.api
    out = cli.run("send-event", "-m", "boom from the build", "-r", "cli@4.0.0", "-E", "staging", "-t", "job:deploy",
                  "-u", "id:u-9", "--no-environ", "-l", "warning")
    event_id = re.search(r"Event id: (\S+)", out).group(1).replace("-", "")
    row = wait_until(lambda: api.rows("errors", event_id=event_id), what="the event")[0]
    assert (row["environment"], row["release"], row["user_id"], row["level"]) == ("staging", "cli@4.0.0", "u-9", "warning")
    issue = wait_until(lambda: [i for i in api.issues() if i["title"] == "boom from the build"], what="its issue")[0]
    listed = cli.run("issues", "list")
    assert issue["short_id"] in listed and "boom from the build" in listed and "warning" in listed
    assert "boom from the build" in cli.run("events", "list")
    assert "boom" not in cli.run("issues", "list", "--query", "is:resolved")
    state = lambda: (lambda i: (i["status"], i["substatus"]))(api.get(f"/api/telltale/v1/issues/{issue['id']}")["issue"])
    cli.run("issues", "resolve", "-i", str(issue["id"]))
    assert state()[0] == "resolved"
    cli.run("issues", "unresolve", "-s", "resolved")
    assert state() == ("unresolved", "ongoing")
    cli.run("issues", "mute", "-a")
    assert state()[0] == "ignored"
    url = f"/api/0/organizations/acme/issues/{issue['short_id']}/"
    put = lambda body: api.http.put(module_server.url + url, json=body, timeout=10)
    answer = put({"status": "resolved", "statusDetails": {"inNextRelease": True}, "assignedTo": "ann@example.com"})
    assert answer.status_code == 200 and answer.json()["statusDetails"] == {"inNextRelease": True}, answer.text
    assert answer.json()["assignedTo"]["name"] == "ann@example.com"
    answer = put({"status": "ignored", "statusDetails": {"ignoreCount": 10, "ignoreWindow": 90}})
    archive = api.get(f"/api/telltale/v1/issues/{issue['id']}")["issue"]["archive"]
    assert (archive["until"], archive["count"], archive["window_hours"]) == ("events", 10, 2)
    assert "status" in put({"status": "gone"}).json()["detail"]


def test_what_a_token_may(module_server, cli, tmp_path):
    api = module_server.api
    other = api.post("/api/telltale/v1/projects", json={"slug": "cli-other", "name": "Other"}).json()["project"]
    make = lambda role, project: api.post("/api/telltale/v1/tokens", json={
        "name": f"cli-{role}-{project}", "role": role, "project": project}).json()["secret"]
    viewer = Cli(module_server, cli.folder, make("viewer", 1), project_slug(module_server))
    assert "project:releases" not in viewer.run("info")
    assert "403" in viewer.run("releases", "new", "cli@9", fails=True)
    editor = Cli(module_server, cli.folder, make("editor", other["id"]), "cli-other")
    editor.run("releases", "new", "cli@9", "--finalize")
    assert api.get("/api/telltale/v1/releases", project=other["id"])["releases"][0]["version"] == "cli@9"
    assert api.get("/api/telltale/v1/releases", project=1, query="cli@9")["releases"] == []
    assert editor.run("projects", "list").count("cli-other") == 1
    editor.env["SENTRY_PROJECT"] = project_slug(module_server)
    assert "not found" in editor.run("releases", "new", "cli@9", fails=True)
    answer = requests.get(module_server.url + "/api/0/organizations/a/chunk-upload/", timeout=10,
                          headers={"Authorization": f"Bearer {module_server.token}"})
    assert answer.status_code == 404 and "not known here" in answer.json()["detail"]


def test_lists_have_pages(module_server):
    api = module_server.api
    for i in range(101):
        assert api.post("/api/0/projects/a/1/releases/", json={"version": f"page@{i}"}).status_code == 201
    first = api.http.get(module_server.url + "/api/0/projects/a/1/releases/", params={"query": "page@"}, timeout=10)
    assert len(first.json()) == 100
    cursor = re.search(r'rel="next"; results="true"; cursor="([^"]+)"', first.headers["Link"]).group(1)
    rest = api.http.get(module_server.url + "/api/0/projects/a/1/releases/", params={"query": "page@", "cursor": cursor}, timeout=10)
    assert len(rest.json()) == 1 and 'rel="next"; results="false"' in rest.headers["Link"]
    assert api.http.get(module_server.url + "/api/0/projects/a/1/releases/", params={"cursor": "x"}, timeout=10).status_code == 400


def test_commits_lead_to_issues_and_resolve_them(module_server, cli):
    api = module_server.api
    frames = [{"filename": "shop/cart.py", "abs_path": "/srv/shop/cart.py", "function": "add", "lineno": 7, "in_app": True}]
    error = event("of a commit", release="cli@5.0.0")
    error["exception"]["values"][0]["stacktrace"]["frames"] = frames
    (cli.folder / "shop").mkdir()
    suspect = cli.commit("shop/cart.py", "cart = []\n", "Empty the cart\n\nAs asked.")
    cli.commit("readme.md", "words\n", "Words")
    cli.run("releases", "set-commits", "cli@5.0.0", "--local")
    assert api.send_envelope(envelope(("event", error), event_id=error["event_id"])).ok
    issue = wait_until(lambda: [i for i in api.issues() if "of a commit" in i["title"]], what="its issue")[0]
    path = f"/api/telltale/v1/issues/{issue['id']}"
    [found] = wait_until(lambda: api.get(path + "/suspects")["suspects"], what="the suspect")
    assert (found["commit"]["id"], found["release"], found["path"]) == (suspect, "cli@5.0.0", "shop/cart.py")
    assert found["frame"] == {"function": "add", "line": 7} and found["commit"]["author_name"] == "Ann"
    # Resolved once a release has the fix.
    fix = cli.commit("shop/cart.py", "cart = [1]\n", "Fill the cart")
    put = lambda body: api.http.put(module_server.url + path, json=body, timeout=10)
    assert put({"resolved_in_commit": "main"}).status_code == 400
    assert put({"resolved_in_commit": fix, "assignee": "x"}).status_code == 400
    assert put({"resolved_in_commit": fix[:12]}).json()["issue"]["status"] == "unresolved"
    assert api.get(path)["issue"]["awaits_commit"] == fix[:12]
    cli.run("releases", "set-commits", "cli@5.0.1", "--local")
    now = api.get(path)["issue"]
    assert (now["status"], now["resolved_in"]) == ("resolved", "cli@5.0.1") and "awaits_commit" not in now
    # A commit says so itself.
    other = event("of a message", release="cli@5.0.1")
    other["exception"]["values"][0]["type"] = "OtherError"
    assert api.send_envelope(envelope(("event", other), event_id=other["event_id"])).ok
    issue = wait_until(lambda: [i for i in api.issues() if "of a message" in i["title"]], what="its issue")[0]
    cli.commit("readme.md", "more words\n", f"More words\n\nFixes {issue['short_id']}")
    cli.run("releases", "set-commits", "cli@5.0.2", "--local")
    assert api.get(f"/api/telltale/v1/issues/{issue['id']}")["issue"]["resolved_in"] == "cli@5.0.2"
