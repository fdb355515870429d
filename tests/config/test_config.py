"""What users write: every mistake is one line that names file, key and the way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchhub.config.catalogue import profile_file, suite_file
from benchhub.config.folders import expanded, placed
from benchhub.config.suite import load_budgets, load_profile, load_suite
from benchhub.errors import ConfigError
from benchhub.model.scenario import Scenario

SUITE = """\
[suite]
name = "edge"
task = "chest_xray"
baseline = "fp32"
backends = ["onnxruntime"]
[[variants]]
name = "fp32"
model = "m.onnx"
[[variants]]
name = "int8"
from = "fp32"
recipe = { name = "int8-static", calibration_cases = 8 }
[scenarios.latency]
threads = [1, 2]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "suite.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_suite_is_read(tmp_path: Path) -> None:
    budget = "[[budgets]]\nvariants=['int8']\nlatency_p95_ms=5\nquality_loss_max=0.01\n"
    suite = load_suite(written(tmp_path, SUITE + budget))
    assert suite.variants[0].model == tmp_path / "m.onnx"
    recipe = suite.variants[1].recipe
    assert recipe is not None
    assert (recipe.name, dict(recipe.options)) == ("int8-static", {"calibration_cases": 8})
    assert [(s.scenario, s.threads) for s in suite.scenarios] == [(Scenario.LATENCY, (1, 2))]
    assert suite.budgets[0].limits == {"latency_p95_ms": 5.0, "quality_loss_max": 0.01}
    assert suite.budgets[0].name == "budgets[0]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[budgets]]\nlatency_p96_ms = 3\n",
         "budgets[0].latency_p96_ms is unknown; did you mean latency_p95_ms?"),
        ("[[budgets]]\nvariants = ['int9']\n",
         "budgets[0].variants: int9 is not in it; did you mean int8?"),
        ("[[budgets]]\nbackends = ['openvino']\n",
         "budgets[0].backends: openvino is not in it; known: onnxruntime"),
        ("[[budgets]]\nthreads = 7\nlatency_p95_ms = 3\n",
         "budgets[0].threads: 7 is not in it; known: 1, 2"),
        ("[[budgets]]\nname = 'ward'\n", "budget ward sets no limit; add one, or remove it"),
        ("[[budgets]]\nlatency_p95_ms = 0\n",
         "budgets[0].latency_p95_ms = 0: should be more than 0"),
        ("[scenarios.latencyy]\n", "scenarios.latencyy is unknown; did you mean latency?"),
        ("[scenarios.memory]\nbatch = 'two'\n",
         "scenarios.memory.batch = 'two': should be a whole number"),
        ("[scenarios.memory]\nthreads = 0\n",
         "scenarios.memory.threads = 0: should be 1 or more"),
        ("[scenarios.memory]\nthreads = 9223372036854775808\n",
         "scenarios.memory.threads = 9223372036854775808: should be 2147483647 or less"),
        ("[scenarios.memory]\nbatch = true\n",
         "scenarios.memory.batch = True: should be a whole number"),
        ("[[variants]]\nname = 'x'\nfrom = 'fp32'\nrecipe = 'fp16'\napproximates = false\n",
         "variant x: approximates is for model files, of what recipes make they tell themselves"),
        ("[[variants]]\nname = 'x'\n", "variant x needs either `model` (a file) or `recipe`"),
        ("[[variants]]\nname = 'x'\nfrom = 'fp23'\nrecipe = 'fp16'\n",
         "variants.x.from: no variant fp23; did you mean fp32?"),
        ("[[variants]]\nname = 'int8'\nmodel = 'n.onnx'\n", "variant int8 is defined twice"),
        ("[scenarios.paced]\nrate_per_s = 5\narrivals = 'normal'\n",
         "scenarios.paced.arrivals = 'normal': should be poisson or fixed"),
        ("x = [", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, SUITE + text)
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["'fp16'", "['f32', 'fp16']"])
def test_a_precision_that_is_none_says_which_there_are(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, SUITE.replace("[suite]", f"[suite]\nprecision = {value}"))
    with pytest.raises(
        ConfigError, match=r"should be (f16, bf16, |f32, tf32, f16 or bf16)"
    ) as caught:
        load_suite(path)
    assert "literal" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="suite is missing"):
        load_suite(written(tmp_path, "[[variants]]\nname='a'\nmodel='b'\n[scenarios.latency]\n"))


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    path.write_bytes(b"[suite]\nname='\xff'")
    with pytest.raises(ConfigError, match="not UTF-8 at byte"):
        load_suite(path)


