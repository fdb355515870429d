"""Train the quickstart's classifier on the chest X-ray phantom and write it as ONNX.

Run in the checkout, with the `compress` extra installed: python suites/quickstart/train.py
Everything is seeded; the same machine and versions give the same file.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path

import numpy as np
import torch

from benchhub.cli.project import cache
from benchhub.tasks.chest_xray.dataset import open_dataset
from benchhub.tasks.chest_xray.model import BATCH, LEARNING_RATE, Classifier, augment, loss
from benchhub.tasks.metrics.ranking import auc_by_label, macro_auc

HERE = Path(__file__).parent
#: The phantom of suite.toml, with a training split large enough to learn from.
DATA = {"seed": 14, "size": 64, "train_patients": 2200, "test_patients": 300}
SEED = 2017


def train(images: torch.Tensor, truth: torch.Tensor, epochs: int, batch: int = BATCH) -> Classifier:
    """Return a classifier fitted to the training split."""
    model = Classifier().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.02)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    shuffle = np.random.default_rng(SEED)
    for epoch in range(epochs):
        model.train()
        total, start = 0.0, time.perf_counter()
        order = shuffle.permutation(len(images))[: len(images) // batch * batch]
        for rows in order.reshape(-1, batch):
            x, y = augment(images[rows], truth[rows], shuffle)
            lost = loss(model(x.to(memory_format=torch.channels_last)), y)
            optimizer.zero_grad()
            lost.backward()
            optimizer.step()
            schedule.step()
            total += lost.item() * batch
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1:2d}  loss {total / len(order):.4f}  {seconds:.1f} s", flush=True)
    return model.eval()


def bootstrap(scores: np.ndarray, truth: np.ndarray, patients: tuple[str, ...]) -> np.ndarray:
    """Return the macro AUC of 2,000 resamples of whole patients."""
    _, member = np.unique(np.array(patients), return_inverse=True)
    draws = np.random.default_rng(SEED).multinomial(
        member.max() + 1, np.full(member.max() + 1, 1 / (member.max() + 1)), size=2000
    )
    return macro_auc(scores, truth, draws[:, member])


def main() -> None:
    """Train, export, score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--cache", type=Path, default=cache())
    parser.add_argument("--output", type=Path, default=HERE / "chest_xray.onnx")
    asked = parser.parse_args()
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(2)
    start = time.perf_counter()
    data = open_dataset(DATA, HERE, None, asked.cache)
    fit, test = data.training(), data.cases(None)
    print(f"data: {len(fit.ids)} training, {len(test.ids)} test images, ", end="")
    print(f"{time.perf_counter() - start:.1f} s", flush=True)
    images = torch.from_numpy(np.asarray(fit.inputs["image"]))
    model = train(images, torch.from_numpy(fit.labels).float(), asked.epochs)
    with torch.inference_mode():
        scores = model(torch.from_numpy(np.asarray(test.inputs["image"]))).numpy()
    for label, auc in auc_by_label(scores, test.labels, test.label_names).items():
        print(f"{label:20s} {auc:.3f}  {int(test.labels[:, test.label_names.index(label)].sum())}")
    low, high = np.quantile(bootstrap(scores, test.labels, test.groups), [0.025, 0.975])
    macro = macro_auc(scores, test.labels, np.ones((1, len(scores))))[0]
    print(f"macro AUC {macro:.4f} [{low:.4f}, {high:.4f}]")
    model.fold()
    torch.onnx.export(
        model,
        (images[:1],),
        str(asked.output),
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    blob = asked.output.read_bytes()
    print(f"{asked.output}: {len(blob)} bytes, sha256 {hashlib.sha256(blob).hexdigest()}")
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
