"""Every file that the guide shows can be applied."""

import re

import pytest

from tests.conftest import REPOSITORY
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.notes import notes_on
from tools.ai_gateway.configuration.read_document import read_toml

GUIDE = (REPOSITORY / "docs/guides/ai-configuration.md").read_text(encoding="utf-8")
FILES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
#: what a section of the page takes from another one
AROUND = "\n[providers.workers_ai]\nbase_url = 'https://api.cloudflare.com/client/v4/accounts/ID'\n"


@pytest.mark.parametrize("number", range(len(FILES)))
def test_a_file_of_the_guide_is_sound_and_means_what_it_says(number: int) -> None:
    text = FILES[number] if "workers_ai" in FILES[number] else FILES[number] + AROUND
    assert list(notes_on(build_config(read_toml(text.encode())), ["acme"])) == []


def test_the_guide_names_every_well_known_provider() -> None:
    assert [name for name in build_config({}).providers if f"`{name}`" not in GUIDE] == []
