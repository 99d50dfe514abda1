"""A first `cpo` folder, to be filled in: it is in order, and has one task."""

import json
import re
from collections.abc import Mapping

_SPEC = re.compile(r"[A-Z]+-\d+")

PARALLEL_README = """\
# parallel/

One folder per tech spec, each a plan for several agents at once:

    TS-0042-shop/
      manifest.json      the waves: which tasks run together, and what is checked after them
      tasks/             one file per task: what it writes, what it must not touch, what it is to do
      contracts/         what the tasks agree on before any of them begins
      context.md         what all of them must know
      prompts/           prompts of your own, in git as the rest; where there is none, it is made
                         from the task file
      logs/  report.json  integration-report.md      written by a run

    parallel-orchestra validate parallel/TS-0042-shop
    parallel-orchestra run parallel/TS-0042-shop
"""

PARALLEL_GITIGNORE = """\
# Made by each run, or kept aside by tools of the format. Prompts are yours: they belong into git.
*/prompts.backup-*/
*/scripts/
*/logs/
*/report.json
*/integration-report.md
"""

_CONTEXT = """\
# {name}

What every task must know, in a few lines:

- what this is for, and for whom
- how the project is laid out, and how its tests are run
- what is done the same way everywhere
"""

_ARCHITECTURE = """\
# Architecture of {name}

```mermaid
graph TB
    client[Client] --> {node}[{name}<br/>task-001]
```
"""

_TASK_GRAPH = """\
# Tasks of {name}

```mermaid
flowchart TB
    subgraph wave1 [Wave 1]
        t001[task-001: {name}]
    end
```
"""

_TYPES = '''\
"""The types that the tasks of {name} agree on. A design: write them anew in the project."""
'''

_SCHEMA = """\
openapi: 3.0.0
info:
  title: {quoted}
  version: 1.0.0
paths: {{}}
"""

_TASK = """\
---
id: task-001
component: {quoted}
wave: 1
deps: []
agent: general-purpose
skills: []
tech_spec: {spec}
contracts: [contracts/types.py]
---
# task-001: Build {name}

## Scope
CREATE: src/{module}.py, tests/test_{module}.py
BOUNDARY: parallel/**

## Requirements
- Say what is to be built, so that nobody has to ask.

## Checklist
- [ ] Say how one can tell that it is right.
"""

_PROMPTS = """\
# Prompts of {name}

A task without a file `{{id}}.txt` here gets a prompt that is made from its task file.
`parallel-orchestra show-prompt` prints what an agent would get.
"""


def spec_id(text: str) -> str:
    """Returns the id in the name of a tech spec, as in TS-0042; the text if it has none."""
    found = _SPEC.search(text)
    return found[0] if found else text


def name_in(folder: str) -> str:
    """Returns what a folder is called without the id of its tech spec."""
    return _SPEC.sub("", folder, count=1).strip("-_ ") or folder


def skeleton(name: str, spec: str, technology: str, spec_path: str = "") -> Mapping[str, str]:
    """Returns the text of each file by its path in the folder."""
    module = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "project"
    words = {
        "name": name,
        "quoted": json.dumps(name, ensure_ascii=False),
        "spec": spec,
        "module": module,
        "node": f"n_{module}",
    }
    task = {"id": "task-001", "agent": "general-purpose"}
    told = {"tech_spec": spec_path} if spec_path else {}
    manifest = {
        "tech_spec_id": spec,
        "name": name,
        "technology": technology,
        "waves": [{"number": 1, "tasks": [task]}],
        "metadata": {**told, "total_tasks": 1, "max_parallel": 1},
    }
    texts = {
        "context.md": _CONTEXT,
        "architecture.md": _ARCHITECTURE,
        "task-graph.md": _TASK_GRAPH,
        "contracts/types.py": _TYPES,
        "contracts/api-schema.yaml": _SCHEMA,
        f"tasks/task-001-{module.replace('_', '-')}.md": _TASK,
        "prompts/agent-prompts.md": _PROMPTS,
    }
    made = {path: text.format_map(words) for path, text in texts.items()}
    return {"manifest.json": json.dumps(manifest, indent=2) + "\n", **made}
