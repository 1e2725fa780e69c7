"""Files that come with events: durable when acknowledged, found at their event, never run by a browser, gone with what they
belong to."""
import json
import os
import secrets
import subprocess
import time
import uuid

import pytest
import requests

from payloads import event
from server import ROOT, Telltale, wait_until

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360606060000000050001a5f6"
                    "45400000000049454e44ae426082".replace(" ", ""))
HTML = b"<!doctype html><script>document.title = 'run'</script>"


def item(kind, payload, **headers) -> bytes:
    head = {"type": kind, "length": len(payload), **headers}
    return json.dumps(head).encode() + b"\n" + payload + b"\n"


def with_files(event, *items, kind="event") -> bytes:
    return (json.dumps({"event_id": event["event_id"]}).encode() + b"\n" + item(kind, json.dumps(event).encode()) + b"".join(items))


def attachment(payload, name, **headers):
    return item("attachment", payload, filename=name, **headers)


def listed(api, event_id, **params):
    return api.get("/api/telltale/v1/attachments", event_id=event_id, **params)["attachments"]


def all_of(api, event_id, count):
    return wait_until(lambda: (f := listed(api, event_id)) and len(f) == count and f, what="all files")


def content(server, attachment, **params):
    return server.api.http.get(f"{server.url}/api/telltale/v1/attachments/{attachment['id']}/content", params=params, timeout=30)


def test_files_of_an_event(module_server):
    api, error = module_server.api, event("with files")
    log = b"line\n" * 200_000
    binary = secrets.token_bytes(3_000_001)
    body = with_files(error, attachment(log, "app.log", content_type="text/plain"),
                      attachment(binary, "core dump ä\"/..\\.bin", content_type="application/x-core"),
                      attachment(PNG, "screen.png", content_type="image/png"),
                      attachment(HTML, "page.html", content_type="text/html"),
                      attachment(json.dumps({"windows": [{"type": "Login", "password": "hunter2"}]}).encode(), "view-hierarchy.json",
                                 content_type="application/json", attachment_type="event.view_hierarchy"))
    assert api.send_envelope(body).json() == {"id": error["event_id"]}
    files = {f["name"]: f for f in all_of(api, error["event_id"], 5)}
    assert files["app.log"]["size"] == len(log) and files["screen.png"]["image"] and not files["page.html"]["image"]
    assert files["view-hierarchy.json"]["kind"] == "event.view_hierarchy"
    assert listed(api, str(uuid.UUID(error["event_id"]))) and listed(api, error["event_id"], kind="event.view_hierarchy")[0]["name"] == "view-hierarchy.json"
    assert content(module_server, files["app.log"]).content == log
    named = next(f for name, f in files.items() if name.startswith("core"))
    answer = content(module_server, named)
    assert answer.content == binary
    assert "filename*=UTF-8''core%20dump%20%C3%A4" in answer.headers["Content-Disposition"]
    assert "hunter2" not in content(module_server, files["view-hierarchy.json"]).text
    # The row knows nothing of its files' bytes; the issue's event leads to them by its id.
    row = wait_until(lambda: api.rows("errors", event_id=error["event_id"]), what="the event")[0]
    assert row["message"].endswith("with files")
    # The same again is there once.
    assert api.send_envelope(body).ok and api.send_envelope(with_files(event("other"), attachment(b"x", "o.txt"))).ok
    wait_until(lambda: api.rows("errors", query="other"), what="what was sent later")
    assert len(listed(api, error["event_id"])) == 5


def test_texts_are_masked_whatever_they_are_written_in(module_server):
    api, error = module_server.api, event("texts")
    secret = "password=hunter2secret"
    cut = ("ä" + secret + "\n").encode()[1:] + b"caf\xe9\n"  # begins in the middle of a character
    body = with_files(error, attachment(cut, "tail.log"), attachment(("\ufeff" + secret + " ä😀").encode("utf-16-le"), "little.txt"),
                      attachment(("\ufeff" + secret).encode("utf-16-be"), "big.txt"), attachment(b"caf\xe9 ol\xe9", "latin.txt"))
    assert api.send_envelope(body).ok
    files = {f["name"]: content(module_server, f).content for f in all_of(api, error["event_id"], 4)}
    for name, kept in files.items():
        assert b"hunter2" not in kept.replace(b"\0", b""), name
    assert "ä😀" in files["little.txt"].decode() and files["latin.txt"] == b"caf\xe9 ol\xe9", "what holds no secret stays as it came"


