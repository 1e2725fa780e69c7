"""Followed files under load: rotated by logrotate, the server killed; every line arrives, none twice."""
import random
import re
import secrets
import subprocess
import threading
import time
from collections import Counter

import pytest

from server import Telltale, wait_until

LINE = re.compile(r"n=(\d+)")
SECONDS = 14


class Writer(threading.Thread):
    """Appends numbered lines as a program does that opens its file again after a rotation, or never."""

    def __init__(self, path, reopen):
        super().__init__(daemon=True)
        self.path, self.reopen = path, reopen
        self.lock, self.ending, self.count = threading.Lock(), threading.Event(), 0
        self.file = open(path, "a")

    def run(self):
        while not self.ending.is_set():
            with self.lock:
                for _ in range(20):
                    self.file.write(f"level=info msg=\"a line of the followed file\" n={self.count} part=p{self.count // 1000}e\n")
                    self.count += 1
                self.file.flush()
            time.sleep(0.04)

    def rotate(self, config, state):
        # copytruncate has a gap of its own between copy and cut: nothing is written meanwhile, as its manual advises.
        with self.lock:
            subprocess.run(["/usr/sbin/logrotate", "-f", "-s", state, config], check=True)
            if self.reopen:
                self.file = open(self.path, "a")


@pytest.mark.parametrize("how", ["create", "copytruncate"])
def test_no_line_is_lost_or_doubled(tmp_path, how):
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o755)
    path = logs / "shop.log"
    config = tmp_path / "rotate.conf"
    config.write_text(f"{path} {{\n  rotate 50\n  {how}\n  missingok\n}}\n")
    config.chmod(0o644)
    settings = tmp_path / "telltale.yml"
    # Copies match as well: on a busy machine there may be two rotations between two looks.
    globs = f"'{logs}/*.log'" + (f", '{logs}/*.log.*'" if how == "copytruncate" else "")
    settings.write_text(f"files:\n- {{paths: [{globs}], labels: {{service: followed}}}}\n")
    server = Telltale(tmp_path, ["--config", str(settings)])
    writer = Writer(path, reopen=how == "create")
    writer.start()
    server.start()
    seed = secrets.randbits(32)
    rng = random.Random(seed)
    try:
        until = time.monotonic() + SECONDS
        next_kill = time.monotonic() + 4
        while time.monotonic() < until:
            time.sleep(rng.uniform(2, 3))  # the follower looks for new files once a second
            writer.rotate(config, tmp_path / "rotate.state")
            if time.monotonic() > next_kill:
                server.kill()
                time.sleep(rng.uniform(0, 0.5))
                server.start()
                next_kill = time.monotonic() + 4
        writer.ending.set()
        writer.join()
        total = writer.count
        seen = wait_until(lambda: (c := counted(server, total)) and len(c) == total and c, 40, what=f"{total} lines, seed {seed}")
        time.sleep(1.5)  # what comes twice comes late
        seen = counted(server, total)
        twice = sorted(int(n) for n, times in seen.items() if times > 1)
        assert len(seen) == total, f"seed {seed}"
        assert not twice, f"seed {seed}: {len(twice)} of {total} lines twice, {twice[0]} to {twice[-1]}"
        row = server.api.rows("logs", limit=1)[0]
        assert row["service"] == "followed" and row["attributes"]["filename"].startswith(str(logs))
    finally:
        writer.ending.set()
        server.stop()


def counted(server, total):
    """How often each number arrived, asked for a thousand at a time."""
    seen = Counter()
    for part in range(total // 1000 + 1):
        for row in server.api.rows("logs", query=f"part=p{part}e"):
            seen[LINE.search(row["message"]).group(1)] += 1
    return seen
