"""COCO's mean average precision as pycocotools' users compute it."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def coco(outputs: np.ndarray, labels: np.ndarray, images: list[int]) -> tuple[float, float, float]:
    """What pycocotools says of detections and true boxes, (cases, n, 6) both, of `images`.

    An image that is there twice is two images.
    """
    truth, found = [], []
    for image, case in enumerate(images):
        for x1, y1, x2, y2, kind, crowd in labels[case].tolist():
            if kind >= 0:
                sides = [x1, y1, x2 - x1, y2 - y1]
                truth.append({
                    "id": len(truth) + 1, "image_id": image, "category_id": int(kind),
                    "bbox": sides, "area": sides[2] * sides[3], "iscrowd": int(crowd),
                })  # fmt: skip
        for x1, y1, x2, y2, score, kind in outputs[case].tolist():
            if kind >= 0:
                sides = [x1, y1, max(x2 - x1, 0), max(y2 - y1, 0)]
                found.append({
                    "image_id": image, "category_id": int(kind), "bbox": sides, "score": score,
                })  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        mine = COCO()
        mine.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(len(images))],
            "annotations": truth,
            "categories": [{"id": k} for k in range(int(labels[..., 4].max()) + 1)],
        }
        mine.createIndex()
        made = COCOeval(mine, mine.loadRes(found), "bbox")
        made.evaluate()
        made.accumulate()
        made.summarize()
    return tuple(float(one) for one in made.stats[:3])
