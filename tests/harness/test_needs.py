"""A test that reaches beyond its process asks for it by a fixture; the others are of pure code."""

from __future__ import annotations

import re

import pytest

from harness.inner import Inner
from harness.needs import NEEDS

ALONE = ("-p", "no:xdist")

#: Without the fixture that it has to ask for: what is done in a test.
REACHING = {
    "run": ("processes", "subprocess.run(['true'])"),
    "popen": ("processes", "os.popen('true')"),
    "system": ("processes", "os.system('true')"),
    "fork": ("processes", "os.fork()"),
    "spawn": ("processes", "os.posix_spawn('/bin/true', ['true'], {})"),
    "exec": ("processes", "os.execv('/bin/true', ['true'])"),
    "multiprocessing": ("processes", "multiprocessing.get_context('spawn').Process().start()"),
    "pool": ("processes", "spawning().submit(print).result()"),
    "listen": ("servers", "socket.create_server(('127.0.0.1', 0))"),
    "connect": ("servers", "socket.create_connection(('127.0.0.1', 9))"),
    "unix": ("servers", "socket.socket(socket.AF_UNIX).bind('socket')"),
    "datagram": ("servers", "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))"),
    "torch": ("torch", "importlib.import_module('torch')"),
    "openvino": ("native", "importlib.import_module('openvino')"),
    "charts": ("native", "import vl_convert"),
}
HEAD = """\
import concurrent.futures, importlib, multiprocessing, os, socket, subprocess, threading
import pytest


def spawning():
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(1, context)


"""


def said_of(inner: Inner, *arguments: str) -> str:
    code, said = inner.run(*ALONE, *arguments)
    assert code == 1, said
    return said


def test_each_way_beyond_the_process_is_shut_without_its_fixture(inner: Inner) -> None:
    inner.write(HEAD)
    text = "".join(f"def test_{name}():\n    {does}\n\n\n" for name, (_, does) in REACHING.items())
    (inner.folder / "test_it.py").write_text(HEAD + text)
    said = said_of(inner)
    assert f"{len(REACHING)} failed in" in said
    for name, (fixture, _) in REACHING.items():
        (line,) = re.findall(rf"^test_it.py::test_{name} (.*)$", said, re.MULTILINE)
        assert line.startswith(f"{NEEDS[fixture]} ("), line
        assert line.endswith(f"): let it ask for the fixture `{fixture}`"), line


def test_with_its_fixture_it_is_open(inner: Inner) -> None:
    (inner.folder / "test_it.py").write_text("")
    inner.write(
        """
        import os, socket, subprocess, pytest

        @pytest.fixture
        def server(servers):
            with socket.create_server(("127.0.0.1", 0)) as server:
                yield server

        def test_child(processes):
            assert subprocess.run(["true"]).returncode == 0

        def test_server(server):
            socket.create_connection(server.getsockname()).close()

        @pytest.mark.usefixtures("processes")
        def test_fork():
            pid = os.fork() or os._exit(0)
            os.waitpid(pid, 0)
        """
    )
    code, said = inner.run(*ALONE)
    assert (code, "3 passed" in said) == (0, True), said


def test_what_is_caught_or_done_elsewhere_fails_all_the_same(inner: Inner) -> None:
    inner.write(
        """
        import contextlib, subprocess, threading, pytest

        def test_caught():
            with contextlib.suppress(BaseException):
                subprocess.run(["true"])

        def test_in_a_thread():
            thread = threading.Thread(target=test_caught)
            thread.start()
            thread.join()

        @pytest.fixture
        def made():
            with contextlib.suppress(BaseException):
                return subprocess.run(["true"])

        def test_by_a_fixture(made):
            pass

        def test_of_another_fixture(servers, request):
            request.getfixturevalue("processes")
            test_caught()

        def test_native(native):
            test_caught()

        def test_nothing():
            pass
        """
    )
    said = said_of(inner, "-W", "ignore::pytest.PytestUnhandledThreadExceptionWarning")
    assert "4 failed, 1 passed, 1 error in" in said
    assert said.count("let it ask for the fixture `processes`\n") >= 5


CHOICE = """
    import pytest

    @pytest.fixture
    def far(servers):
        pass

    def test_one(): pass
    def test_two(tmp_path): pass
    def test_far(far): pass
    def test_child(processes): pass
    @pytest.mark.usefixtures("native")
    def test_native(): pass
    def test_skipped(): pytest.skip("not here")
"""


@pytest.mark.parametrize("how", [ALONE, ("-n", "2")], ids=["alone", "two workers"])
def test_pure_tests_are_run_alone_and_counted(inner: Inner, how: tuple[str]) -> None:
    inner.write(CHOICE)
    inner.ini("pure_at_least = 2", "testpaths = .")
    code, said = inner.run(*how, "--pure")
    assert code == 0, said
    assert "2 passed, 1 skipped" in said
    assert "2 tests of pure code passed; pure_at_least = 2" in said
    code, said = inner.run(*how, "--not-pure")
    assert (code, "3 passed" in said) == (0, True), said
    assert "pure_at_least" not in said


def test_fewer_than_were_kept_fail_the_run_of_all(inner: Inner) -> None:
    inner.write(CHOICE)
    inner.ini("pure_at_least = 3", "testpaths = .")
    said = said_of(inner, "--pure")
    assert "2 passed" in said
    assert "pure_at_least = 3 in pyproject.toml: some were lost, or now reach further" in said
    code, said = inner.run(*ALONE, "--pure", "test_it.py")
    assert code == 0, said
    code, said = inner.run(*ALONE, "--pure", "-k", "one")
    assert code == 0, said


def test_a_parameter_may_ask_for_what_the_others_do_not_need(inner: Inner) -> None:
    inner.write(
        """
        import subprocess, pytest

        @pytest.mark.parametrize(
            "words", [pytest.param(["true"], marks=pytest.mark.asks("processes")), [], ["true"]]
        )
        def test_it(words):
            if words:
                subprocess.run(words)
        """
    )
    said = said_of(inner)
    assert "1 failed, 2 passed" in said
    assert "test_it[words2] starts a process" in said
    code, said = inner.run(*ALONE, "--pure", "-k", "words1")
    assert (code, "1 passed" in said) == (0, True), said
    code, said = inner.run(*ALONE, "--not-pure")
    assert (code, "1 passed, 2 deselected" in said) == (0, True), said


def test_a_module_that_imports_torch_is_held_to_the_fixture(inner: Inner) -> None:
    inner.write("", "torch.py")
    inner.write("import torch\n\n\ndef net():\n    return torch\n", "nets.py")
    inner.write("from nets import net\n\n\ndef test_it():\n    pass\n", "test_a.py")
    inner.write("import torch as t\n\n\ndef test_it(native):\n    pass\n", "test_b.py")
    code, said = inner.run(*ALONE)
    assert code == 4, said
    assert "ERROR: test_a.py imports torch: let its tests ask for the fixture `torch`\n" in said


def test_a_module_that_loads_native_code_does_it_in_a_test(inner: Inner) -> None:
    inner.write("import vl_convert\n\n\ndef test_it(native):\n    pass\n")
    code, said = inner.run(*ALONE)
    assert code == 2, said
    assert "test_it.py loads vl_convert while it is collected: do it in a test" in said
