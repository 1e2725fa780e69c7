"""The web UI in a real browser: the ten main tasks by mouse and by keyboard, axe on every page, and hostile data.

The scenarios are in web/tests/browser; each is a case here. One browser runs all scenarios of a suite against one server.
"""
import contextlib

import pytest

import browser_rig


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Starts each kind of server when it is first asked for, and remembers suites that ran."""
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("browser")
        made, ran = {}, {}

        def results(suite, kind):
            if kind not in made:
                made[kind] = getattr(browser_rig, kind)(stack, folder)
            if not browser_rig.has_ui(made[kind]):
                pytest.skip("this build comes without the web UI")
            if (suite, kind) not in ran:
                ran[suite, kind] = browser_rig.run_suite(suite, made[kind], folder)
            return ran[suite, kind]

        yield results


def check(results, name):
    assert name in results, f"{name} did not run; ran: {list(results)}"
    assert results[name]["ok"], results[name]["error"]


@pytest.mark.parametrize("name", browser_rig.names_of("tasks"))
def test_task(servers, name):
    check(servers("tasks", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("logs"))
def test_log_explorer(servers, name):
    check(servers("logs", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("metrics"))
def test_metrics_explorer(servers, name):
    check(servers("metrics", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("errors"))
def test_errors(servers, name):
    check(servers("errors", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("search"))
def test_search(servers, name):
    check(servers("search", "with_stockapp"), name)
@pytest.mark.parametrize("name", browser_rig.names_of("health"))
def test_health_pages(servers, name):
    check(servers("health", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("quota"))
def test_limits_and_usage(servers, name):
    check(servers("quota", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("bulk"))
def test_more_issues_than_the_list_shows(servers, name):
    check(servers("bulk", "with_many_issues"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("setup"))
def test_first_start(servers, name):
    check(servers("setup", "unclaimed"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("axe"))
def test_axe_with_data(servers, name):
    check(servers("axe", "with_stockapp"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("axe"))
def test_axe_without_data(servers, name):
    check(servers("axe", "empty"), name)


@pytest.mark.parametrize("name", browser_rig.names_of("hostile"))
def test_hostile(servers, name):
    check(servers("hostile", "with_hostile"), name)
