"""Whether the stored versions are what callers sent: nothing lost, altered or doubled."""

from chaos.check import Check
from chaos.evidence import Evidence, Version, content, grouped
from chaos.ledger import Entry


def lost(evidence: Evidence) -> Check:
    """Every acknowledged write made the version that was acknowledged, or says why it made none."""
    check = Check("acknowledged writes are stored")
    for entry in evidence.entries:
        if entry.request.writes and entry.acknowledged:
            problem = loss(evidence, entry)
            check.holds(not problem, f"{entry}: {problem}")
    return check


def loss(evidence: Evidence, entry: Entry) -> str:
    """What is missing of an acknowledged write."""
    made = evidence.made_by(entry)
    response = entry.response
    if response is None or not (made or response.replayed or evidence.changed_nothing(entry)):
        return "it made no version"
    if entry.request.operation == "delete":
        return "" if all(version.deleted for version in made) else "its version is no deletion"
    record = evidence.versions.get((entry.request.kind, response.body["id"]), {})
    version = record.get(response.version or 0)
    if version is None:
        return f"version {response.version} is missing"
    if made and version not in made:
        return f"version {response.version} is of another request"
    return ""


def altered(evidence: Evidence) -> Check:
    """Every version has the content that its request sent, and that was acknowledged."""
    check = Check("versions are as they were sent")
    for entry in evidence.entries:
        if not entry.request.writes:
            continue
        for version in evidence.made_by(entry):
            right = asked(evidence, entry, version) in (None, version.content)
            check.holds(right, f"{entry}: {version} has other content")
            right = version.deleted == (entry.request.operation == "delete")
            check.holds(right, f"{entry}: {version} is deleted, or is not")
        if entry.acknowledged and entry.response and entry.response.body:
            problem = difference(evidence, entry)
            check.holds(not problem, f"{entry}: {problem}")
    return check


def asked(evidence: Evidence, entry: Entry, version: Version) -> dict[str, object] | None:
    """The content that a request asked for; None if that was of a version that is missing."""
    request = entry.request
    if request.operation in ("create", "update"):
        return content(request.body)
    source = request.version if request.operation == "restore" else version.number - 1
    found = evidence.versions[version.kind, version.id].get(source or 0)
    return found.content if found else None


def difference(evidence: Evidence, entry: Entry) -> str:
    """How the version that was acknowledged differs from the one that is stored."""
    response = entry.response
    if response is None:
        return ""
    body = response.body
    version = evidence.versions.get((entry.request.kind, body["id"]), {}).get(response.version or 0)
    if version is None:
        return ""
    if version.content != content(body):
        return f"{version} is not as acknowledged"
    return "" if version.last_updated == body["lastUpdated"] else f"{version} was written again"


def doubled(evidence: Evidence) -> Check:
    """No request and no idempotency key made two versions."""
    check = Check("no request and no key made two versions")
    for entry in evidence.entries:
        check.holds(len(evidence.made_by(entry)) <= 1, f"{entry} made several versions")
    with_key = ((key_of(entry), entry) for entry in evidence.entries if entry.request.key)
    for key, entries in grouped(with_key).items():
        ids = {version.id for entry in entries for version in evidence.made_by(entry)}
        ids |= {entry.response.body["id"] for entry in entries if entry.acknowledged and entry.response}
        check.holds(len(ids) <= 1, f"{key} made several records: {sorted(ids)}")
    return check


def key_of(entry: Entry) -> tuple[str, str | None]:
    """An idempotency key belongs to its path."""
    return entry.request.path, entry.request.key


def refused(evidence: Evidence) -> Check:
    """A refused request and a read made no version."""
    check = Check("refused requests and reads made no version")
    for entry in evidence.entries:
        if not entry.request.writes or (entry.response and entry.response.refuses):
            check.holds(not evidence.made_by(entry), f"{entry} made a version")
    return check


def gaps(evidence: Evidence) -> Check:
    """The versions of a record are numbered from 1 to that of the current one."""
    check = Check("version numbers have no gaps")
    for (kind, identifier), versions in evidence.versions.items():
        newest = max(versions)
        whole = sorted(versions) == list(range(1, newest + 1)) and versions[newest].current
        check.holds(whole, f"{kind} {identifier} has versions {sorted(versions)}")
    for version in evidence.stored:
        if not version.current:
            name = f"{version.id}:{version.number}"
            check.holds(version.name == name, f"{version} is stored as {version.name}")
    return check


def copies(evidence: Evidence) -> Check:
    """A copy of the current version in the history is the same."""
    check = Check("copies of current versions are the same")
    for copy in evidence.stored:
        current = evidence.versions[copy.kind, copy.id].get(copy.number)
        if current and current.current and not copy.current:
            check.holds(same(copy, current), f"{copy} differs from its copy in the history")
    # There may be none.
    check.checked = max(check.checked, 1)
    return check


def same(one: Version, other: Version) -> bool:
    """Whether two documents are the same version."""
    facts = [
        (version.audit_id, version.content, version.deleted, version.restored, version.last_updated)
        for version in (one, other)
    ]
    return facts[0] == facts[1]


CHECKS = (lost, altered, doubled, refused, gaps, copies)
