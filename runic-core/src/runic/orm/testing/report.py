"""The report: capability by backend, as the tests found it.

Example::

Example::

    pytest tests/conformance --runic-report=md --runic-report-file=docs/capabilities.md
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from runic.orm.compile.dialect import Capability

if TYPE_CHECKING:
    import pytest

__all__ = ["NOTHING", "Outcome", "Result", "render", "render_json", "render_markdown"]

NOTHING = "nothing to refuse"
"""Said of a capability that is not claimed, and whose absence no operation shows."""

type Outcome = Literal["passed", "failed", "refused", "gap", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended on one backend.

    Attributes:
        backend: name and variant of the harness.
        version: the server's.
        area: what its class is about.
        test: ``Class::test``.
        parameters: its parameters, the colour among them.
        capabilities: names of what it requires.
        claimed: names of what the dialect claims.
        outcome: ``refused``: not claimed, and the probe passed; ``gap``: a known one.
        reason: why it was refused, skipped, or is a gap.
    """

    backend: str
    version: str
    area: str
    test: str
    parameters: str
    capabilities: tuple[str, ...]
    claimed: tuple[str, ...]
    outcome: Outcome
    reason: str = ""

    @classmethod
    def of(cls, report: pytest.TestReport, facts: dict[str, Any]) -> Self:
        """The result of a test report."""
        outcome: Outcome = cast("Outcome", report.outcome)
        reason = ""
        if report.outcome == "skipped":
            gap = getattr(report, "wasxfail", None)
            if gap is not None:
                outcome, reason = "gap", str(gap).removeprefix("reason: ")
            else:
                reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
                reason = reason.removeprefix("Skipped: ")
                outcome = "refused" if reason.startswith("not claimed: ") else "skipped"
        return cls(
            facts["backend"],
            facts["version"],
            facts["area"],
            facts["test"],
            facts["parameters"],
            tuple(facts["capabilities"]),
            tuple(facts["claimed"]),
            outcome,
            reason,
        )


def render(results: Sequence[Result], kind: str) -> str:
    """The report as ``"md"`` or ``"json"``."""
    return render_json(results) if kind == "json" else render_markdown(results)


def render_json(results: Sequence[Result]) -> str:
    """Every result, and nothing but results."""
    return json.dumps([dataclasses.asdict(each) for each in results], indent=1, sort_keys=True) + "\n"


def render_markdown(results: Sequence[Result]) -> str:
    """Three tables: capabilities, areas, known gaps."""
    backends = list(dict.fromkeys((each.backend, each.version) for each in results))
    if not backends:
        return "No conformance checks ran.\n"
    heads = [f"{name} {version}".strip() for name, version in backends]
    lines = ["## Capabilities", "", *_table("capability", heads)]
    for capability in Capability:
        cells = [_capability_cell(results, backend, capability.name) for backend, _ in backends]
        lines.append(_row(capability.value, cells))
    lines += ["", "## What was checked", "", *_table("area", heads)]
    for area in dict.fromkeys(each.area for each in results):
        cells = [_area_cell([r for r in results if r.area == area and r.backend == b]) for b, _ in backends]
        lines.append(_row(area, cells))
    gaps = list(dict.fromkeys((r.backend, r.test, r.reason) for r in results if r.outcome == "gap"))
    if gaps:
        lines += ["", "## Known gaps", "", "| backend | check | reason |", "|---|---|---|"]
        lines += [f"| {backend} | `{test}` | {_escaped(reason)} |" for backend, test, reason in gaps]
    return "\n".join(lines) + "\n"


def _table(first: str, heads: Iterable[str]) -> list[str]:
    names = [first, *heads]
    return [_row(names[0], names[1:]), "|" + "---|" * len(names)]


def _row(first: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, (first, *cells)))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _capability_cell(results: Sequence[Result], backend: str, capability: str) -> str:
    own = [each for each in results if each.backend == backend]
    about = [each for each in own if capability in each.capabilities]
    claimed = any(capability in each.claimed for each in own)
    if any(each.outcome == "failed" for each in about):
        return "FAILED"
    if any(each.outcome == "gap" for each in about):
        return "partly (see known gaps)"
    passed = sum(each.outcome == "passed" for each in about)
    if claimed:
        counted = f"yes ({passed} check{'' if passed == 1 else 's'})"
        return counted if passed else "yes (claimed, not checked)"
    refused = any(each.outcome == "refused" and NOTHING not in each.reason for each in about)
    return "no (refused)" if refused else "no"


def _area_cell(results: Sequence[Result]) -> str:
    counts = Counter(each.outcome for each in results)
    order: tuple[Outcome, ...] = ("passed", "failed", "gap", "refused", "skipped")
    return ", ".join(f"{counts[name]} {name}" for name in order if counts[name]) or "-"
