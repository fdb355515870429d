"""Notebooks as pages: their text, and their code as blocks; the file itself is named there."""

from __future__ import annotations

import json
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook."""
    for file in [one for one in files if one.src_uri.endswith(".ipynb")]:
        name = f"{file.src_uri.removesuffix('.ipynb')}.md"
        files.append(File.generated(config, name, content=as_page(Path(str(file.abs_src_path)))))
    return files


def as_page(notebook: Path) -> str:
    """Return a notebook as Markdown, without outputs: it is kept without any."""
    parts = []
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(f"```python\n{text}\n```" if cell["cell_type"] == "code" else text)
    return "\n\n".join([*parts, f"The notebook itself: `{notebook.name}`, beside this page."])
