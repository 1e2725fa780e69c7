"""The server's own description of its API, as a judge of its answers."""
import re

import requests
from jsonschema import Draft202012Validator

PREFIX = "/api/telltale/v1/"


class ApiDocument:
    def __init__(self, url: str):
        answer = requests.get(url + PREFIX + "openapi.json", timeout=10)
        assert answer.status_code == 200, answer.text
        self.document = answer.json()

    def operations(self):
        """(method, path, operation) of each."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def _resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def path_of(self, path: str) -> str:
        """The described path that a real one belongs to; the most literal one."""
        found = [known for known in self.document["paths"]
                 if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", known), path)]
        assert found, f"{path} is not described"
        return min(found, key=lambda known: known.count("{"))

    def check(self, answer: requests.Response):
        """Fails unless the answer is one the document promises; returns its JSON."""
        where = requests.utils.urlparse(answer.url).path
        method = answer.request.method
        known = self.document["paths"][self.path_of(where)]
        assert method.lower() in known, f"{method} {where} is not described"
        responses = known[method.lower()]["responses"]
        context = f"{method} {where} -> {answer.status_code}: {answer.text[:300]}"
        assert str(answer.status_code) in responses, "undescribed status: " + context
        content = self._resolve(responses[str(answer.status_code)]).get("content")
        if content is None:
            assert not answer.content, "a body was not described: " + context
            return None
        assert answer.headers["Content-Type"].startswith("application/json"), context
        schema = {**content["application/json"]["schema"], "components": self.document["components"]}
        problems = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                    for e in Draft202012Validator(schema).iter_errors(answer.json())]
        assert not problems, context + "\n" + "\n".join(problems[:5])
        return answer.json()
