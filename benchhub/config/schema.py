"""The tables of suite and profile files as pydantic models; also the source of JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES

Count = Annotated[int, Field(ge=1, strict=True)]
Positive = Annotated[float, Field(gt=0)]
Limit = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Precision = Literal["f32", "tf32", "f16", "bf16"]
#: What a claim may ask for.
CLAIMED = tuple(name for name, of in QUANTITIES.items() if of.claimed)
Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=False, validate_by_alias=True)


class SuiteTable(_Table):
    """`[suite]`: what is compared."""

    name: Name
    task: str = Field(description="chest_xray, npz, or a task of an entry point")
    baseline: str = Field(description="the variant that losses and speed-ups refer to")
    backends: list[str] = Field(min_length=1)
    effort: Literal["quick", "standard", "rigorous"] = "standard"
    precision: Precision | list[Precision] = Field(
        "f32", description="arithmetic a backend may use where it has a choice; a list is a sweep"
    )
    seed: int = 0
    deadline_s: Positive = Field(120.0, description="a launch that lives longer is killed")
    requires_selftest: bool = Field(
        False, strict=True, description="measure no device without a self-test passed of late"
    )


class VariantTable(_Table):
    """`[[variants]]`: a model file, or a recipe, which most often begins from another variant."""

    name: Name
    model: Path | None = None
    source: str | None = Field(None, alias="from")
    recipe: str | dict[str, Any] | None = None
    backends: list[str] = Field([], description="those it is meant for; empty: all")
    against: str | None = Field(
        None, description="the variant its speed-up and compression refer to (default: baseline)"
    )
    approximates: bool = Field(
        True, description="of a file: it should answer as the baseline does; not if fitted anew"
    )


class ScenarioTable(_Table):
    """`[scenarios.NAME]`: settings to sweep; the effort level fills what is left out."""

    batch: Count | list[Count] = 1
    threads: Count | list[Count] = 1
    cases: Count | None = Field(None, description="quality: how many test cases (default all)")
    launches: Count | None = None
    iterations: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = None
    max_timed_s: Positive | None = None
    concurrency: Count | list[Count] | None = Field(
        None, description="throughput, paced: calls under way at once"
    )
    rate_per_s: Positive | list[Positive] | None = Field(
        None, description="paced: arrivals per second; a list is a sweep"
    )
    arrivals: Literal["poisson", "fixed"] | None = Field(None, description="paced")


class ScenariosTable(_Table):
    """`[scenarios]`: what is measured."""

    latency: ScenarioTable | None = None
    throughput: ScenarioTable | None = None
    paced: ScenarioTable | None = None
    memory: ScenarioTable | None = None
    cold_start: ScenarioTable | None = None
    quality: ScenarioTable | None = None
    profile: ScenarioTable | None = None


class _BudgetSelectors(_Table):
    """What a budget has beside its limits."""

    name: str | None = None
    devices: list[str] = []
    variants: list[str] = []
    backends: list[str] = []
    threads: Count | list[Count] | None = None
    paced_min_rate_per_s: Positive | None = Field(
        None, description="the paced limits are to be met at this rate or a higher one"
    )
    quality_loss_relative: bool = Field(
        False, description="quality_loss_max is a share of the baseline's quality"
    )
    quality_min_cases: Count = 200


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
        unit = f", {quantity.unit}" if quantity.unit else ""
        where = f" in {key.scenario} cells" if key.scenario else ""
        text = f"at {side} this {quantity.words}{unit}{where}"
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


class AgreementTable(_Table):
    """`[agreement]`: when a variant's outputs count as garbage (see docs/concepts.md)."""

    max_relative: Positive = 0.5


class SelectorTable(_Table):
    """Which rows; what is left out chooses all."""

    variants: list[str] = Field([], description="names, or patterns with *")
    devices: list[str] = []
    backends: list[str] = []
    arch: list[str] = Field([], description="x86_64, aarch64, ..")
    threads: Count | list[Count] | None = None
    batch: Count | list[Count] | None = None
    precision: Precision | list[Precision] | None = None
    gpu: bool | None = Field(None, strict=True, description="computed on a GPU, or not")
    emulated: bool | None = Field(None, strict=True)


class AskTable(_Table):
    """A quantity and its limits."""

    quantity: str = Field(json_schema_extra={"enum": list(CLAIMED)})
    at_least: Limit | None = None
    at_most: Limit | None = None
    between: list[Limit] | None = Field(
        None, min_length=2, max_length=2, description="at_least and at_most in one"
    )
    metric: str | None = Field(None, description="quality: another metric than the first")
    over: SelectorTable | None = Field(None, description="divided by the quantity of these rows")
    minus: SelectorTable | None = Field(None, description="less the quantity of these rows")


class ClaimPartTable(SelectorTable):
    """`[[claims.parts]]`: what is claimed of the rows that the selectors choose."""

    where: list[AskTable] = Field([], description="conditions on the model file")
    ask: list[AskTable] = []
    holds_for: Literal["all", "any"] = "all"
    scenario: Literal["latency", "throughput", "paced", "memory", "cold_start"] | None = None
    min_cases: Count = 50


class ClaimTable(ClaimPartTable):
    """`[[claims]]`: what a paper says, held against the run (see docs/claims.md)."""

    id: Name
    text: str = Field(min_length=1)
    source: str = Field(min_length=1, description="where it is said")
    each: Literal["backend", "device", "arch", "variant"] | None = Field(
        None, description="one answer for each of them"
    )
    parts: list[ClaimPartTable] = Field([], description="in place of ask: all must hold")


class SuiteFile(_Table):
    """A suite.toml."""

    suite: SuiteTable
    variants: list[VariantTable] = Field(min_length=1)
    scenarios: ScenariosTable
    budgets: list[BudgetTable] = []
    claims: list[ClaimTable] = []
    data: dict[str, Any] = {}
    options: dict[str, dict[str, Any]] = Field({}, description="by backend")
    agreement: AgreementTable = AgreementTable()


class BudgetsFile(_Table):
    """A file of budgets for `benchhub gate --budgets`."""

    budgets: list[BudgetTable] = Field(min_length=1)


class DeviceTable(_Table):
    """`[device]`: how a device is reached."""

    name: Name
    transport: Literal["local", "ssh"]
    host: str = Field("", description="a Host of ~/.ssh/config, or an address")
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: str | None = None
    host_key: str | None = Field(None, description="written by `benchhub devices enroll`")
    identity_file: Path | None = None
    proxy_jump: str | None = None
    ssh_config: Path | None = None
    ciphers: list[str] = []
    python: str = "python3"
    root: str = "~/.cache/benchhub/device"
    emulated: bool = False
    machine: str = Field("", description="devices with the same one take turns")
    connect_timeout_s: Positive = 10.0
    lease_wait_s: Annotated[float, Field(ge=0)] = 0.0


class LimitsTable(_Table):
    """`[limits]`: beyond these nothing is measured."""

    max_temperature_c: Positive | None = Field(
        None, description="a launch waits until the device is cooler than this"
    )
    cooldown_s: Annotated[float, Field(ge=0)] = Field(
        30.0, description="how long one pause for cooling lasts"
    )
    max_load: Positive | None = None
    reboot_wait_s: Annotated[float, Field(ge=0)] = Field(
        180.0, description="how long a device that vanished in a run may take to come back"
    )


class ProfileFile(_Table):
    """A device profile."""

    device: DeviceTable
    limits: LimitsTable = LimitsTable()
    labels: dict[str, str] = {}