def test_nothing_that_was_sent_runs(module_server):
    api, error = module_server.api, event("hostile files")
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    assert api.send_envelope(with_files(
        error, attachment(HTML, "a.html", content_type="text/html"), attachment(svg, "b.svg", content_type="image/svg+xml"),
        attachment(PNG, "c.png", content_type="image/png"), attachment(HTML, "d.png", content_type="image/png"),
        attachment(b"x", "e\r\nSet-Cookie: a=b.txt", content_type="text/html\r\nX: y"))).ok
    files = all_of(api, error["event_id"], 5)
    for file in files:
        for params in ({}, {"inline": "true"}):
            answer = content(module_server, file, **params)
            shown = params and file["name"].endswith(".png")
            assert answer.headers["Content-Type"] == ("image/png" if shown else "application/octet-stream")
            assert answer.headers["Content-Disposition"].startswith("inline;" if shown else "attachment;")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer.headers["Content-Security-Policy"] and "Set-Cookie" not in answer.headers
    assert requests.get(f"{module_server.url}/api/telltale/v1/attachments/{files[0]['id']}/content", timeout=10).status_code == 401


def test_profiles(module_server):
    api, transaction, profiler = module_server.api, secrets.token_hex(16), secrets.token_hex(16)
    trace = secrets.token_hex(16)
    profile = {"event_id": secrets.token_hex(16), "platform": "python", "version": "1", "profile": {"samples": [], "frames": []},
               "transaction": {"id": transaction, "trace_id": trace, "name": "nightly"}}
    chunk = {"profiler_id": profiler, "chunk_id": secrets.token_hex(16), "platform": "node", "version": "2", "profile": {"samples": []}}
    body = (json.dumps({"event_id": transaction}).encode() + b"\n" + item("profile", json.dumps(profile).encode()) +
            item("profile_chunk", json.dumps(chunk).encode()))
    assert api.send_envelope(body).ok
    kept = wait_until(lambda: listed(api, transaction), what="the profile")[0]
    assert (kept["kind"], kept["trace_id"]) == ("profile", trace)
    assert content(module_server, kept).json() == profile
    assert api.get("/api/telltale/v1/attachments", trace_id=trace)["attachments"][0]["id"] == kept["id"]
    assert listed(api, profiler)[0]["kind"] == "profile_chunk"
    # A profiler goes on for hours: its chunks are not the files of one event.
    for i in range(40):
        assert api.send_envelope(b"{}\n" + item("profile_chunk", json.dumps({**chunk, "chunk_id": "%032x" % i}).encode())).ok
    wait_until(lambda: len(listed(api, profiler, limit=100)) == 41, what="all chunks")


