"""A folder for a provider, begun from its OpenAPI document: which files it has, and what is in each."""

from collections.abc import Sequence
from dataclasses import dataclass

from capability_index.documents import parse_page, tools_table
from tools.errors import ImportFailed
from tools.operation import Failure
from tools.sources.import_source import SourceDocument
from tools.sources.openapi.import_document import import_document
from tools.sources.openapi.overlay import Overlay
from tools.sources.scaffold.contract_test import contract_test
from tools.sources.scaffold.pages import page_of
from tools.sources.scaffold.provider_file import provider_file

#: more pages than this nobody reads
MAX_OPERATIONS = 1_000
PAGES = "pages"


@dataclass(frozen=True, slots=True)
class Scaffold:
    """`files`: relative path -> content. `skipped`: operations that cannot come in, each with the reason."""

    title: str
    files: dict[str, bytes]
    operations: int
    skipped: tuple[str, ...]
    #: what the provider file says accounts are; "" where there is none
    auth: str


def scaffold_of(document: SourceDocument, provider: str, include: Sequence[str] = ()) -> Scaffold:
    """Return the scaffold of a document that stands alone. Raises ImportFailed, ProviderInvalid."""
    if document.externals:
        message = f"it refers to {len(document.externals)} other documents; bundle it into one, so that the folder stands alone"
        raise ImportFailed(Failure("not_bundled", message))
    found = import_document(document.raw, provider=provider, tenant_id=None, location=document.location, include=include, overlay=Overlay())
    if len(found.operations) > MAX_OPERATIONS:
        message = f"it has {len(found.operations):,} operations, and {MAX_OPERATIONS:,} pages are the most; choose some with --include"
        raise ImportFailed(Failure("too_many_operations", message))
    name = f"openapi.{'json' if document.raw.lstrip()[:1] == b'{' else 'yaml'}"
    pages = {f"{PAGES}/{operation.id}.md": page_of(operation) for operation in found.operations}
    schemes = found.source.settings["security_schemes"]
    accounts = provider_file(provider, found.title, schemes, document.location)
    texts = {
        **({f"{provider}.yaml": accounts} if accounts is not None else {}),
        **pages,
        "TOOLS.md": _index(found.title, pages),
        f"test_{provider.replace('-', '_')}_contract.py": contract_test(provider, name, tuple(include)),
    }
    files = {name: document.raw, **{path: text.encode() for path, text in texts.items()}}
    auth = "" if accounts is None else next(line.partition(": ")[2] for line in accounts.splitlines() if line.startswith("auth: "))
    return Scaffold(found.title, files, len(found.operations), tuple(f"{one.where}: {one.reason}" for one in found.skipped), auth)


def _index(title: str, pages: dict[str, str]) -> str:
    """Return the table of the pages, as TOOLS.md of the built-in operations is one."""
    read = [parse_page(text, path.rpartition("/")[2]) for path, text in pages.items()]
    return tools_table(read, f"Operations of {title}", PAGES, "Begun by `ascend provider scaffold`; one row a page.")
