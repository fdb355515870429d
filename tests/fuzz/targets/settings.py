"""What users write by hand: suites, budgets, device profiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repository import ROOT

from benchhub.cli.devices.profile_file import write_profile
from benchhub.config.fleet.file import load_fleet
from benchhub.config.request import check_backends
from benchhub.config.suite import load_budgets, load_profile, load_suite
from benchhub.device.ssh.keys.host_keys import parse

from ..target import Target

_CLAIMS = b"""
[[claims]]
id = "smaller"
text = "int8 is a quarter of the size"
source = "a paper"
variants = ["int8"]
ask = [{ quantity = "model_bytes", over = { variants = ["fp32"] }, at_most = 0.3 }]
where = [{ quantity = "model_bytes", at_least = 0.001 }]

[[claims]]
id = "both"
text = "faster, and no worse"
source = "a paper"
[[claims.parts]]
variants = ["int8"]
threads = [1, 2]
ask = [{ quantity = "speedup", between = [1.0, 9.0] }]
[[claims.parts]]
variants = ["*"]
ask = [{ quantity = "quality_loss", at_most = 0.01, metric = "accuracy" }]
"""
_SUITE = b"""
[suite]
name = "mine"
task = "npz"
baseline = "fp32"
backends = ["onnxruntime", "openvino"]
effort = "quick"
precision = ["f32", "bf16"]
seed = 3
deadline_s = 20.5
reference = "device"
reference_device = "board"

[data]
inputs = "cases.npz"
metric = "accuracy"
also = ["macro_f1"]
arrays = { labels = "truth" }

[[variants]]
name = "fp32"
model = "a.onnx"
inputs = { x = "input" }
outputs = { y = "out" }
layout = { x = "NCHW->NHWC" }
batch_axis = { y = 1, z = false }
rows = { y = 100 }
state = { h = "h_out" }

[[variants]]
name = "int8"
from = "fp32"
recipe = { name = "int8-static", calibration_cases = 16 }
against = "fp32"
backends = ["onnxruntime"]

[scenarios.latency]
batch = [1, 8]
threads = [1, 2]
launches = 3
iterations = 100
max_timed_s = 2.5
shapes = ["x=1x3x64x64"]

[scenarios.paced]
rate_per_s = [10, 20.5]
arrivals = "fixed"
concurrency = 2

[scenarios.quality]
cases = 40

[options.onnxruntime]
arena = [true, false]

[agreement]
max_relative = 0.25

[[budgets]]
name = "edge"
devices = ["board"]
variants = ["int8"]
threads = [1]
latency_p95_ms = 5
quality_loss_max = 0.01
quality_loss_relative = true
quality_min_cases = 40
"""
_PROFILE = b"""
[device]
name = "board"
transport = "ssh"
host = "pi.lab"
port = 2222
user = "bench"
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
identity_file = "~/.ssh/id_ed25519"
proxy_jump = "gateway"
ciphers = ["aes128-ctr"]
root = "$HOME/bench"
emulated = false
connect_timeout_s = 5
lease_wait_s = 60

[limits]
max_temperature_c = 80
cooldown_s = 10
max_load = 2.0
reboot_wait_s = 100

