"""The tables of suite and profile files as pydantic models; also the source of JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from benchhub.config.strict import StrictTable
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES
from benchhub.model.scenario import SCENARIOS, Scenario
from benchhub.outside.mistakes import NAME

#: Runtimes take 32 bits.
Count = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
#: The timers of systems go no further than 24 days.
MOST_S = 1_000_000
Seconds = Annotated[float, Field(gt=0, le=MOST_S, allow_inf_nan=False)]
Wait = Annotated[float, Field(ge=0, le=MOST_S, allow_inf_nan=False)]
Limit = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Precision = Literal["f32", "tf32", "f16", "bf16"]
#: What a claim may ask for.
CLAIMED = tuple(name for name, of in QUANTITIES.items() if of.claimed)
Name = Annotated[str, Field(min_length=1, pattern=NAME)]


class SuiteTable(StrictTable):
    """`[suite]`: what is compared."""

    name: Name = Field(description="what reports, budgets and the history call it")
    task: str = Field(description="one of benchhub's, or a task of an entry point")
    baseline: str = Field(description="the variant that losses and speed-ups refer to")
    backends: list[str] = Field(min_length=1, description="the runtimes that are compared")
    effort: Literal["quick", "standard", "rigorous"] = Field(
        "standard", description="how much a cell is measured; `--effort` wins"
    )
    precision: Precision | list[Precision] = Field(
        "f32", description="arithmetic a backend may use where it has a choice; a list is a sweep"
    )
    seed: int = Field(0, description="what quality is resampled with")
    deadline_s: Seconds = Field(120.0, description="a launch that lives longer is killed")
    requires_selftest: bool = Field(
        False, strict=True, description="measure no device without a self-test passed of late"
    )
    baseline_below_chance: bool = Field(
        False,
        strict=True,
        description="budgets of quality may pass on a baseline that is no better than one answer"
        " for all cases",
    )
    ends_early: bool = Field(
        True,
        strict=True,
        description="a cell whose budgets of time are clearly broken ends after three launches"
        " (five where its memory counts); false: all launches are made",
    )
    reference: Literal["controller", "device"] = Field(
        "controller",
        description="who computes the baseline's answers that outputs are held against: the"
        " controller, or a device, where the controller cannot or must not run the model",
    )
    reference_device: Name | None = Field(
        None, description="the device that does; may be left out where a run has one device"
    )


class VariantTable(StrictTable):
    """`[[variants]]`: a model file, or a recipe, which most often begins from another variant."""

    name: Name = Field(description="what reports and budgets call it")
    model: Path | None = Field(None, description="its file, relative to the suite's folder")
    source: str | None = Field(None, alias="from", description="the variant a recipe begins from")
    recipe: str | dict[str, Any] | None = Field(
        None,
        description="how it is made, in place of `model`: a name, or a table of it and options",
    )
    backends: list[str] = Field([], description="those it is meant for; empty: all")
    against: str | None = Field(
        None, description="the variant its speed-up and compression refer to (default: baseline)"
    )
    approximates: bool = Field(
        True, description="of a file: it should answer as the baseline does; not if fitted anew"
    )
    inputs: dict[str, str] = Field(
        {}, description="of a file: an input's name in the data, to its name in the file"
    )
    outputs: dict[str, str] = Field(
        {}, description="of a file: an output's name in the baseline, to its name in the file"
    )
    layout: dict[str, str] = Field(
        {},
        description='of a file: axes of an input, data to file ("NCHW->NHWC"), or of an output,'
        " file to baseline; rearranged outside the timed region",
    )
    batch_axis: dict[str, Annotated[int, Field(ge=0, strict=True)] | Literal[False]] = Field(
        {},
        description="of a file: the axis of an input or output that runs over cases, where it is"
        " not the first; false: none does, it is the same for all cases",
    )
    rows: dict[str, Count] = Field(
        {},
        description="of a file: how many rows a case an output is filled up to with 0, that has as"
        " many as are found, like boxes",
    )
    state: dict[str, str] = Field(
        {},
        description="of a file: its inputs that take what its outputs gave in the call before",
    )


class ScenarioTable(StrictTable):
    """`[scenarios.NAME]`: settings to sweep; the effort level fills what is left out."""

    batch: Count | list[Count] | None = Field(
        None,
        description="cases a call; a list is a sweep (1; of quality: each batch that is timed)",
    )
    threads: Count | list[Count] = Field(
        1, description="threads a session may use; a list is a sweep"
    )
    cases: Count | None = Field(None, description="quality: how many test cases (default all)")
    launches: Count | None = Field(None, description="fresh processes a cell (the effort's)")
    iterations: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = Field(
        None, description="timed calls a launch (the effort's)"
    )
    max_timed_s: Seconds | None = Field(
        None, description="seconds after which a launch stops timing (the effort's)"
    )
    concurrency: Count | list[Count] | None = Field(
        None, description="throughput, paced: calls under way at once"
    )
    rate_per_s: Positive | list[Positive] | None = Field(
        None, description="paced: arrivals per second; a list is a sweep"
    )
    arrivals: Literal["poisson", "fixed"] | None = Field(
        None, description="paced: drawn at random (the default), or evenly spaced"
    )
    shapes: list[str] | None = Field(
        None,
        min_length=1,
        description="sizes of inputs with open ones, `x=1x3x320x320`, each a cell on inputs that"
        " are made to fit; not of quality, which is judged on the data",
    )
    own_launches: bool | None = Field(
        None,
        strict=True,
        description="memory, cold_start: true launches them by themselves, too, where launches of"
        " latency with the same settings show the same",
    )


def _scenario(which: Scenario) -> Any:
    return Field(None, description=SCENARIOS[which])


class ScenariosTable(StrictTable):
    """`[scenarios]`: what is measured."""

    latency: ScenarioTable | None = _scenario(Scenario.LATENCY)
    throughput: ScenarioTable | None = _scenario(Scenario.THROUGHPUT)
    paced: ScenarioTable | None = _scenario(Scenario.PACED)
    memory: ScenarioTable | None = _scenario(Scenario.MEMORY)
    cold_start: ScenarioTable | None = _scenario(Scenario.COLD_START)
    quality: ScenarioTable | None = _scenario(Scenario.QUALITY)
    profile: ScenarioTable | None = _scenario(Scenario.PROFILE)


class _BudgetSelectors(StrictTable):
    """What a budget has beside its limits."""

    name: str | None = Field(None, description="what verdicts call it")
    devices: list[str] = Field(
        [], description="only on these, named as after `--device`; empty: all"
    )
    variants: list[str] = Field([], description="only of these; empty: all")
    backends: list[str] = Field([], description="only with these; empty: all")
    threads: Count | list[Count] | None = Field(
        None, description="only with so many; left out: any number"
    )
    paced_min_rate_per_s: Positive | None = Field(
        None, description="the paced limits are to be met at this rate or a higher one"
    )
    quality_loss_relative: bool = Field(
        False, description="quality_loss_max is a share of the baseline's quality"
    )
    quality_min_cases: Count = Field(
        200, description="with fewer independent cases nothing is a PASS"
    )
    rare_launches: Annotated[float, Field(ge=0.001, le=0.5)] | None = Field(
        None,
        description="a percentile is a PASS only where so many launches kept it that no larger"
        " share misses it by itself, at 95 % (0.05: 59 launches, which are made)",
    )


def _limits() -> dict[str, Any]:
    """Return a field for each quantity that a budget may limit."""
    found: dict[str, Any] = {}
    for key, quantity in BUDGET_KEYS.values():
        kind: Any = Positive
        if key.whole:
            kind = Count
        elif key.from_zero:
            kind = Annotated[float, Field(ge=0)]
        side = "least" if key.at_least else "most"
        unit = f" ({quantity.unit})" if quantity.unit in ("ms", "MiB") else ""
        where = f", in {key.scenario} cells" if key.scenario else ""
        text = f"at {side}: {quantity.words}{unit}{where}"
        found[key.key] = (kind | None, Field(None, description=text))
    return found


if TYPE_CHECKING:
    BudgetTable = _BudgetSelectors
else:
    BudgetTable = create_model(
        "BudgetTable",
        __base__=_BudgetSelectors,
        __doc__="`[[budgets]]`: limits for the cells that the selectors match; none matches all.",
        **_limits(),
    )


class AgreementTable(StrictTable):
    """`[agreement]`: when a variant's outputs count as garbage."""

    max_relative: Positive = Field(
        0.5, description="root mean square difference over the spread of the reference"
    )


