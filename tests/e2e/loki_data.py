"""Logs of one small shop, pushed as Loki's shippers push them, and Loki's API as Grafana calls it."""
import json
import secrets
import time

from server import wait_until

LOKI = "/loki/api/v1"


class Shop:
    """Lines of two services over the last ten minutes, under labels nobody else has."""

    def __init__(self, api):
        self.api = api
        self.mark = secrets.token_hex(4)
        self.web, self.pay = f"web-{self.mark}", f"pay-{self.mark}"
        self.now = time.time_ns() // 10**9 * 10**9
        self.web_lines = [(self.at(600 - 5 * i), self.web_line(i)) for i in range(120)]
        self.pay_lines = [(self.at(600 - 10 * i), f'level={"error" if i % 4 == 0 else "info"} msg="charge card" amount={i}.5 took={i}ms size={i}KB ok={str(i % 2 == 0).lower()} user=u{i % 3}')
                          for i in range(60)]
        self.push({"service_name": self.web, "env": "prod", "pod": "web-1"}, [(t, line, {"trace": f"t{i}"}) for i, (t, line) in enumerate(self.web_lines)])
        self.push({"service_name": self.pay, "env": "prod", "zone": "eu"}, [(t, line, {}) for t, line in self.pay_lines])
        wait_until(lambda: self.count() == 180, what="180 lines")

    def at(self, seconds_ago: float) -> int:
        return self.now - int(seconds_ago * 10**9)

    @staticmethod
    def web_line(i: int) -> str:
        return json.dumps({"level": "warn" if i % 10 == 0 else "info", "message": f"GET /cart/{i} done", "status": 500 if i % 10 == 0 else 200,
                           "took_s": i / 8, "req": {"id": f"r-{i}", "ok": i % 2 == 0}, "tags": ["a", "b"]})

    @property
    def both(self) -> str:
        return f'{{service_name=~"(web|pay)-{self.mark}"}}'

    def push(self, labels, entries) -> None:
        values = [[str(t), line, meta] if meta else [str(t), line] for t, line, meta in entries]
        answer = self.api.post(f"{LOKI}/push", json={"streams": [{"stream": labels, "values": values}]})
        assert answer.status_code == 204, answer.text

    def window(self) -> dict:
        return {"start": str(self.at(660)), "end": str(self.now + 10**9)}

    def get(self, path: str, **params):
        return self.api.get(f"{LOKI}/{path}", **{**self.window(), **params})

    def raw(self, path: str, headers=None, **params):
        return self.api.http.get(self.api.server.url + f"{LOKI}/{path}", params=params, headers=headers, timeout=30)

    def count(self) -> int:
        return sum(len(self.api.rows("logs", service=service)) for service in (self.web, self.pay))