[labels]
site = "eu"
"""
_FLEET = b"""
[groups.rack1]
names = "rack1-{01..40}"
addresses = "10.0.1.{101..140}"
[groups.rack1.device]
transport = "ssh"
user = "bench"
root = "/bench/{name}"
[groups.rack1.limits]
max_temperature_c = 75
[groups.rack1.labels]
site = "lab-1"
[groups.rack1.power]
cycle = ["plug", "{name}"]
[groups.rack1.members.rack1-07.device]
host = "10.9.9.9"
[groups.desk]
names = ["desk-{a,b}", "sofa"]
addresses = "{name}.lab.example"
device = {transport = "ssh"}
"""
_WORDS = (
    b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b'"', b"'''", b'"""', b"#", b".", b",", b"\n",
    b"\\u0000", b"\\U0010FFFF", b"1979-05-27T07:32:00Z", b"0o17", b"0b1", b"1e400", b"+inf", b"nan",
    b"-0.0", b"true", b"[suite]", b"[data]", b"[[variants]]", b"[scenarios.quality]",
    b"[[budgets]]", b"[[claims]]", b"[device]", b"[limits]", b"a.a.a.a", b"name", b"model",
    b"recipe", b"from",
    b"batch", b"threads", b"[suite.suite]", b"[[suite]]", b'"" = 1',
    b"{1..1000000000}", b"{a,b}", b"..", b"{name}",
)  # fmt: skip
_DEEP = (lambda: b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply")
_LONG = (lambda: b"a = " + b"9" * 5000, "not valid TOML")
_LARGE = (lambda: b"#" * (1 << 17), "BENCHHUB_UNPACK")
_BEFORE = b"\n[scenarios"
_MANY = b"".join(b'\n[[variants]]\nname = "v%d"\nmodel = "m"\n' % at for at in range(1000))


def _suite(path: Path) -> None:
    check_backends(load_suite(path))


def _model_at(path: bytes) -> bytes:
    return _SUITE.replace(b"a.onnx", path, 1)


def _profile(path: Path) -> None:
    profile = load_profile(path)
    parse(profile.host_key or "")


def _fleet(path: Path) -> None:
    for group in load_fleet(path):
        for name in list(group.hosts)[:50]:
            group.profile(name)


def _rewritten(path: Path) -> None:
    write_profile(path, "board", {"host": "pi.lab", "port": 22}, "ssh-ed25519 AAAA")


def _suites() -> Iterator[bytes]:
    yield _SUITE + _CLAIMS
    for path in sorted((ROOT / "suites").glob("*/suite.toml")):
        yield path.read_bytes()


def _profiles() -> Iterator[bytes]:
    yield _PROFILE
    for path in sorted((ROOT / "device_profiles").glob("*.toml")):
        yield path.read_bytes()


def _budgets() -> Iterator[bytes]:
    at = _SUITE.index(b"[[budgets]]")
    yield _SUITE[at:]
    yield _SUITE


TARGETS = (
    Target(
        "suite", _suite, _suites, ".toml", _WORDS,
        hard={
            "nested deeply": _DEEP, "a long number": _LONG, "larger than settings": _LARGE,
            "many variants": (lambda: _SUITE.replace(_BEFORE, _MANY + _BEFORE, 1), None),
            "not UTF-8": (lambda: b"[suite]\nname = \"\xff\"", "not UTF-8 at byte"),
            "a model": (lambda: b"\x08\x08\x12\x00", "not valid TOML"),
            "an endless deadline": (
                lambda: _SUITE.replace(b"20.5\n", b"inf\n", 1), "deadline_s = inf"
            ),
            "a path of no file system": (lambda: _model_at(b"a" * 5000), "File name too long"),
            "a path of nobody": (lambda: _model_at(b"~no-such-user/a.onnx"), "what ~ stands for"),
        },
    ),
    Target("budgets", load_budgets, _budgets, ".toml", _WORDS, hard={"nested deeply": _DEEP}),
    Target(
        "profile", _profile, _profiles, ".toml", _WORDS,
        hard={
            "nested deeply": _DEEP, "a long number": _LONG,
            "a key that is none": (
                lambda: _PROFILE.replace(b"AAAAC3Nza", b"AAAA=====", 1), "is not a host key"
            ),
        },
    ),
    Target(
        "fleet", _fleet, lambda: iter([_FLEET]), ".toml", _WORDS,
        hard={
            "nested deeply": _DEEP, "a long number": _LONG,
            "a billion": (lambda: _FLEET.replace(b"01..40", b"1..1000000000"), "1,000,000,000"),
            "a billion billions": (
                lambda: _FLEET.replace(b"{01..40}", b"{1..999999999}" * 9), "devices at most"
            ),
        },
    ),
    Target(
        "profile-rewritten", _rewritten, _profiles, ".toml", _WORDS,
        hard={
            "nested deeply": (_DEEP[0], "nested"),
            "a device that is no table": (lambda: b"device = 3\n", "not a device profile"),
            "not UTF-8": (lambda: b"[device]\nname = \"\xff\"\n", "not a device profile"),
        },
    ),
)  # fmt: skip
