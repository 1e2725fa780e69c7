"""Secrets planted by a careless application are found in no answer and nowhere on the disk."""
import re
import sys

from payloads import envelope, event
from server import ROOT, wait_until

sys.path.insert(0, str(ROOT / "examples" / "stockapp"))
from stockapp.faults import PLANTED_SECRETS  # noqa: E402

EXTRA = {"pem": "MIIEplantedKeyMaterial0123456789abcdefPLANTED", "body_password": "b0dy-planted-pass"}


def variants(secret: str) -> set[str]:
    return {secret, secret.replace(" ", ""), secret.replace("-", "")} if re.fullmatch(r"[\d -]+", secret) else {secret}


def files_with(folder, needle: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_planted_secrets_are_nowhere(make_server, make_stockapp):
    server = make_server()
    app, api = make_stockapp(server), server.api
    user = app.register()
    app.fault("secrets_in_logs")
    login = app.http.post(app.url + "/api/login", json={"email": user["email"], "password": user["password"]}, timeout=30)
    request_id = login.headers["X-Request-ID"]
    planted = event("card 4111 1111 1111 1111 was refused",
                    request={"url": "http://x/pay?api_key=" + PLANTED_SECRETS["aws_key"], "method": "POST",
                             "data": {"password": EXTRA["body_password"]},
                             "headers": {"Authorization": "Bearer " + PLANTED_SECRETS["bearer"]}},
                    extra={"key": "-----BEGIN PRIVATE KEY-----\n" + EXTRA["pem"] + "\n-----END PRIVATE KEY-----"})
    assert api.send_envelope(envelope(("event", planted), event_id=planted["event_id"])).status_code == 200
    api.push_lines([f"password={PLANTED_SECRETS['password']} kept for later"], {"service": "careless"})
    wait_until(lambda: api.rows("errors", query="refused") and api.rows("logs", query="reconnecting")
               and api.rows("logs", service="careless") and len(api.rows("logs", request_id=request_id)) >= 4, what="everything to arrive")

    answers = [api.http.get(server.url + path, params=params, timeout=30).text for path, params in (
        ("/api/telltale/v1/logs", {"limit": 5000}), ("/api/telltale/v1/spans", {"limit": 5000}),
        ("/api/telltale/v1/errors", {"limit": 5000, "payload": "true"}), ("/api/telltale/v1/issues", {"project": 1}),
        ("/api/telltale/v1/related", {"request_id": request_id}))]
    leaks = []
    secrets = {**PLANTED_SECRETS, **EXTRA, "user_password": user["password"]}
    for name, secret in secrets.items():
        for text in variants(secret):
            leaks += [f"{name}: answer {i}" for i, answer in enumerate(answers) if text in answer]
            leaks += [f"{name}: {path}" for path in files_with(server.data_dir, text.encode())]
            leaks += [f"{name}: server's own log"] if text in server.log_path.read_text(errors="replace") else []
    assert leaks == []
    server.stop()
    for name, secret in secrets.items():
        assert not any(files_with(server.data_dir, t.encode()) for t in variants(secret)), f"{name} on disk after a clean stop"