class SelectorTable(StrictTable):
    """Which rows; what is left out chooses all."""

    variants: list[str] = Field([], description="names, or patterns with *")
    devices: list[str] = Field([], description="names, or patterns with *")
    backends: list[str] = Field([], description="names, or patterns with *")
    arch: list[str] = Field([], description="x86_64, aarch64, ..")
    threads: Count | list[Count] | None = Field(None, description="threads of a session")
    batch: Count | list[Count] | None = Field(None, description="cases a call")
    precision: Precision | list[Precision] | None = Field(None, description="what it computed in")
    gpu: bool | None = Field(None, strict=True, description="computed on a GPU, or not")
    emulated: bool | None = Field(
        None, strict=True, description="of emulated devices, or of others"
    )


class AskTable(StrictTable):
    """A quantity and its limits."""

    quantity: str = Field(
        description="what is held to the limits", json_schema_extra={"enum": list(CLAIMED)}
    )
    at_least: Limit | None = Field(None, description="the smallest value that will do")
    at_most: Limit | None = Field(None, description="the largest value that will do")
    between: list[Limit] | None = Field(
        None, min_length=2, max_length=2, description="at_least and at_most in one"
    )
    metric: str | None = Field(None, description="quality: another metric than the first")
    over: SelectorTable | None = Field(None, description="divided by the quantity of these rows")
    minus: SelectorTable | None = Field(None, description="less the quantity of these rows")


