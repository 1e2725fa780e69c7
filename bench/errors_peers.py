"""Bugsink on the same envelopes, set up as it recommends for one machine: gunicorn, its own worker, SQLite. It has a Python
environment of its own, installed from PyPI at the first use."""
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from logs_peers import Peer, free_port

VERSIONS = {}
INSTALL = Path("build/bench/bugsink")
REQUIREMENTS = Path(__file__).with_name("requirements-bugsink.txt")
KEY = "5d1e0c1f2a3b4c5d6e7f8091a2b3c4d5"
DIGEST_TIMEOUT_S = 900
QUOTAS = [f"MAX_EVENTS{whose}_PER_{time}" for whose in ("", "_PER_PROJECT") for time in ("5_MINUTES", "HOUR", "MONTH")]
TARGET = 50  # times its events a second


def installed() -> Path:
    """The folder of its programs."""
    done, programs = INSTALL / ".installed", INSTALL / "bin"
    if not done.exists() or done.read_text() != REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(INSTALL)], check=True)
        got = subprocess.run([str(programs / "pip"), "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
                             capture_output=True, text=True)
        if got.returncode != 0:
            raise RuntimeError("pip: " + got.stderr.strip()[-500:])
        done.write_text(REQUIREMENTS.read_text())
    return programs.resolve()


def run(programs: Path, home: Path, env: dict, name: str, *arguments: str) -> str:
    got = subprocess.run([str(programs / name), *arguments], cwd=home, env=env, capture_output=True, text=True)
    if got.returncode != 0:
        raise RuntimeError(f"{name} {arguments[0]}: {(got.stderr + got.stdout).strip()[-500:]}")
    return got.stdout


def set_up(programs: Path, home: Path, port: int) -> dict:
    """Its own template of settings; what is changed is where it listens, that it calls nobody, and that it takes what comes: as
    delivered it refuses more than 1,000 events in five minutes."""
    env = dict(os.environ, PYTHONPATH=str(home), DJANGO_SETTINGS_MODULE="bugsink_conf")
    run(programs, home, env, "bugsink-create-conf", "--template=singleserver", "--host=127.0.0.1", f"--port={port}",
        f"--base-dir={home}", f"--output-file={home / 'bugsink_conf.py'}")
    with open(home / "bugsink_conf.py", "a") as conf:
        conf.write(f'\nBUGSINK["BASE_URL"] = "http://127.0.0.1:{port}"\nBUGSINK["PHONEHOME"] = False\n'
                   'ALLOWED_HOSTS = ["*"]\n')
        conf.write("".join(f'BUGSINK["{limit}"] = 10**9\n' for limit in QUOTAS))
    run(programs, home, env, "bugsink-manage", "migrate")
    run(programs, home, env, "bugsink-manage", "migrate", "snappea", "--database=snappea")
    run(programs, home, env, "bugsink-manage", "shell", "-c",
        f"from projects.models import Project; Project.objects.create(name='bench', sentry_key='{KEY}')")
    return env


def digested(home: Path) -> int:
    database = sqlite3.connect(f"file:{home / 'db.sqlite3'}?mode=ro", uri=True, timeout=30)
    try:
        return database.execute("SELECT digested_event_count FROM projects_project").fetchone()[0]
    finally:
        database.close()


def children_cpu(pid: int) -> float:
    """Of a process and of its children, by the kernel's table."""
    ticks, tree = 0, {pid}
    for status in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda p: int(p.parent.name)):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        number = int(status.parent.name)
        if number in tree or int(fields[1]) in tree:
            tree.add(number)
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def bugsink(args, data, envelopes: Path, speed: float, folder: Path, report) -> None:
    try:
        measure(args, data, envelopes, speed, folder, report)
    except (OSError, RuntimeError, subprocess.SubprocessError, sqlite3.Error) as problem:
        print(f"  Bugsink: not measured: {problem}")
        report.missed += 1


def measure(args, data, envelopes: Path, speed: float, folder: Path, report) -> None:
    programs, home, port = installed(), folder / "bugsink", free_port()
    home.mkdir()
    VERSIONS["bugsink"] = run(programs, home, dict(os.environ), "pip", "freeze").replace("\n", " ")
    env = set_up(programs, home, port)
    worker = subprocess.Popen([str(programs / "bugsink-runsnappea")], cwd=home, env=env, stdout=subprocess.DEVNULL,
                              stderr=open(home / "snappea.log", "wb"))
    web = None
    try:
        web = Peer([str(programs / "gunicorn"), f"--bind=127.0.0.1:{port}", f"--workers={os.cpu_count()}", f"--chdir={home}",
                    f"--env=PYTHONPATH={home}", "--env=DJANGO_SETTINGS_MODULE=bugsink_conf", "bugsink.wsgi"], port,
                   "/health/ready", home / "gunicorn.log")
        events = args.peer_events
        before, begin = children_cpu(web.process.pid) + children_cpu(worker.pid), time.monotonic()
        sent = data.replay(envelopes, port, KEY, "--connections", 8, "--take", events)
        acknowledged, deadline = time.monotonic(), time.monotonic() + DIGEST_TIMEOUT_S
        while (done := digested(home)) < sent["accepted"] and time.monotonic() < deadline:
            time.sleep(0.2)
        wall = time.monotonic() - begin
        cpu = children_cpu(web.process.pid) + children_cpu(worker.pid) - before
        report.add("Bugsink: events a second, acknowledged (not digested)", sent["accepted"] / (acknowledged - begin), "1/s")
        report.add("Bugsink: events a second, digested", done / wall, "1/s")
        report.add("Bugsink: CPU an event", cpu / max(done, 1) * 1e6, "us")
        report.same("Bugsink: events digested = accepted", done, sent["accepted"])
        report.add("telltale's events a second, against Bugsink", speed / (done / wall), "x", TARGET, at_least=True)
    finally:
        if web is not None:
            web.end()
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(60)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()

