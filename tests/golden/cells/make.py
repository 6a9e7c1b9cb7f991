#!/usr/bin/env python3
"""Writes what jupytext makes of each .cells file here: NAME.json, its cells as read, and NAME.canonical, the file as it
writes it (not of odd.cells, whose metadata it writes in ways that it does not read back). Made with jupytext 1.19.6: pip install jupytext==1.19.6."""
import glob
import json

import jupytext

FORMAT = {
    "extension": ".lua",
    "format_name": "percent",
    "comment_magics": False,  # celda keeps `-- %magic` as it stands
    "notebook_metadata_filter": "-all",
    "root_level_metadata_as_raw_cell": True,
}
KINDS = {"code": 0, "markdown": 1, "raw": 2}

for path in sorted(glob.glob("*.cells")):
    with open(path, encoding="utf-8", newline="") as f:
        notebook = jupytext.reads(f.read(), dict(FORMAT))
    cells = []
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        metadata = dict(cell.metadata)
        title, depth = metadata.pop("title", ""), metadata.pop("cell_depth", 0)
        if cell.cell_type == "raw" and cell.source.startswith("---\n"):
            continue  # the header, which is no cell of celda's
        source = cell.source.rstrip()
        cells.append({"kind": KINDS[cell.cell_type], "title": title, "depth": depth, "metadata": metadata, "source": source})
    name = path.removesuffix(".cells")
    with open(name + ".json", "w", encoding="utf-8") as f:
        json.dump(cells, f, indent=1)
        f.write("\n")
    if name == "odd":
        continue
    with open(name + ".canonical", "w", encoding="utf-8") as f:
        f.write(jupytext.writes(notebook, dict(FORMAT)))
