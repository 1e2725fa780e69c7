"""Signing in with a browser's means: cookies, the header and origin that changes need, and everything that ends a session."""
import json
import re
import time

import pytest
import requests
import urllib3

from api_document import PREFIX, ApiDocument
from server import wait_until
from test_cli import telltale

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
urllib3.disable_warnings()


class Browser:
    """A person's browser: its cookies, and the headers a browser sends with a change."""

    def __init__(self, url, verify=True):
        self.url, self.http = url, requests.Session()
        self.http.verify = verify
        self.http.headers["User-Agent"] = "e2e browser"

    def send(self, method, path, body=None, **headers):
        own = {"X-Telltale": "1", "Origin": self.url} if method != "GET" else {}
        given = {**own, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.http.request(method, self.url + PREFIX + path, json=body, timeout=30, verify=self.http.verify,
                                 headers={k: v for k, v in given.items() if v is not None})

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, body=None, **headers):
        return self.send("POST", path, body, **headers)

    def login(self, email=EMAIL, password=PASSWORD):
        return self.post("auth/login", {"email": email, "password": password})

    def signed_in(self):
        return self.get("auth/session").status_code == 200


@pytest.fixture(scope="module")
def house(module_server):
    """The server with one admin who has a password."""
    made = module_server.api.post(PREFIX + "users", json={"email": "Ada@Example.com ", "name": "Ada", "role": "admin", "password": PASSWORD})
    assert made.status_code == 201, made.text
    module_server.document = ApiDocument(module_server.url)
    module_server.document.check(made)
    return module_server


@pytest.fixture
def ada(house):
    browser = Browser(house.url)
    assert browser.login().status_code == 200
    return browser


def new_user(house, name, role="viewer"):
    made = house.api.post(PREFIX + "users", json={"email": f"{name}@example.com", "name": name, "role": role, "password": PASSWORD})
    assert made.status_code == 201, made.text
    return made.json()["user"]["id"]


def auth_events(server):
    lines = (json.loads(line) for line in server.log_path.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("message") == "auth"]


def test_login_session_logout(house):
    browser = Browser(house.url)
    stranger = browser.get("auth/session")
    assert stranger.status_code == 401 and house.document.check(stranger)["setup_needed"] is False
    answer = browser.login(" ADA@example.com")
    assert house.document.check(answer)["user"]["email"] == EMAIL
    cookie = answer.headers["Set-Cookie"]
    assert re.match(r"telltale_session=[0-9a-f]{64}; ", cookie) and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert "Path=/" in cookie and "Secure" not in cookie and "__Host-" not in cookie and "Domain" not in cookie
    assert answer.headers["Cache-Control"] == "no-store"
    now = house.document.check(browser.get("auth/session"))
    assert now["user"]["role"] == "admin" and now["csrf_header"] == "X-Telltale" and now["insecure"] is False
    # The cookie opens the other APIs that the UI calls, too.
    assert browser.get("logs").status_code == 200
    assert browser.http.get(house.url + "/api/v1/query?query=1", timeout=10).status_code == 200
    old = browser.http.cookies["telltale_session"]
    gone = browser.post("auth/logout")
    assert gone.status_code == 204 and "Max-Age=0" in gone.headers["Set-Cookie"]
    assert requests.get(house.url + PREFIX + "logs", cookies={"telltale_session": old}, timeout=10).status_code == 401


def test_a_wrong_password_says_no_more_than_an_unknown_address(house):
    browser = Browser(house.url)
    wrong, unknown = browser.login(password="not the password"), browser.login("nobody@example.com")
    assert wrong.status_code == unknown.status_code == 401 and wrong.json() == unknown.json()
    assert house.document.check(wrong) and "Set-Cookie" not in wrong.headers
    for body in ({}, {"email": EMAIL}, {"email": 5, "password": "x"}, {"email": EMAIL, "password": PASSWORD, "role": "admin"}):
        assert browser.post("auth/login", body).status_code == 400
    event = next(e for e in reversed(auth_events(house)) if e["event"] == "login" and e["outcome"] == "refused")
    assert event["remote"] == "127.0.0.1" and event["user_agent"] == "e2e browser"
    assert PASSWORD not in house.log_path.read_text()


