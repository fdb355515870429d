"""What holds for every test: its name, what it may reach for, where it runs, what it leaves."""

#: The modules that pytest loads, in this order.
PLUGINS = [
    "harness.collecting",
    "harness.ids",
    "harness.interrupts",
    "harness.needs",
    "harness.together",
    "harness.watch",
    "harness.pure",
    "harness.apart",
    "harness.beside",
    "harness.leaving",
    "harness.missing",
]
