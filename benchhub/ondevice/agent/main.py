"""The runner's two commands; each imports only what it needs, so that a child starts fast."""

import os
import sys

USAGE = "usage: python runner.pyz agent | child BACKEND"


def main(arguments: "list[str]") -> int:
    """Run one command of the archive and return its exit status (2: not a command)."""
    runner = os.path.abspath(sys.argv[0])
    if len(arguments) == 2 and arguments[0] == "child":
        from benchhub.ondevice.measure import child

        return child.main(arguments[1])
    if arguments == ["agent"]:
        from benchhub.ondevice.agent import serve as agent

        return agent.main(runner)
    sys.stderr.write(USAGE + "\n")
    return 2