def test_a_new_token_at_every_login(house):
    browser = Browser(house.url)
    assert browser.login().status_code == 200
    first = browser.http.cookies["telltale_session"]
    assert browser.login().status_code == 200
    assert browser.http.cookies["telltale_session"] != first
    assert requests.get(house.url + PREFIX + "logs", cookies={"telltale_session": first}, timeout=10).status_code == 401


@pytest.mark.parametrize("headers, allowed", [
    ({}, True),
    ({"X_Telltale": None}, False),
    ({"Origin": None}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Sec_Fetch_Site": "cross-site"}, False),
    ({"Sec_Fetch_Site": "same-site"}, False),
    ({"Sec_Fetch_Site": "same-origin", "Origin": None}, True),
])
def test_changes_must_come_from_our_own_pages(house, ada, headers, allowed):
    answer = ada.send("PUT", "projects/1", {"name": "Renamed"}, **headers)
    assert answer.status_code == (200 if allowed else 403), answer.text
    house.document.check(answer)
    assert ada.get("projects").status_code == 200  # reading needs none of it


def test_a_token_needs_no_header(house):
    answer = house.api.http.put(house.url + PREFIX + "projects/1", json={"name": "Shop"}, timeout=10)
    assert answer.status_code == 200, answer.text


def test_signing_in_from_another_site_is_refused(house):
    assert Browser(house.url).post("auth/login", {"email": EMAIL, "password": PASSWORD}, Origin="https://evil.example").status_code == 403


def test_own_sessions_and_logout_everywhere(house, ada):
    other = Browser(house.url)
    assert other.login().status_code == 200
    sessions = house.document.check(other.get("auth/sessions"))["sessions"]
    assert len(sessions) >= 2 and sessions[0]["current"] and sessions[0]["user_agent"] == "e2e browser"
    mine = house.document.check(ada.get("auth/sessions"))["sessions"]
    target = next(s["id"] for s in mine if s["current"])
    assert other.send("DELETE", f"auth/sessions/{target}").status_code == 204
    assert not ada.signed_in() and other.signed_in()
    assert other.send("DELETE", "auth/sessions/999999").status_code == 404
    assert ada.login().status_code == 200
    assert other.post("auth/logout-everywhere").status_code == 204
    assert not ada.signed_in() and not other.signed_in()


def test_a_password_change_ends_the_other_sessions(house):
    new_user(house, "grace")
    grace, elsewhere = Browser(house.url), Browser(house.url)
    assert grace.login("grace@example.com").ok and elsewhere.login("grace@example.com").ok
    assert grace.post("auth/password", {"current": "wrong", "new": "another good one"}).status_code == 403
    for weak in ("short", "grace@example.com", "aaaaaaaaaaaaaa", "password1234", "x" * 1025):
        answer = grace.post("auth/password", {"current": PASSWORD, "new": weak})
        assert answer.status_code == 400 and "password" in answer.json()["error"]["message"], weak
    assert grace.post("auth/password", {"current": PASSWORD, "new": "another good one"}).status_code == 204
    assert grace.signed_in() and not elsewhere.signed_in()
    assert elsewhere.login("grace@example.com").status_code == 401
    assert elsewhere.login("grace@example.com", "another good one").status_code == 200


def test_disabling_a_user_ends_everything_at_once(house, ada):
    number = new_user(house, "dora", "editor")
    dora = Browser(house.url)
    assert dora.login("dora@example.com").ok
    assert dora.get("users").status_code == 403 and dora.post("projects", {"slug": "x"}).status_code == 403
    changed = ada.send("PUT", f"users/{number}", {"role": "viewer"})
    assert house.document.check(changed)["user"]["role"] == "viewer"
    assert house.document.check(ada.send("PUT", f"users/{number}", {"disabled": True}))["user"]["disabled"]
    assert not dora.signed_in()
    assert dora.login("dora@example.com").status_code == 401
    ada.send("PUT", f"users/{number}", {"disabled": False})
    assert dora.login("dora@example.com").status_code == 200
    assert ada.send("DELETE", f"users/{number}").status_code == 204 and not dora.signed_in()
    assert ada.send("DELETE", f"users/{number}").status_code == 404


def test_users_are_checked_and_one_admin_stays(house, ada):
    users = house.document.check(ada.get("users"))["users"]
    me = next(u for u in users if u["email"] == EMAIL)
    assert "password" not in json.dumps(users) and "argon2" not in json.dumps(users)
    good = {"email": "eve@example.com", "name": "Eve", "role": "viewer", "password": PASSWORD}
    for field, value in (("email", "eve"), ("email", "a b@c"), ("name", ""), ("role", "ingest"), ("role", "king"), ("password", "short")):
        answer = ada.post("users", {**good, field: value})
        assert answer.status_code == 400 and field in answer.json()["error"]["message"], answer.text
    assert ada.post("users", {**good, "email": EMAIL.upper()}).status_code == 409
    for change in ({"disabled": True}, {"role": "viewer"}):
        assert house.document.check(ada.send("PUT", f"users/{me['id']}", change))["error"]["kind"] == "conflict"
    assert ada.send("DELETE", f"users/{me['id']}").status_code == 409
    assert ada.send("PUT", f"users/{me['id']}", {"password": "one of my very own"}).status_code == 400


def test_projects_keys_storage_and_measurements(house, ada):
    check = house.document.check
    made = check(ada.post("projects", {"slug": "billing", "name": "Billing"}))["project"]
    assert check(ada.post("projects", {"slug": "billing"}))["error"]["kind"] == "conflict"
    assert check(ada.post("projects", {"slug": "No Good"}))["error"]["kind"] == "invalid_argument"
    assert "billing" in [p["slug"] for p in check(ada.get("projects"))["projects"]]
    keys = f"projects/{made['id']}/keys"
    first = check(ada.get(keys))["keys"][0]
    assert first["dsn"] == f"{house.url.replace('://', '://' + first['public_key'] + '@')}/{made['id']}"
    second = check(ada.post(keys))["key"]
    assert not check(ada.send("PUT", f"{keys}/{second['public_key']}", {"enabled": False}))["key"]["enabled"]
    assert ada.send("PUT", f"projects/1/keys/{second['public_key']}", {"enabled": True}).status_code == 404
    sent = requests.post(f"{house.url}/api/{made['id']}/store/?sentry_key={second['public_key']}", json={"message": "x"}, timeout=10)
    assert sent.status_code == 403
    assert ada.get("projects/99/keys").status_code == 404
    assert house.api.push_lines(["one", "two"], {"service": "storage"}).ok
    parts = wait_until(lambda: {p["name"]: p for p in check(ada.get("storage"))["parts"] if p["rows"] or p["name"] != "logs"}.get("logs"))
    assert parts["rows"] >= 2 and parts["newest"] and parts["retention_s"] == 30 * 86400
    assert ada.post("ui-measurements", {"route": "/issues/{id}", "lcp_ms": 640.5, "long_tasks": 2, "panels": [{"name": "a", "ms": 3}]}).status_code == 204
    assert ada.post("ui-measurements", {"route": "/made up\"}"}).status_code == 204
    assert ada.post("ui-measurements", {"route": "/", "lcp_ms": -1}).status_code == 400
    metrics = house.api.http.get(house.url + "/metrics", timeout=10).text
    assert 'telltale_ui_largest_paint_seconds_count{route="/issues/{id}"} 1' in metrics and 'route="other"' in metrics
    assert "made up" not in metrics


def test_the_live_tail_takes_the_cookie_from_our_own_pages_only(house, ada):
    import websocket
    address = house.url.replace("http", "ws") + PREFIX + "tail"
    cookie = "telltale_session=" + ada.http.cookies["telltale_session"]
    socket = websocket.create_connection(address, cookie=cookie, origin=house.url, timeout=20)
    assert house.api.push_lines(["over the cookie"], {"service": "ws"}).ok
    assert "over the cookie" in socket.recv()
    socket.close()
    for origin, sent in (("https://evil.example", cookie), (house.url, "telltale_session=0")):
        with pytest.raises(websocket.WebSocketBadStatusException):
            websocket.create_connection(address, cookie=sent, origin=origin, timeout=20)


def test_many_failures_are_slowed_down(make_server):
    server = make_server()
    made = server.api.post(PREFIX + "users", json={"email": EMAIL, "name": "Ada", "role": "admin", "password": PASSWORD})
    assert made.status_code == 201
    browser = Browser(server.url)
    answers = [browser.login(password="a wrong guess") for _ in range(11)]
    assert [a.status_code for a in answers[:10]] == [401] * 10
    assert answers[10].status_code == 429 and int(answers[10].headers["Retry-After"]) >= 10
    assert browser.login().status_code == 429, "the right password waits as well"
    names = [browser.login(f"user{i}@example.com") for i in range(12)]
    assert names[-1].status_code == 429, "and so does the address, whatever the account"


def test_setup_link_makes_one_admin(make_server):
    server = make_server()
    server.stop()
    for line in telltale(server, "token", "list", data_dir=True).stdout.splitlines()[1:]:
        assert telltale(server, "token", "revoke", line.split()[0], data_dir=True).returncode == 0
    server.start(bootstrap=False)
    link = wait_until(lambda: re.findall(r"(http://\S+)/setup#(setup_[0-9a-f]{48})", server.log_path.read_text()))[-1]
    assert link[0] == server.url
    browser = Browser(server.url)
    assert browser.get("auth/session").json()["setup_needed"] is True
    person = {"email": EMAIL, "name": "Ada", "password": PASSWORD}
    assert browser.post("auth/setup", {"setup_token": "setup_wrong", **person}).status_code == 401
    assert browser.post("auth/setup", {"setup_token": link[1], **person, "password": "short"}).status_code == 400
    assert browser.post("auth/setup", {"setup_token": link[1], **person}).status_code == 200
    assert browser.get("auth/session").json()["setup_needed"] is False
    assert browser.get("users").json()["users"][0]["role"] == "admin"
    again = Browser(server.url)
    assert again.post("auth/setup", {"setup_token": link[1], **person, "email": "eve@example.com"}).status_code == 401
    server.stop()
    size = len(server.log_path.read_text())
    server.start(bootstrap=False)
    assert "/setup#" not in server.log_path.read_text()[size:] and browser.signed_in(), "sessions outlive a restart"


def test_over_tls_the_cookie_is_bound_to_the_host(make_server, monkeypatch):
    monkeypatch.setenv("TELLTALE_BOOTSTRAP_PASSWORD", PASSWORD)
    server = make_server()
    server.stop()
    server.arguments += ["--tls.self_signed"]
    server.url = server.url.replace("http://", "https://")
    monkeypatch.setattr("server.requests.get", lambda *a, **k: requests.request("GET", *a, **{**k, "verify": False}))
    server.start()
    browser = Browser(server.url, verify=False)
    answer = browser.login("admin@localhost")
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-telltale=") and "; Secure" in cookie and "Path=/" in cookie and "HttpOnly" in cookie
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert browser.signed_in()
    token = browser.http.cookies["__Host-telltale"]
    plain = requests.request("GET", server.url + PREFIX + "logs", cookies={"telltale_session": token}, verify=False, timeout=10)
    assert plain.status_code == 401, "the unbound name is not taken over TLS"


def test_sessions_time_out(make_server):
    server = make_server(["--session.idle_timeout", "60s", "--session.lifetime", "60s"])
    made = server.api.post(PREFIX + "users", json={"email": EMAIL, "name": "Ada", "role": "viewer", "password": PASSWORD})
    assert made.status_code == 201
    browser = Browser(server.url)
    answer = browser.login()
    assert re.search(r"Max-Age=60\b", answer.headers["Set-Cookie"])
    assert abs(time.time() + 60 - time.mktime(time.strptime(answer.json()["expires"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 20


def test_users_of_a_stopped_server(make_server, tmp_path):
    server = make_server()
    server.stop()
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    run = lambda *args: telltale(server, "user", *args, data_dir=True)
    made = run("create", EMAIL, "--name", "Ada", "--role", "editor", "--password-file", str(secret))
    assert made.returncode == 0, made.stderr
    assert re.search(rf"^\d+ +{EMAIL} +Ada +editor +yes ", run("list").stdout, re.M)
    server.start()
    assert Browser(server.url).login().status_code == 200
    assert "running server" in run("list").stderr
    server.stop()
    secret.write_text("a completely new one")
    assert run("passwd", EMAIL, "--password-file", str(secret)).returncode == 0
    secret.write_text("short")
    assert "12" in run("passwd", EMAIL, "--password-file", str(secret)).stderr
    server.start()
    assert Browser(server.url).login().status_code == 401
    assert Browser(server.url).login(password="a completely new one").status_code == 200
    server.stop()
    assert run("disable", EMAIL).returncode == 0 and run("disable", "nobody@example.com").returncode == 1
    server.start()
    assert Browser(server.url).login(password="a completely new one").status_code == 401
