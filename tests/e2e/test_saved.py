"""Searches that people keep: one's own, and those that are shared; told apart by who asks."""
import pytest
import requests

from api_document import PREFIX, ApiDocument

PASSWORD = "a long walk by the sea"


class Person:
    def __init__(self, server, email: str, role: str):
        made = server.api.post(PREFIX + "users", json={"email": email, "name": email.split("@")[0], "role": role, "password": PASSWORD})
        assert made.status_code == 201, made.text
        self.id, self.url, self.http = made.json()["user"]["id"], server.url + PREFIX, requests.Session()
        self.http.headers.update({"X-Telltale": "1", "Origin": server.url})
        assert self.http.post(self.url + "auth/login", json={"email": email, "password": PASSWORD}, timeout=30).ok
        self.document = ApiDocument(server.url)

    def ask(self, method: str, path: str, status: int, **body):
        answer = self.http.request(method, self.url + path, json=body or None, timeout=10)
        found = self.document.check(answer)
        assert answer.status_code == status, f"{method} {path} -> {answer.status_code} {answer.text[:300]}"
        return found

    def names(self):
        return [s["name"] for s in self.ask("GET", "saved-searches", 200)["searches"]]


@pytest.fixture(scope="module")
def people(module_server):
    return [Person(module_server, f"{name}@example.com", role) for name, role in (("ada", "viewer"), ("eve", "editor"), ("root", "admin"))]


def save(person, name, status=201, **more):
    found = person.ask("POST", "saved-searches", status, **{"name": name, "page": "/logs", "params": "where=level%3Derror&q=x", **more})
    return found["search"] if status == 201 else found


def test_saved_searches_are_ones_own_or_shared(module_server, people):
    viewer, editor, admin = people
    own = save(viewer, "mine & <b>only</b>")
    assert own["mine"] and not own["shared"] and own["owner"] == "ada" and own["project"] is None
    assert own["params"] == "where=level%3Derror&q=x" and viewer.names() == ["mine & <b>only</b>"] and editor.names() == []
    save(viewer, "for all", 403, shared=True)  # takes an editor
    shared = save(editor, "for all", shared=True, params="project=1&range=6h")
    assert shared["project"] == 1 and viewer.names() == ["mine & <b>only</b>", "for all"]
    assert [s["mine"] for s in viewer.ask("GET", "saved-searches", 200)["searches"]] == [True, False]
    # Others' searches: what is not shared does not exist, what is shared is changed by its owner or an admin.
    editor.ask("PUT", f"saved-searches/{own['id']}", 404, name="taken")
    editor.ask("DELETE", f"saved-searches/{own['id']}", 404)
    viewer.ask("DELETE", f"saved-searches/{shared['id']}", 403)
    assert editor.ask("PUT", f"saved-searches/{shared['id']}", 200, name="for everybody")["search"]["name"] == "for everybody"
    assert admin.ask("PUT", f"saved-searches/{shared['id']}", 200, shared=True)["search"]["owner"] == "eve"
    viewer.ask("PUT", f"saved-searches/{own['id']}", 403, shared=True)
    for bad in ({"name": ""}, {"name": "x" * 121}, {"page": "/settings"}, {"params": "x" * 9000}, {"page": "javascript:alert(1)"}):
        save(viewer, **{"name": "bad", "status": 400, **bad})
    for missing in ("999999", "0", "01", "x", "-1"):
        answer = viewer.http.delete(viewer.url + "saved-searches/" + missing, timeout=10)
        assert answer.status_code == 404, missing
    # They outlive a restart; a user who goes takes what was not shared along.
    module_server.restart()
    assert viewer.names() == ["mine & <b>only</b>", "for everybody"]
    save(editor, "left behind")
    assert admin.http.delete(f"{admin.url}users/{editor.id}", timeout=10).status_code == 204
    assert viewer.names() == ["mine & <b>only</b>", "for everybody"] and admin.names() == ["for everybody"]
    admin.ask("DELETE", f"saved-searches/{shared['id']}", 204)
    assert viewer.names() == ["mine & <b>only</b>"]
    token = module_server.api.http.get(module_server.url + PREFIX + "saved-searches", timeout=10)
    assert token.status_code == 403  # for people, not for programs


def test_only_so_many(module_server, people):
    viewer = people[0]
    made = 0
    while True:
        answer = viewer.http.post(viewer.url + "saved-searches", json={"name": f"n{made}", "page": "/traces", "params": ""}, timeout=10)
        if answer.status_code != 201:
            break
        made += 1
        assert made <= 200
    assert answer.status_code == 429, answer.text