def test_a_minidump_is_kept_as_one(module_server):
    api, dump = module_server.api, b"MDMP" + secrets.token_bytes(50_000)
    url = f"{module_server.url}/api/1/minidump/?sentry_key={module_server.dsn_key}"
    form = {"sentry": json.dumps({"release": "game@1.2.3", "tags": {"gpu": "fast"}}), "sentry[environment]": "staging", "guid": "a-b-c"}
    answer = requests.post(url, data=form, files={"upload_file_minidump": ("crash.dmp", dump), "log": ("game.log", b"the end")}, timeout=30)
    assert answer.status_code == 200, answer.text
    event_id = uuid.UUID(answer.text).hex
    row = wait_until(lambda: api.rows("errors", event_id=event_id), what="the crash")[0]
    assert (row["release"], row["environment"], row["level"], row["attributes"]["gpu"]) == ("game@1.2.3", "staging", "fatal", "fast")
    assert row["message"].startswith("Minidump")
    files = {f["kind"]: f for f in listed(api, event_id)}
    assert set(files) == {"event.minidump", "event.attachment"}
    assert content(module_server, files["event.minidump"]).content == dump
    answer = requests.post(f"{module_server.url}/api/1/events/{event_id}/attachments/?sentry_key={module_server.dsn_key}",
                           files={"f": ("later.txt", b"came later")}, timeout=30)
    assert answer.status_code == 201, answer.text
    wait_until(lambda: "later.txt" in {f["name"] for f in listed(api, event_id)}, what="the later file")
    for files, why in [({"upload_file_minidump": ("x", b"no dump")}, "upload_file_minidump"), ({"other": ("x", b"MDMP")}, "missing")]:
        bad = requests.post(url, files=files, timeout=30)
        assert bad.status_code == 400 and why in bad.json()["detail"]
    assert "boundary" in requests.post(url, data=b"x", headers={"Content-Type": "multipart/form-data"}, timeout=30).json()["detail"]
    assert requests.post(f"{module_server.url}/api/1/minidump/", files={"upload_file_minidump": ("x", dump)}, timeout=30).status_code in (401, 403)


def test_limits(module_server):
    api, error = module_server.api, event("many files")
    body = with_files(error, *[attachment(b"%d" % i, f"{i}.txt") for i in range(31)])
    assert api.send_envelope(body).ok, "what is good of it counts"
    wait_until(lambda: len(listed(api, error["event_id"])) == 30, what="thirty")
    url = f"{module_server.url}/api/1/events/{error['event_id']}/attachments/?sentry_key={module_server.dsn_key}"
    answer = requests.post(url, files={"f": ("31.txt", b"one more")}, timeout=30)
    assert answer.status_code == 400 and "kMaxEventAttachments" in answer.json()["detail"]
    assert requests.post(url.replace(error["event_id"], "zz"), files={"f": ("a", b"b")}, timeout=30).status_code == 400
    assert api.send_envelope(b"{}\n" + attachment(b"x", "lost.txt")).status_code == 400, "no event is named"


def test_others_see_nothing(module_server):
    api, error = module_server.api, event("private")
    assert api.send_envelope(with_files(error, attachment(b"private", "p.txt"))).ok
    file = wait_until(lambda: listed(api, error["event_id"]), what="it")[0]
    other = api.post("/api/telltale/v1/projects", json={"slug": "files-other", "name": "Other"}).json()["project"]
    secret = api.post("/api/telltale/v1/tokens", json={"name": "files-other", "role": "editor", "project": other["id"]}).json()["secret"]
    head = {"Authorization": f"Bearer {secret}"}
    base = f"{module_server.url}/api/telltale/v1/attachments"
    assert requests.get(base, headers=head, params={"event_id": error["event_id"]}, timeout=10).json()["attachments"] == []
    for method, path in (("GET", "/content"), ("DELETE", "")):
        assert requests.request(method, f"{base}/{file['id']}{path}", headers=head, timeout=10).status_code == 404
    assert api.http.delete(f"{base}/{file['id']}", timeout=10).status_code == 204
    assert listed(api, error["event_id"]) == [] and content(module_server, file).status_code == 404


def blobs(server):
    return sorted(p.name for p in (server.data_dir / "attachments").iterdir())


def test_acknowledged_files_survive_a_kill(make_server):
    server = make_server()
    kept = {}
    for i in range(10):
        error, payload = event(f"killed {i}"), secrets.token_bytes(100_000)
        assert server.api.send_envelope(with_files(error, attachment(payload, "f.bin"))).ok
        kept[error["event_id"]] = payload
    server.kill()
    (server.data_dir / "attachments" / ("0" * 31 + "1.blob")).write_bytes(b"half written")
    (server.data_dir / "attachments" / ("0" * 31 + "2.blob.tmp")).write_bytes(b"half written")
    server.start()
    for event_id, payload in kept.items():
        [file] = listed(server.api, event_id)
        assert content(server, file).content == payload
    assert len(blobs(server)) == 10, "what no event names is gone"
    # The journal carries names, not bytes.
    journal = sum(f.stat().st_size for f in (server.data_dir / "journal").iterdir())
    assert journal < 100_000, journal


