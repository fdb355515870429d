"""Claims as users write them: read as meant, and every mistake is one line with file and key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import make_plan, make_run
from claim_runs import read
from repository import ROOT
from typer.testing import CliRunner

from benchhub.cli import app
from benchhub.config.suite import load_suite
from benchhub.errors import ConfigError
from benchhub.model.claim import Ask, Claim, ClaimPart, Selector
from benchhub.store import Store

HEAD = '[[claims]]\nid = "c"\ntext = "t"\nsource = "s"\n'
ASK = 'ask = [{ quantity = "speedup", at_least = 2 }]\n'
WHOLE = """\
variants = ["int8-*"]
arch = ["x86_64"]
threads = [1, 2]
batch = 1
gpu = false
holds_for = "any"
each = "backend"
where = [{ quantity = "compression_bytes", between = [2, 4] }]
ask = [{ quantity = "p50_ms", at_most = 1, over = { variants = ["fp32"], gpu = true } }]
"""


def test_a_claim_is_read(tmp_path: Path) -> None:
    (claim,) = load_suite(read(tmp_path, HEAD + WHOLE, ["int8-a"])).claims
    part = ClaimPart(
        of=Selector(
            variants=("int8-*",), arch=("x86_64",), threads=(1, 2), batches=(1,), gpu=False
        ),
        ask=(Ask("p50_ms", at_most=1.0, over=Selector(variants=("fp32",), gpu=True)),),
        where=(Ask("compression_bytes", at_least=2.0, at_most=4.0),),
        any=True,
    )
    assert claim == Claim("c", "t", "s", (part,), "backend")


def test_a_run_keeps_its_claims(tmp_path: Path) -> None:
    claims = load_suite(read(tmp_path, HEAD + WHOLE, ["int8-a"])).claims
    with Store.open(f"sqlite:///{tmp_path}/results.db") as store:
        store.create_run(make_run(), make_plan(), None, [], (), claims)
        store.create_run(make_run(id="other"), make_plan(), None, [], ())
        assert store.claims(make_run().id) == claims
        assert store.claims("other") == ()
        store.delete_run(make_run().id)
        assert store.claims(make_run().id) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ASK + 'variants = ["int9"]\n',
         "claims[0].variants: int9 is not in it; did you mean int8?"),
        (ASK + 'variants = ["bf*"]\n', "claims[0].variants: bf* is not in it; known: fp32, int8"),
        (ASK + 'backends = ["openvin"]\n',
         "claims[0].backends: openvin is not in it; did you mean openvino?"),
        ('ask = [{ quantity = "quality_los", at_most = 1 }]\n',
         "claims[0].ask[0].quantity: unknown quality_los; did you mean quality_loss?"),
        ('ask = [{ quantity = "speedup" }]\n',
         "claims[0].ask[0]: no limit; add at_most, at_least or between"),
        ('ask = [{ quantity = "speedup", at_least = 3, at_most = 2 }]\n',
         "claims[0].ask[0]: contradictory limits: nothing is at least 3 and at most 2"),
        ('ask = [{ quantity = "speedup", between = [4, 2] }]\n',
         "claims[0].ask[0]: contradictory limits: nothing is at least 4 and at most 2"),
        ('ask = [{ quantity = "speedup", between = [2, 4], at_most = 3 }]\n',
         "claims[0].ask[0].between: stands for at_least and at_most; remove those"),
        ('ask = [{ quantity = "speedup", between = [2] }]\n',
         "claims[0].ask[0].between = [2]: should have 2 items or more"),
        ('ask = [{ quantity = "speedup", at_most = "2" }]\n',
         "claims[0].ask[0].at_most = '2': should be a number"),
        ('ask = [{ quantity = "speedup", at_most = inf }]\n',
         "claims[0].ask[0].at_most = inf: should be a finite number"),
        ('ask = [{ quantity = "speedup", metric = "dice", at_most = 3 }]\n',
         "claims[0].ask[0].metric: speedup is of no metric; remove it"),
        ('ask = [{ quantity = "p50_ms", over = {}, minus = {}, at_most = 3 }]\n',
         "claims[0].ask[0]: over and minus exclude each other; keep one"),
        ('ask = [{ quantity = "p50_ms", at_mots = 3 }]\n',
         "claims[0].ask[0].at_mots is unknown; did you mean at_most?"),
        ('ask = [{ quantity = "p50_ms", at_most = 1, over = { variant = ["x"] } }]\n',
         "claims[0].ask[0].over.variant is unknown; did you mean variants?"),
        ('ask = [{ quantity = "p50_ms", at_most = 1, over = { variants = ["fp3"] } }]\n',
         "claims[0].ask[0].over.variants: fp3 is not in it; did you mean fp32?"),
        (ASK + 'where = [{ quantity = "quality_loss", at_most = 1 }]\n',
         "claims[0].where[0]: quality_loss is not of the model file alone"),
        ("", "claims[0].ask is missing; say which quantity must keep which limit"),
        (ASK + 'holds_for = "some"\n', "claims[0].holds_for = 'some': should be all or any"),
        (ASK + 'each = "thread"\n', "claims[0].each = 'thread': should be "),
        (ASK + "gpu = 1\n", "claims[0].gpu = 1: should be true or false"),
        (ASK + "[[claims.parts]]\n" + ASK,
         "claims[0].ask: a claim with parts has that in each part; move it there"),
        ("[[claims.parts]]\n", "claims[0].parts[0].ask is missing"),
        ("[[claims.parts]]\n" + ASK.replace("speedup", "speed-up"),
         "claims[0].parts[0].ask[0].quantity: unknown speed-up; did you mean speedup?"),
        (ASK + HEAD + ASK, "claim c is defined twice; rename one"),
        (ASK + "verdict = 'holds'\n", "claims[0].verdict is unknown"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = read(tmp_path, HEAD + text, ["int8"])
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{path}: ")
    assert message in said


@pytest.mark.parametrize("missing", ["id", "text", "source"])
def test_what_every_claim_needs(tmp_path: Path, missing: str) -> None:
    kept = "".join(line for line in HEAD.splitlines(True) if not line.startswith(missing))
    with pytest.raises(ConfigError, match=rf"claims\[0\].{missing} is missing"):
        load_suite(read(tmp_path, kept + ASK))


def test_the_schema_knows_claims() -> None:
    done = CliRunner().invoke(app, ["schema", "suite"])
    schema = json.loads(done.stdout)
    claim = schema["$defs"]["ClaimTable"]["properties"]
    assert {"id", "text", "source", "where", "ask", "parts", "each"} <= set(claim)
    assert "speedup" in schema["$defs"]["AskTable"]["properties"]["quantity"]["enum"]


def test_every_example_in_the_docs_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "claims.md").read_text("utf-8")
    examples = [part.split("```")[0] for part in text.split("```toml\n")[1:]]
    assert len(examples) > 5
    variants = [
        "sculpted-900", "int8-static", "fp16", "segmentation-layer-16", "segmentation-network-16",
        "l2-iterative-90", "l1-70", "bn-70", "layer-4", "network-4", "layer-32", "network-32",
    ]  # fmt: skip
    suite = load_suite(read(tmp_path, "\n".join(dict.fromkeys(examples)), variants))
    assert len({claim.id for claim in suite.claims}) >= 9
