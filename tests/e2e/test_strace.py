"""Durability as the kernel sees it: every 2xx answer to a write leaves after the data reached a file and that file was synced."""
import re
import shutil
import subprocess
import time

import pytest

from payloads import envelope, event, span
from server import wait_until

CALLS = "read,recvfrom,recvmsg,readv,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync"
LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<rest>.*)$")
CALL = re.compile(r"^(?P<name>\w+)\((?P<fd>\d+)<(?P<path>.*?)>(?P<args>.*)$")
RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<args>.*)$")
WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2"}
SYNCS = {"fsync", "fdatasync"}


def parse(text: str) -> list[dict]:
    """Calls with the line numbers where they began and ended; interrupted lines of threads are joined."""
    calls, open_calls = [], {}
    for number, line in enumerate(text.splitlines()):
        match = LINE.match(line)
        if not match:
            continue
        rest = match["rest"]
        resumed = RESUMED.match(rest)
        if resumed:
            call = open_calls.pop(match["pid"], None)
            if call:
                call["end"], call["args"] = number, call["args"] + resumed["args"]
            continue
        begun = CALL.match(rest)
        if not begun:
            continue
        call = {"name": begun["name"], "path": begun["path"], "args": begun["args"], "begin": number, "end": number}
        if rest.endswith("<unfinished ...>"):
            call["end"] = None
            open_calls[match["pid"]] = call
        calls.append(call)
    return [call for call in calls if call["end"] is not None]


def synced_between(calls, begin, end, folder) -> bool:
    """A file below `folder` was written and then synced, both wholly between the two line numbers."""
    inside = [c for c in calls if c["begin"] > begin and c["end"] < end and c["path"].startswith(folder)]
    return any(w["name"] in WRITES and s["name"] in SYNCS and s["path"] == w["path"] and s["begin"] > w["end"]
               and "= -1" not in s["args"] for w in inside for s in inside)


def test_the_parser_on_a_known_trace():
    text = ("10 read(5<socket:[1]>, \"POST /a\", 99) = 7\n11 pwrite64(7</d/journal>, \"x\", 1, 0 <unfinished ...>\n"
            "10 read(5<socket:[1]>, \"\", 9) = 0\n11 <... pwrite64 resumed>) = 1\n11 fdatasync(7</d/journal>) = 0\n"
            "10 sendmsg(5<socket:[1]>, \"HTTP/1.1 200\") = 9\n")
    calls = parse(text)
    assert synced_between(calls, 0, 5, "/d/") and not synced_between(calls, 0, 4, "/d/")
    assert not synced_between(calls, 2, 5, "/d/") and not synced_between(calls, 0, 5, "/other/")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_every_acknowledgement_follows_a_sync(make_server, tmp_path):
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, timeout=10).returncode:
        pytest.skip("tracing processes is not permitted here")
    trace = tmp_path / "trace"
    server = make_server(prefix=["strace", "-f", "-y", "-s", "4000", "-o", str(trace), "-e", "trace=" + CALLS])
    api = server.api
    api.rows("logs")  # opens what is opened once
    for i in range(20):
        marker = f"mark-{i}-"
        if i % 3 == 0:
            payload = event(marker)
            answer = api.send_envelope(envelope(("event", payload), event_id=payload["event_id"]), headers={"X-Mark": marker})
        elif i % 3 == 1:
            answer = api.post("/loki/api/v1/push", headers={"X-Mark": marker},
                              json={"streams": [{"stream": {"service": "s"}, "values": [[str(time.time_ns()), marker]]}]})
        else:
            answer = api.post("/v1/traces", headers={"X-Mark": marker}, json={"resourceSpans": [{"scopeSpans": [{"spans": [span(marker)]}]}]})
        assert answer.status_code in (200, 204), answer.text
    server.stop()
    calls = parse(wait_until(lambda: trace.read_text(errors="replace"), what="the trace"))
    unsynced = []
    for i in range(20):
        asked = next(c for c in calls if f"X-Mark: mark-{i}-" in c["args"] and c["path"].startswith(("socket:", "TCP")))
        answered = next(c for c in calls if c["begin"] > asked["end"] and c["path"] == asked["path"]
                        and c["name"] in ("sendmsg", "sendto", "write", "writev") and "HTTP/1.1 2" in c["args"])
        if not synced_between(calls, asked["end"], answered["begin"], str(server.data_dir)):
            unsynced.append((i, asked["end"], answered["begin"]))
    assert unsynced == []
