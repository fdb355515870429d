"""The fault campaign: seeded scenarios, each a short run while something goes wrong.

    python -m tests.campaign --seeds 0:1000 --folder kept --resume -o reports/fault-campaign

A seed draws devices, faults and their moments (`draw`). The scenario is played (`play`): a
controller is forked that makes the run with benchhub's own code, on devices that write down in a
journal what they answered (`devices`, `answer`), while faults strike (`faults`). Then the
store's tables, the journal, the processes and the locks are looked at (`evidence`), none of it
through benchhub, and held to what must be true (`checks`): before anything is mended, and after a
last controller went on with `rerun_failed`.
"""
