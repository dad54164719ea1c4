"""A check and its findings."""

from collections.abc import Iterator
from dataclasses import dataclass, field

FINDINGS_SHOWN = 5


@dataclass
class Check:
    """One property that must hold for everything of a kind."""

    name: str
    checked: int = 0
    findings: list[str] = field(default_factory=list)

    def holds(self, condition: bool, finding: str) -> None:
        """Counts one case, and keeps the finding if the property does not hold."""
        self.checked += 1
        if not condition:
            self.findings.append(finding)

    @property
    def passed(self) -> bool:
        """Whether there was something to check and it held."""
        return self.checked > 0 and not self.findings


def table(checks: list[Check]) -> str:
    """The checks with counts, and the first findings of each."""
    width = max(len(check.name) for check in checks)
    return "\n".join(line for check in checks for line in lines(check, width))


def lines(check: Check, width: int) -> Iterator[str]:
    """The lines of one check."""
    verdict = "ok" if check.passed else f"{len(check.findings)} FAILED" if check.findings else "NONE FAILED"
    yield f"{check.name:<{width}}  {check.checked:>7}  {verdict}"
    for finding in check.findings[:FINDINGS_SHOWN]:
        yield f"    {finding}"
