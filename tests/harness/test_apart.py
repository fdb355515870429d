"""A test whose native code ends its process fails, says how, and the tests after it go on."""

from __future__ import annotations

import re

import pytest

from harness.inner import Inner

ALONE, TWO = ("-p", "no:xdist"), ("-n", "2")

FATAL = """
    import ctypes, os, signal, sys, time, warnings
    import pytest

    pytestmark = pytest.mark.usefixtures("native")

    @pytest.fixture(scope="module")
    def module():
        with open("made", "a") as file:
            print(os.getpid(), file=file)
        yield os.getpid()
        with open("undone", "a") as file:
            print(os.getpid(), file=file)

    def test_first(module):
        warnings.warn("from a child", DeprecationWarning)
        assert module == os.getpid() != int(os.environ["BENCHHUB_TESTS_OF"].partition(":")[0])

    def test_segfault(module):
        print("about to read nothing")
        ctypes.string_at(0)

    def test_second(module):
        assert module == os.getpid()

    def test_abort(module, capfd):
        os.write(2, b"terminate called without an active exception\\n")
        os.abort()

    def test_exit(module):
        os._exit(0)

    def test_wrong(module):
        print("printed", "before")
        assert [1] == [2]

    def test_last(module, tmp_path):
        assert module == os.getpid()
        assert tmp_path.is_dir()
"""


@pytest.mark.parametrize("how", [ALONE, TWO], ids=["alone", "two workers"])
def test_what_ends_its_process_fails_and_the_others_go_on(inner: Inner, how: tuple[str]) -> None:
    inner.write(FATAL)
    inner.write("def test_here():\n    pass\n", "test_pure.py")
    code, said = inner.run(*how)
    assert code == 1, said
    assert "4 failed, 4 passed, 1 warning" in said
    assert "from a child" in said
    assert "was ended by SIGSEGV" in said
    segfault = said[said.index("was ended by SIGSEGV") :]
    assert "about to read nothing" in segfault
    assert "Fatal Python error: Segmentation fault" in segfault
    assert re.search(r'test_it.py", line \d+ in test_segfault', segfault), said
    assert "was ended by SIGABRT" in said
    assert "in test_abort" in said
    assert "ended with status 0" in said
    assert "assert [1] == [2]" in said
    assert said.count("printed before") == 1
    made = (inner.folder / "made").read_text().split()
    assert len(made) == len(set(made))
    assert set((inner.folder / "undone").read_text().split()) < set(made)


def test_a_child_has_the_fixtures_of_its_module_once(inner: Inner) -> None:
    inner.write(
        """
        import os, pytest

        @pytest.fixture(scope="session")
        def session(native):
            with open("log", "a") as file:
                print("session", file=file)
            yield
            with open("log", "a") as file:
                print("session undone", file=file)

        @pytest.fixture(scope="module")
        def module(session):
            yield os.getpid()

        @pytest.mark.parametrize("number", range(5))
        def test_it(module, number):
            assert module == os.getpid()
        """
    )
    code, said = inner.run(*ALONE)
    assert (code, "5 passed" in said) == (0, True), said
    assert (inner.folder / "log").read_text() == "session\nsession undone\n"


def test_fixtures_of_tests_here_are_undone_before_and_after_those_apart(inner: Inner) -> None:
    (inner.folder / "a").mkdir()
    (inner.folder / "a" / "__init__.py").touch()
    (inner.folder / "b").mkdir()
    inner.write(
        """
        import pytest

        @pytest.fixture(scope="package", autouse=True)
        def package():
            yield
            assert 0, "undone with a fault"

        """,
        "a/conftest.py",
    )
    inner.write("def test_here():\n    pass\n", "a/test_here.py")
    inner.write("def test_apart(native):\n    pass\n", "a/test_other.py")
    inner.write("def test_after():\n    pass\n", "b/test_after.py")
    code, said = inner.run(*ALONE, "-v")
    assert code == 1, said
    assert "3 passed, 2 errors" in said
    assert said.count("ERROR at teardown of test_apart") == 2  # that of its child, and that left


def test_what_never_returns_is_ended_and_says_where_it_stood(inner: Inner) -> None:
    inner.write(
        """
        import signal, time, pytest

        pytestmark = pytest.mark.usefixtures("native")

        @pytest.mark.timeout(1)
        def test_stuck():
            # As native code does that never comes back to the interpreter.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(1000)

        @pytest.mark.timeout(1)
        def test_slow():
            time.sleep(1000)

        def test_next():
            pass
        """
    )
    code, said = inner.run(*ALONE)
    assert code == 1, said
    assert "2 failed, 1 passed" in said
    assert "Not done in time" in said
    assert "in test_stuck" in said
    assert "Timeout (>1.0s)" in said


def test_without_such_tests_nothing_is_started_and_a_debugger_gets_them_here(inner: Inner) -> None:
    inner.write(
        """
        import multiprocessing, os, psutil

        def test_pure():
            assert psutil.Process().children() == []
        """
    )
    inner.write(
        """
        import os

        def test_native(native):
            assert int(os.environ["BENCHHUB_TESTS_OF"].partition(":")[0]) == os.getpid()
        """,
        "test_native.py",
    )
    assert inner.run(*ALONE, "test_it.py")[0] == 0
    code, said = inner.run(*ALONE, "--in-process")
    assert (code, "2 passed" in said) == (0, True), said


def test_the_process_beside_may_fail_too(inner: Inner) -> None:
    inner.write(
        """
        import os, pytest

        if os.getppid() and any("--beside-fd" in word for word in __import__("sys").argv):
            print("this machine is too small")
            os._exit(9)

        def test_native(native):
            pass

        def test_other(native):
            pass
        """
    )
    code, said = inner.run(*ALONE)
    assert code == 1, said
    assert "2 errors" in said
    assert (
        said.count("The process that starts it ended with status 9") == 2 * 2
    )  # and in the summary
    assert "this machine is too small" in said
