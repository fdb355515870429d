"""What other programs write of one session: a process that timed one model with one setting.

A reader a program; `recognized` finds the one that knows a text, by what is in it.
"""
