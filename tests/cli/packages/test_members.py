"""Every member of the fixture, against the program."""

import os
import signal
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
from telecomx_local import Server, TelecomxError

PATH = "/pbx/app/mobileconfig"
EMMA = "e00000000000000000000405"


def status(telecomx, path=PATH, token=None):
    request = urllib.request.Request(telecomx.url + path)
    request.add_header("Authorization", f"Bearer {token or telecomx.token('OWNER')}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def delete_emma(telecomx):
    request = urllib.request.Request(f"{telecomx.url}/employee/{EMMA}", method="DELETE")
    request.add_header("Authorization", f"Bearer {telecomx.token('OWNER')}")
    urllib.request.urlopen(request).close()


def has_emma(telecomx):
    return status(telecomx, f"/employee/{EMMA}") == 200


def test_a_token_is_of_a_level_or_of_an_employee(telecomx):
    session = telecomx.session("OWNER")
    assert session.access_level == "OWNER" and session.customer and session.employee
    assert status(telecomx, token=session.token) == 200
    assert telecomx.session(employee=EMMA).employee == EMMA
    with pytest.raises(TelecomxError):
        telecomx.token("BOSS")


def test_a_reset_goes_back_to_the_seed_and_tokens_of_it_stay_good(telecomx):
    delete_emma(telecomx)
    assert not has_emma(telecomx)
    telecomx.reset()
    assert has_emma(telecomx)


def test_a_snapshot_is_gone_back_to(telecomx):
    delete_emma(telecomx)
    telecomx.snapshot("without-emma")
    telecomx.reset()
    assert has_emma(telecomx)
    telecomx.restore("without-emma")
    assert not has_emma(telecomx)
    telecomx.reset()
    telecomx.reset("without-emma")
    assert not has_emma(telecomx)
    with pytest.raises(TelecomxError, match="404"):
        telecomx.restore("another")


def test_faults_are_set_counted_and_removed(telecomx):
    fault = telecomx.faults.add({"status": 503}, method="GET", path=PATH)
    assert status(telecomx) == 503
    assert fault.hits == 1
    assert [one["id"] for one in telecomx.faults.list()] == [fault.id]
    fault.remove()
    assert status(telecomx) == 200
    telecomx.faults.add({"tooMany": 7}, path=PATH)
    assert status(telecomx) == 429
    telecomx.faults.clear()
    assert telecomx.faults.list() == []
    assert status(telecomx) == 200
    with pytest.raises(TelecomxError):
        telecomx.faults.add({"nothing": 1})


def test_the_clock_is_frozen_set_moved_and_run(telecomx):
    christmas = datetime(2026, 12, 24, 18, tzinfo=timezone.utc)
    telecomx.clock.freeze()
    telecomx.clock.set(christmas)
    telecomx.clock.advance(timedelta(minutes=1))
    telecomx.clock.advance(0.5)
    assert telecomx.clock.now() == christmas + timedelta(seconds=60.5)
    assert not telecomx.clock.is_running()
    telecomx.clock.run()
    assert telecomx.clock.is_running()
    with pytest.raises(ValueError):
        telecomx.clock.set(datetime(2026, 12, 24))


def test_what_the_client_sent_is_shown_and_waited_for(telecomx):
    assert status(telecomx) == 200
    assert status(telecomx, "/employee/none") >= 400
    found = telecomx.wait_for(path=PATH, status=200)
    assert found["method"] == "GET"
    assert [one["path"] for one in telecomx.requests(path=PATH)] == [PATH]
    assert len(telecomx.requests(method="GET", after=found["id"])) == 1
    assert len(telecomx.har()["log"]["entries"]) == 2
    telecomx.clear_requests()
    assert telecomx.requests() == []
    with pytest.raises(TimeoutError):
        telecomx.wait_for(path=PATH, timeout=0.01)
    assert telecomx.outbox() == []


def test_workspaces_do_not_see_each_other(telecomx, telecomx_server):
    delete_emma(telecomx)
    with telecomx_server.workspace() as other:
        assert has_emma(other)
    assert has_emma(telecomx_server)
    with pytest.raises(TelecomxError):
        other.requests()


def test_a_seed_repeats_tokens():
    def token():
        with Server.start(seed=7) as server, server.workspace() as workspace:
            return server.token("OWNER"), workspace.token("OWNER")

    assert token() == token()


def test_a_program_that_does_not_start_says_why(tmp_path):
    missing = tmp_path / "missing.json"
    with pytest.raises(TelecomxError, match="missing.json"):
        Server.start(import_file=str(missing))
    with pytest.raises(TelecomxError, match="is no program"):
        Server.start(binary=str(missing))


@pytest.mark.skipif("KILLED" not in os.environ, reason="it kills the run")
def test_the_run_is_killed(telecomx_server):
    with open(os.environ["KILLED"], "w") as file:
        file.write(telecomx_server.url)
    os.kill(os.getpid(), signal.SIGKILL)
