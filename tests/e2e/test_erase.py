"""One person's data goes from answers and from the disk, and nobody else's does."""
import os
import secrets
import subprocess

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
    assert users() == [2]
    told = erase(user_id=MARK).json()
    assert (told["logs"], told["errors"], told["issues"]) == (20, 1, 1)
    assert users() == [1]
    assert all(row.get("user_id") != MARK for table in ("logs", "errors") for row in server.api.rows(table))
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    env = {**os.environ, "TELLTALE_URL": server.url, "TELLTALE_TOKEN": server.token}
    done = subprocess.run([binary, "erase", "--email", ADDRESS], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "logs    1\n" in done.stdout, done.stdout + done.stderr
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