def test_all_files_of_a_person_go(make_server):
    """Those of errors, of transactions, of feedback; nobody else's."""
    server, mark = make_server(), "ann" + secrets.token_hex(8)
    for who in (mark, "bob"):
        error = event(f"boom of {who}", user={"id": who})
        trace = {"trace_id": secrets.token_hex(16), "span_id": secrets.token_hex(8), "op": "http.server"}
        transaction = {"event_id": secrets.token_hex(16), "type": "transaction", "transaction": f"/of/{who}", "user": {"id": who}, "platform": "python",
                       "start_timestamp": time.time() - 1, "timestamp": time.time(), "contexts": {"trace": trace}, "spans": [
                           {"trace_id": trace["trace_id"], "span_id": secrets.token_hex(8), "start_timestamp": time.time() - 1, "timestamp": time.time()}]}
        feedback = {"event_id": secrets.token_hex(16), "timestamp": time.time(), "user": {"id": who},
                    "contexts": {"feedback": {"message": f"{who} is unhappy", "contact_email": f"{who}@example.com"}}}
        for kind, body in (("event", error), ("transaction", transaction), ("feedback", feedback)):
            files = with_files(body, attachment(f"{kind} of {who}".encode() * 50, f"{kind}.txt"), kind=kind)
            assert server.api.send_envelope(files).ok
    names = lambda: sorted(f["name"] for f in server.api.get("/api/telltale/v1/attachments")["attachments"])
    wait_until(lambda: len(names()) == 6 and server.api.rows("spans") and server.api.get("/api/telltale/v1/feedback")["total"] == 2, what="all of them")
    done = server.api.http.delete(server.url + "/api/telltale/v1/persons", params={"user_id": mark}, timeout=60).json()
    assert (done["errors"], done["feedback"]) == (1, 1) and done["spans"] >= 1, done
    assert names() == ["event.txt", "feedback.txt", "transaction.txt"] and len(blobs(server)) == 3
    assert all(b"bob" in content(server, f).content for f in server.api.get("/api/telltale/v1/attachments")["attachments"])


def test_gone_with_the_person_and_in_backups(make_server, tmp_path):
    server, mark = make_server(), "ann" + secrets.token_hex(8)
    for who in (mark, "bob"):
        error = event(f"boom of {who}", user={"id": who})
        assert server.api.send_envelope(with_files(error, attachment(f"diary of {who}".encode() * 100, "diary.txt"))).ok
    wait_until(lambda: len(server.api.rows("errors")) == 2, what="both")
    target = tmp_path / "backup"
    assert server.api.post("/api/telltale/v1/backup", params={"directory": str(target)}).ok
    assert len(list((target / "attachments").iterdir())) == 2
    assert server.api.http.delete(server.url + "/api/telltale/v1/persons", params={"user_id": mark}, timeout=60).ok
    [left] = server.api.get("/api/telltale/v1/attachments")["attachments"]
    assert b"bob" in content(server, left).content and len(blobs(server)) == 1
    server.stop()
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    restored = tmp_path / "restored"
    assert subprocess.run([binary, "restore", str(target), "--data-dir", str(restored)], capture_output=True, timeout=60).returncode == 0
    verify = lambda: subprocess.run([binary, "verify", "--data-dir", str(restored)], capture_output=True, text=True, timeout=60)
    assert verify().returncode == 0, verify().stdout
    damaged = next((restored / "attachments").iterdir())
    raw = bytearray(damaged.read_bytes())
    raw[40] ^= 1
    damaged.write_bytes(raw)
    broken = verify()
    assert broken.returncode != 0 and damaged.name in broken.stdout + broken.stderr