def test_a_mark_of_the_order_of_bytes_before_the_text_is_none_of_it(tmp_path: Path) -> None:
    assert load_suite(written(tmp_path, f"\ufeff{SUITE}")).name == "edge"


@pytest.mark.parametrize("part", ["a.", '"a" . ', "'a'."])
def test_a_key_of_thousands_of_parts_is_refused_at_once(tmp_path: Path, part: str) -> None:
    with pytest.raises(ConfigError, match="not valid TOML: a key of more than a hundred parts"):
        load_suite(written(tmp_path, f"{SUITE}{part * 50_000}b = 1\n"))


@pytest.mark.parametrize("value", ["1e300", "1_000_001", "inf", "nan", "-1"])
@pytest.mark.parametrize(
    "key",
    [
        "device.connect_timeout_s", "device.lease_wait_s", "limits.cooldown_s",
        "limits.reboot_wait_s", "power.timeout_s", "suite.deadline_s",
        "scenarios.latency.max_timed_s",
    ],
)  # fmt: skip
def test_a_time_that_no_timer_goes_to_is_refused(tmp_path: Path, key: str, value: str) -> None:
    table, _, name = key.rpartition(".")
    if table.startswith(("suite", "scenarios")):
        path = written(tmp_path, SUITE.replace(f"[{table}]", f"[{table}]\n{name} = {value}"))
        load = load_suite
    else:
        parts = {
            "device": 'name = "b"\ntransport = "ssh"\nhost = "h"', "limits": "",
            "power": 'cycle = ["plug"]',
        }  # fmt: skip
        parts[table] += f"\n{name} = {value}"
        path = tmp_path / "b.toml"
        path.write_text("\n".join(f"[{part}]\n{text}" for part, text in parts.items()))
        load = load_profile
    with pytest.raises(ConfigError, match=f"{key} = ") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_budgets_alone_are_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "budgets.toml"
    path.write_text("[[budgets]]\nname='fast'\nlatency_p50_ms=2\n")
    assert load_budgets(path)[0].name == "fast"


def test_an_ssh_profile_needs_a_host(tmp_path: Path) -> None:
    path = tmp_path / "pi.toml"
    path.write_text("[device]\nname='pi'\ntransport='ssh'\n")
    with pytest.raises(ConfigError, match=r"device\.host is missing"):
        load_profile(path)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$HOME/bench", "~/bench"),
        ("${HOME}/bench", "~/bench"),
        ("$HOME", "~"),
        ("~/bench", "~/bench"),
        ("/data/bench", "/data/bench"),
        ("bench", "bench"),
    ],
)
def test_a_root_below_the_home_however_it_is_written(
    written: str, meant: str, tmp_path: Path
) -> None:
    path = tmp_path / "pi.toml"
    path.write_text(f"[device]\nname='pi'\ntransport='ssh'\nhost='pi'\nroot='{written}'\n")
    assert load_profile(path).root == meant


@pytest.mark.parametrize("written", ["$DATA/bench", "~bob/bench", "/data/$USER", "$HOMES/x", "~x"])
def test_a_root_with_other_names_to_fill_in_is_a_mistake(written: str, tmp_path: Path) -> None:
    path = tmp_path / "pi.toml"
    path.write_text(f"[device]\nname='pi'\ntransport='ssh'\nhost='pi'\nroot='{written}'\n")
    with pytest.raises(ConfigError, match=r"pi.toml: device.root .*write the path"):
        load_profile(path)


@pytest.mark.parametrize("written", ["~nobody.onnx", "./~nobody.onnx", "~$m.onnx"])
def test_a_file_whose_name_begins_like_a_home_is_that_file(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / written
    file.touch()
    assert placed(written) == placed(Path(written)) == str(file)
    file.unlink()
    with pytest.raises(ConfigError, match="it is not known what ~ stands for"):
        expanded(Path(written))
    assert expanded("./~nobody.onnx") == Path("~nobody.onnx")


def test_profile_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pi.toml"
    path.write_text("[device]\nname='pi'\ntransport='ssh'\nhost='pi'\nidentity_file='key'\n")
    assert load_profile(path).identity_file == tmp_path / "key"


def test_shipped_files_are_valid(tmp_path: Path) -> None:
    assert load_profile(profile_file("localhost", tmp_path)).transport == "local"
    assert load_suite(suite_file("quickstart", tmp_path)).name == "quickstart"


def test_a_folder_without_a_suite_is_told_apart_from_an_unknown_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"\./empty: the folder has no suite\.toml"):
        suite_file("./empty", tmp_path)


