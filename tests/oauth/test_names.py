"""Names that stand in URLs and rows are whole lines: none ends with a line break that nobody sees."""

import pytest

from oauth.connections.connecting.keys import check_alias, check_provider
from oauth.tenants import is_valid_name


def test_no_name_ends_with_a_line_break() -> None:
    assert is_valid_name("acme")
    assert not is_valid_name("acme\n")
    for check in (check_provider, check_alias):
        assert check("acme") == "acme"
        with pytest.raises(Exception, match="acme"):
            check("acme\n")
