"""Makes the files of docs/how-to/query/ from the queries of docs/how-to/query.md.

Datasette's metadata, and a dashboard and a data source for Grafana to be provisioned with.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "how-to" / "query.md"
FOLDER = PAGE.with_suffix("")
_QUERY = re.compile(r"^### (.+?)\n(.*?)```sql\n(.*?)```", re.MULTILINE | re.DOTALL)
_SOURCE = {"type": "grafana-postgresql-datasource", "uid": "benchhub"}
#: How a panel of Grafana shows a query, its unit, and how wide it is; others are no panels.
PANELS = {
    "Median of each run": ("timeseries", "ms", 24),
    "95th percentile of each launch": ("timeseries", "ms", 24),
    "Failed launches a day": ("barchart", "short", 12),
    "Temperature before launches": ("timeseries", "celsius", 12),
    "Runs under way": ("table", "", 12),
    "Devices in quarantine": ("table", "", 12),
}
_DATASOURCE = """\
# Goes into /etc/grafana/provisioning/datasources; see docs/how-to/query.md.
apiVersion: 1
datasources:
  - name: benchhub
    uid: benchhub
    type: grafana-postgresql-datasource
    url: db.example:5432
    user: bench_grafana
    secureJsonData:
      password: $BENCHHUB_GRAFANA_PASSWORD
    jsonData:
      database: bench
      sslmode: verify-full
      postgresVersion: 1500
    editable: false
"""


def queries(program: str) -> dict[str, str]:
    """Return the queries that a page's part has for a program, by their titles."""
    part = re.split(rf"^## {program}.*$", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1]
    part = re.split(r"^## ", part, flags=re.MULTILINE)[0]
    return {title: sql.strip().rstrip(";") for title, _, sql in _QUERY.findall(part)}


def files() -> dict[str, str]:
    """Return the files by their names."""
    return {
        "datasette.json": _json(_metadata()),
        "grafana-dashboard.json": _json(_dashboard()),
        "grafana-datasource.yaml": _DATASOURCE,
    }


def _metadata() -> dict[str, Any]:
    asked = {
        re.sub(r"\W+", "_", title.lower()).strip("_"): {"title": title, "sql": sql}
        for title, sql in queries("Datasette").items()
    }
    return {
        "title": "benchhub",
        "description": "Launches as they were kept; intervals and verdicts are in reports.",
        "databases": {"benchhub": {"queries": asked}},
    }


def _dashboard() -> dict[str, Any]:
    asked = queries("Grafana")
    panels, x, y = [], 0, 0
    for number, (title, (kind, unit, width)) in enumerate(PANELS.items(), 1):
        if x + width > 24:
            x, y = 0, y + 9
        panels.append(
            {
                "id": number,
                "title": title,
                "type": kind,
                "datasource": _SOURCE,
                "gridPos": {"h": 9, "w": width, "x": x, "y": y},
                "fieldConfig": {"defaults": {"unit": unit} if unit else {}, "overrides": []},
                "targets": [_target(asked[title], "table" if kind == "table" else "time_series")],
            }
        )
        x += width
    versions = asked["New versions of runtimes"]
    return {
        "uid": "benchhub",
        "title": "benchhub",
        "editable": False,
        "refresh": "1m",
        "schemaVersion": 39,
        "time": {"from": "now-30d", "to": "now"},
        "annotations": {
            "list": [
                {
                    "name": "New versions of runtimes",
                    "enable": True,
                    "iconColor": "orange",
                    "datasource": _SOURCE,
                    "target": _target(versions, "table"),
                }
            ]
        },
        "templating": {
            "list": [
                {
                    "name": "suite",
                    "type": "query",
                    "datasource": _SOURCE,
                    "query": asked["Suites to choose from"],
                    "refresh": 2,
                }
            ]
        },
        "panels": panels,
    }


def _target(sql: str, shape: str) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": _SOURCE,
        "editorMode": "code",
        "rawQuery": True,
        "format": shape,
        "rawSql": sql,
    }


def _json(told: dict[str, Any]) -> str:
    return f"{json.dumps(told, indent=2, ensure_ascii=False)}\n"


def main() -> int:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