def test_the_users_folder_wins(tmp_path: Path) -> None:
    own = tmp_path / "device_profiles" / "localhost.toml"
    own.parent.mkdir()
    own.write_text("[device]\nname='localhost'\ntransport='local'\n")
    assert profile_file("localhost", tmp_path) == own


def test_unknown_names_say_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"suite quickstrat is unknown; did you mean quickstart\?"
    ):
        suite_file("quickstrat", tmp_path)
    for place in ("suites/odd/suite.toml", "suite.toml", "device_profiles/odd.toml"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(tmp_path / place)
    for find, name in (
        (suite_file, "odd"), (suite_file, str(tmp_path)), (suite_file, f"{tmp_path}/suite.toml"),
        (profile_file, "odd"), (profile_file, f"{tmp_path}/device_profiles/odd.toml"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=r"toml: is a named pipe, not a file; give the path"):
            find(name, tmp_path)
    (tmp_path / "suites/gone").mkdir()
    (tmp_path / "suites/gone/suite.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"gone/suite.toml: is a link that leads nowhere"):
        suite_file("gone", tmp_path)
    with pytest.raises(ConfigError, match=r"device localhots is unknown; did you mean localhost\?"):
        profile_file("localhots", tmp_path)


@pytest.mark.parametrize(
    ("scenarios", "batches"),
    [
        ("[scenarios.throughput]\nbatch=[32, 8]\n[scenarios.quality]\n", (1, 8, 32)),
        ("[scenarios.throughput]\nbatch=8\n[scenarios.quality]\nbatch=4\n", (4,)),
        ("[scenarios.memory]\nbatch=16\n[scenarios.quality]\n", (1,)),
        ("[scenarios.paced]\nrate_per_s=5\nbatch=2\n[scenarios.quality]\ncases=9\n", (1, 2)),
    ],
)  # fmt: skip
def test_quality_is_judged_at_each_batch_that_is_timed(
    tmp_path: Path, scenarios: str, batches: tuple[int, ...]
) -> None:
    suite = load_suite(written(tmp_path, SUITE + scenarios))
    assert [s.batches for s in suite.scenarios if s.scenario is Scenario.QUALITY] == [batches]


def test_where_nothing_is_timed_quality_is_judged_at_what_else_is_measured(tmp_path: Path) -> None:
    without = SUITE.replace("[scenarios.latency]\nthreads = [1, 2]\n", "")
    for scenarios, batches in [("[scenarios.memory]\nbatch=4\n", (4,)), ("", (1,))]:
        suite = load_suite(written(tmp_path, without + scenarios + "[scenarios.quality]\n"))
        assert suite.scenarios[-1].batches == batches


DEVICE = 'backends = ["onnxruntime"]\nreference = "device"\n'


def test_the_device_that_gives_the_reference(tmp_path: Path) -> None:
    assert load_suite(written(tmp_path, SUITE)).reference_device == ""
    quality = SUITE + "[scenarios.quality]\n"
    device = quality.replace('backends = ["onnxruntime"]\n', DEVICE)
    assert load_suite(written(tmp_path, device)).reference_device is None
    named = device.replace(DEVICE, DEVICE + 'reference_device = "pi"\n')
    assert load_suite(written(tmp_path, named)).reference_device == "pi"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('reference = "device"', "quality gives the reference; add [scenarios.quality]"),
        ('reference_device = "pi"', 'controller computes the reference; add reference = "device"'),
        ('reference = "devcie"',
         "suite.reference = 'devcie': should be device or controller; did you mean device?"),
    ],
)  # fmt: skip
def test_a_reference_that_nobody_gives_is_refused(tmp_path: Path, keys: str, message: str) -> None:
    text = SUITE.replace('backends = ["onnxruntime"]\n', f'backends = ["onnxruntime"]\n{keys}\n')
    with pytest.raises(ConfigError) as caught:
        load_suite(written(tmp_path, text))
    assert message in str(caught.value)
