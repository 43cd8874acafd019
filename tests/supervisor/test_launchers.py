"""Commands as they are executed; how a refusal reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.logbook import carriers
from wherry_supervisor import CommandLauncher, LaunchError, LocalLauncher
from wherry_supervisor.boot import BOOT


def test_our_own_interpreter_is_the_default() -> None:
    assert LocalLauncher().command == (sys.executable, "-c", BOOT)


def test_an_interpreter_may_be_a_path() -> None:
    assert LocalLauncher(Path("/opt/python")).command == ("/opt/python", "-c", BOOT)


def test_a_command_stands_in_front() -> None:
    command = CommandLauncher(["docker", "exec", "-i", "box"]).command
    assert command == ("docker", "exec", "-i", "box", "python3", "-c", BOOT)


@pytest.mark.parametrize("ssh", ["ssh", "/usr/bin/ssh"])
def test_for_ssh_the_words_are_quoted(ssh: str) -> None:
    command = CommandLauncher([ssh, "host"], python="/opt/my python").command
    assert command[:4] == (ssh, "host", "'/opt/my python'", "-c")
    import shlex

    assert shlex.split(" ".join(command[2:])) == ["/opt/my python", "-c", BOOT]


@pytest.mark.parametrize("quoted", [True, False])
def test_quoting_can_be_chosen(quoted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    command = CommandLauncher(["ssh"], quoted=quoted).command
    assert (command[-1] == BOOT) is not quoted


def test_each_launch_has_its_own_nonce_and_carries_it_as_a_cookie() -> None:
    one, other = LocalLauncher().launch(), LocalLauncher().launch()
    try:
        assert one.nonce != other.nonce
        assert one.cookie == one.nonce
        assert carriers(one.nonce) == [one.child.pid]
    finally:
        for launched in (one, other):
            launched.child.kill()
            launched.child.wait(5)
            launched.child.release()


def test_what_runs_elsewhere_has_no_cookie_to_look_for() -> None:
    launched = CommandLauncher(["env"]).launch()
    launched.child.kill()
    launched.child.wait(5)
    launched.child.release()
    assert launched.cookie is None


def test_a_refusal_shows_the_command_without_the_boot_program() -> None:
    with pytest.raises(LaunchError) as found:
        LocalLauncher("/no/such/python").launch()
    assert "/no/such/python -c …: /no/such/python does not exist" in str(found.value)
    assert found.value.command[0] == "/no/such/python"
    assert found.value.output == ""
