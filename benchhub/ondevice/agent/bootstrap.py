"""The archive's first code: it must parse on any Python, so that an old one can say it is old."""

import sys

if sys.version_info < (3, 8):
    sys.stdout.write(
        '{"v":2,"n":0,"to":"","event":"refused","kind":"python","message":"'
        "Python %d.%d at %s is too old: "
        'benchhub needs 3.8 or newer; set python in the device profile"}\n'
        % (sys.version_info[0], sys.version_info[1], (sys.executable or "?").replace("\\", "/"))
    )
    sys.stdout.flush()
    sys.exit(3)

from benchhub.ondevice.agent.main import main

sys.exit(main(sys.argv[1:]))
