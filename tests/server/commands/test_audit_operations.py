"""`ascend audit operations`: what an operation is called, what it may do and what its document says must agree."""

import gzip
import json
from pathlib import Path

import pytest

from tests.command_line import ascend_here
from tools.sources.openapi.import_document import import_document
from tools.sources.operation_audit import misfits_of

PINS = {
    "openapi": "3.0.3",
    "info": {"title": "Pins", "version": "1"},
    "servers": [{"url": "https://api.example.com"}],
    "paths": {"/pins/{id}": {"delete": {"operationId": "delete_pin", "responses": {"204": {"description": "gone"}}}}},
}
DOCUMENTS = (
    "box-openapi3.json",
    "discord.json",
    "figma.yaml",
    "kubernetes-swagger2.json.gz",
    "netlify-swagger2.yml",
    "openai.yaml",
    "sendgrid.json",
    "slack-web-swagger2.json",
    "twilio-api-v2010.json",
)


def test_a_catalogue_whose_names_fit_passes_and_one_that_says_the_opposite_fails(tmp_path: Path) -> None:
    """A DELETE that an overlay calls `pin` is told, a line each, and exits with 1."""
    document, overlay = tmp_path / "pins.json", tmp_path / "overlay.yaml"
    document.write_text(json.dumps(PINS))
    overlay.write_text("operations:\n  discord.pins.delete: {id: discord.pins.pin}\n")
    words = ("import", "openapi", str(document), "--provider", "discord", "--shared")
    assert ascend_here(*words, data_dir=tmp_path).returncode == 0
    fits = ascend_here("audit", "operations", "--json", data_dir=tmp_path)
    assert (fits.returncode, json.loads(fits.stdout)) == (0, [])
    assert ascend_here(*words, "--overlay", str(overlay), data_dir=tmp_path).returncode == 0
    misfit = ascend_here("audit", "operations", "--json", data_dir=tmp_path)
    assert misfit.returncode == 1
    [row] = json.loads(misfit.stdout)
    assert row["operation"] == "discord.pins.pin"
    assert "'pin' removes nothing" in row["misfit"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_name_and_no_tier_of_a_real_document_says_the_opposite(shared_data: Path, name: str) -> None:
    """Issue 12: 0 in all documents."""
    path = shared_data / "specs" / name
    if not path.is_file():
        pytest.skip("the document is not among the shared data")
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    result = import_document(raw, provider="x", tenant_id=None, location=str(path), base_url="https://api.example.com")
    assert [f"{each.id}: {misfit}" for each in result.operations for misfit in misfits_of(each)] == []
