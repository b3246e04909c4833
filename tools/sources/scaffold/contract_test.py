"""The test that a scaffold brings along: what the pages say is what the document gives."""

_TEST = '''\
"""The contract of {provider}: its document gives the operations that its pages describe, and each is found by its own words.

Begun by `ascend provider scaffold`. It needs no account and no network: run it after every change of the document or of a page.
"""

from functools import cache
from pathlib import Path

import yaml

from capability_index.documents import OperationPage, load_pages
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from oauth.connections.provider import parse
from tools.operation import Operation
from tools.sources.openapi.import_document import import_document

HERE = Path(__file__).parent
PROVIDER, DOCUMENT = {provider!r}, {document!r}
INCLUDE: tuple[str, ...] = {include!r}
#: of the pages, evenly spread, that are looked for in the index
SEARCHED = 20


@cache
def operations() -> dict[str, Operation]:
    raw = (HERE / DOCUMENT).read_bytes()
    found = import_document(raw, provider=PROVIDER, tenant_id=None, location=(HERE / DOCUMENT).as_uri(), include=INCLUDE)
    return {{operation.id: operation for operation in found.operations}}


@cache
def pages() -> dict[str, OperationPage]:
    return {{page.document.slug: page for page in load_pages(HERE / "pages")}}


def test_every_operation_has_a_page_and_every_page_an_operation() -> None:
    assert sorted(operations()) == sorted(pages())


def test_a_page_says_what_an_operation_may_do_and_what_it_takes() -> None:
    """A tier that changed, or a parameter that is gone, changes what may be called without a yes, and how."""
    for slug, page in pages().items():
        operation = operations()[slug]
        assert page.access == operation.access, slug
        taken = operation.input_schema.get("properties", {{}})
        assert {{each.name for each in page.document.parameters}} <= set(taken), slug


def test_each_operation_is_found_by_its_own_words() -> None:
    index = CapabilityIndex(None)
    index.upsert("*", [page.document for page in pages().values()])
    slugs = sorted(pages())
    for slug in slugs[:: max(1, len(slugs) // SEARCHED)]:
        document = pages()[slug].document
        hits = index.search(f"{{document.title}} {{document.summary}}", Visible(("*",)), k=20).hits
        assert slug in {{hit.slug for hit in hits}}, slug


def test_the_provider_file_keeps_to_its_schema() -> None:
    file = HERE / f"{{PROVIDER}}.yaml"
    # An API that asks for no account has none.
    if file.exists():
        assert parse(yaml.safe_load(file.read_text(encoding="utf-8")), {{}}, file.name).provider_id == PROVIDER
'''


def contract_test(provider: str, document: str, include: tuple[str, ...]) -> str:
    """Return the test; `document`: the name of the file beside it."""
    return _TEST.format(provider=provider, document=document, include=include)