class ClaimPartTable(SelectorTable):
    """`[[claims.parts]]`: what is claimed of the rows that the selectors choose."""

    where: list[AskTable] = Field([], description="conditions on the model file")
    ask: list[AskTable] = Field([], description="quantities with the limits that must be kept")
    holds_for: Literal["all", "any"] = Field(
        "all", description="whether all that are chosen must keep them, or one"
    )
    scenario: Literal["latency", "throughput", "paced", "memory", "cold_start"] | None = Field(
        None, description="whose rows are read (that of the first timing quantity)"
    )
    min_cases: Count = Field(50, description="with fewer cases nothing is told of quality")


class ClaimTable(ClaimPartTable):
    """`[[claims]]`: what a paper says, held against the run."""

    id: Name = Field(description="what reports call it")
    text: str = Field(min_length=1, description="what is said, for people")
    source: str = Field(min_length=1, description="where it is said")
    each: Literal["backend", "device", "arch", "variant"] | None = Field(
        None, description="one answer for each of them"
    )
    parts: list[ClaimPartTable] = Field([], description="in place of ask: all must hold")


class SuiteFile(StrictTable):
    """A suite.toml."""

    suite: SuiteTable = Field(description="what is compared")
    variants: list[VariantTable] = Field(min_length=1, description="the models")
    scenarios: ScenariosTable = Field(description="what is measured")
    budgets: list[BudgetTable] = Field([], description="limits, which the gate judges")
    claims: list[ClaimTable] = Field([], description="what a paper says, answered from the run")
    data: dict[str, Any] = Field({}, description="the task's own keys")
    options: dict[str, dict[str, Any]] = Field(
        {}, description="the backends' own, by backend; a list is a sweep"
    )
    agreement: AgreementTable = Field(AgreementTable(), description="when outputs count as garbage")


class BudgetsFile(StrictTable):
    """A file of budgets for `benchhub gate --budgets`."""

    budgets: list[BudgetTable] = Field(min_length=1, description="limits, which the gate judges")


class DeviceTable(StrictTable):
    """`[device]`: how a device is reached."""

    name: Name = Field(description="what runs, reports and budgets call it")
    transport: Literal["local", "ssh"] = Field(description="how it is reached")
    host: str = Field("", description="ssh: a Host of ~/.ssh/config, or an address")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="ssh: its port (as ssh has it)"
    )
    user: str | None = Field(None, description="ssh: who to log in as (as ssh has it)")
    host_key: str | None = Field(
        None, description="ssh: the only key it is known by; `benchhub devices enroll` writes it"
    )
    identity_file: Path | None = Field(
        None, description="ssh: private key to log in with (as ssh has it)"
    )
    proxy_jump: str | None = Field(None, description="ssh: jump hosts (as ssh has it)")
    ssh_config: Path | None = Field(None, description="ssh: other file than ~/.ssh/config")
    ciphers: list[str] = Field(
        [], description="ssh: ciphers to offer, best first; empty: usual ones"
    )
    python: str = Field("python3", description="the interpreter that the runner is started with")
    root: str = Field(
        "~/.cache/benchhub/device", description="the device's folder for models and runner"
    )
    emulated: bool = Field(False, description="an emulator: its times are labelled, never ranked")
    machine: str = Field("", description="devices with the same one take turns; empty: its own")
    connect_timeout_s: Seconds = Field(10.0, description="how long connecting may take")
    lease_wait_s: Wait = Field(
        0.0, description="how long to wait for another controller to be done"
    )


class LimitsTable(StrictTable):
    """`[limits]`: beyond these nothing is measured."""

    max_temperature_c: Positive | None = Field(
        None, description="a launch waits until the device is cooler than this"
    )
    cooldown_s: Wait = Field(30.0, description="how long one pause for cooling lasts")
    max_load: Positive | None = Field(
        None, description="the first launch waits until the load is no higher than this"
    )
    reboot_wait_s: Wait = Field(
        180.0, description="how long a device that vanished in a run may take to come back"
    )


class PowerTable(StrictTable):
    """`[power]`: how a device that does not answer is switched off and on, once a run."""

    cycle: list[Annotated[str, Field(max_length=4096)]] = Field(
        min_length=1,
        max_length=100,
        description="a command and its arguments, which no shell reads; `{name}` and `{host}` in"
        " arguments are the device's",
    )
    timeout_s: Seconds = Field(60.0, description="how long the command may take")


class ProfileFile(StrictTable):
    """A device profile."""

    device: DeviceTable = Field(description="how it is reached")
    limits: LimitsTable = Field(LimitsTable(), description="beyond these nothing is measured")
    power: PowerTable | None = Field(
        None, description="how a device that does not answer is switched off and on"
    )
    labels: dict[str, str] = Field(
        {}, description="texts of your own, shown in reports; `emulation` says what emulates it"
    )
