"""The web UI's files as a browser gets them: one page for every path, hashed files for good, headers on everything."""
import html
import json
import re

import pytest
import requests

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'{}; img-src 'self' data:; connect-src 'self'; "
          "font-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
          "require-trusted-types-for 'script'")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGE = ('<!doctype html><html><head><title>T</title><script type="module" src="/assets/app-1a2b.js"></script></head>'
        '<body></body></html>')


@pytest.fixture
def dist(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "app-1a2b.js").write_text("console.log(1);" * 200)
    (folder / ".secret").write_text("no")
    (tmp_path / "outside.txt").write_text("no")
    return folder


def nonce_of(answer):
    return re.search(r'<meta name="csp-nonce" content="([A-Za-z0-9+/=]{16,})">', answer.text).group(1)


def test_the_page_is_served_for_every_path_a_browser_opens(make_server, dist):
    server = make_server(["--ui-dir", str(dist)])
    nonces = set()
    for path in ("/", "/index.html", "/issues/5", "/metrics", "/some/where?a=1"):
        page = requests.get(server.url + path, headers=BROWSER, timeout=10)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"), path
        assert page.headers["Cache-Control"] == "no-cache" and "/assets/app-1a2b.js" in page.text
        nonce = nonce_of(page)
        assert page.headers["Content-Security-Policy"] == POLICY.format(f" 'nonce-{nonce}'")
        nonces.add(nonce)
    assert len(nonces) == 5
    # What is no page stays an error, and what an API has stays the API's.
    assert requests.get(server.url + "/nothing", timeout=10).status_code == 404
    assert requests.get(server.url + "/api/telltale/v1/nothing", headers=BROWSER, timeout=10).status_code == 404
    assert requests.get(server.url + "/assets/gone-1.js", headers=BROWSER, timeout=10).status_code == 404
    assert requests.post(server.url + "/issues/5", headers=BROWSER, timeout=10).status_code == 404
    assert server.api.http.get(server.url + "/metrics", timeout=10).text.startswith("#")


def test_the_page_knows_who_is_signed_in(make_server, dist):
    server = make_server(["--ui-dir", str(dist)])
    name = 'Ada "O\'Neil" <script>&amp;'
    person = {"email": "ada@example.com", "name": name, "role": "admin", "password": "a long walk by the sea"}
    assert server.api.post("/api/telltale/v1/users", json=person).status_code == 201
    browser = requests.Session()
    browser.headers.update(BROWSER)
    assert 'name="session"' not in browser.get(server.url + "/logs", timeout=10).text
    login = browser.post(server.url + "/api/telltale/v1/auth/login", json={k: person[k] for k in ("email", "password")},
                         headers={"X-Telltale": "1", "Origin": server.url}, timeout=30)
    assert login.ok, login.text
    page = browser.get(server.url + "/logs", timeout=10)
    assert page.headers["Cache-Control"] == "private, no-cache" and "<script>&" not in page.text
    told = json.loads(html.unescape(re.search(r'<meta name="session" content="([^"]*)">', page.text).group(1)))
    assert told == browser.get(server.url + "/api/telltale/v1/auth/session", timeout=10).json()
    assert told["user"]["name"] == name
    # A cookie that is worth nothing, and a session that is over, tell nothing.
    stale = dict(browser.cookies)
    assert browser.post(server.url + "/api/telltale/v1/auth/logout", headers={"X-Telltale": "1", "Origin": server.url}, timeout=10).ok
    for cookies in (stale, {"telltale_session": "0" * 64}):
        assert 'name="session"' not in requests.get(server.url + "/", headers=BROWSER, cookies=cookies, timeout=10).text


def test_files_come_with_their_type_and_stay_inside_their_folder(make_server, dist):
    server = make_server(["--ui-dir", str(dist)])
    script = requests.get(server.url + "/assets/app-1a2b.js", timeout=10)
    assert script.status_code == 200 and script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script.headers["Content-Encoding"] in ("gzip", "br") and script.text.startswith("console.log")
    (dist / "assets" / "app-1a2b.js").write_text("changed")
    assert requests.get(server.url + "/assets/app-1a2b.js", timeout=10).text == "changed"
    for path in ("/.secret", "/assets/../../outside.txt", "/assets/%2e%2e/%2e%2e/outside.txt", "/assets", "//etc/passwd"):
        request = requests.Request("GET", server.url).prepare()
        request.url = server.url + path
        answer = requests.Session().send(request, timeout=10)
        assert answer.status_code in (400, 404), f"{path}: {answer.status_code} {answer.text[:80]}"


def test_every_answer_has_the_headers(make_server, dist):
    server = make_server(["--ui-dir", str(dist)])
    for path in ("/", "/assets/app-1a2b.js", "/nothing", "/-/ready", "/api/telltale/v1/openapi.json", "/api/v1/query", "/metrics"):
        headers = requests.get(server.url + path, timeout=10).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert re.sub(r" 'nonce-[^']*'", "", headers["Content-Security-Policy"]) == POLICY.format(""), path
        assert "Strict-Transport-Security" not in headers
    assert requests.get(server.url + "/api/v1/query", timeout=10).headers["Cache-Control"] == "no-store"


def test_a_path_prefix(make_server, dist):
    server = make_server(["--ui-dir", str(dist), "--server.external_url", "https://example.com/telltale/"])
    page = requests.get(server.url + "/telltale/issues", headers=BROWSER, timeout=10)
    assert '<meta name="base-path" content="/telltale">' in page.text and 'src="/telltale/assets/app-1a2b.js"' in page.text
    assert requests.get(server.url + "/telltale/assets/app-1a2b.js", timeout=10).status_code == 200
    assert requests.get(server.url + "/telltale/-/ready", timeout=10).status_code == 200


def test_the_binarys_own_files(module_server):
    page = requests.get(module_server.url + "/", headers=BROWSER, timeout=10)
    assert page.status_code == 200
    if page.headers["Content-Type"].startswith("text/plain"):
        assert "npm" in page.text  # built without the UI: says how to get it
        return
    names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
    assert names
    for name in names:
        plain = requests.get(module_server.url + name, headers={"Accept-Encoding": "identity"}, timeout=10)
        packed = requests.get(module_server.url + name, headers={"Accept-Encoding": "gzip"}, timeout=10)
        assert plain.status_code == 200 and plain.content == packed.content, name
        assert "immutable" in plain.headers["Cache-Control"]
        again = requests.get(module_server.url + name, headers={"If-None-Match": plain.headers["ETag"], "Accept-Encoding": "identity"},
                             timeout=10)
        assert again.status_code == 304 and not again.content and again.headers["ETag"] == plain.headers["ETag"]
