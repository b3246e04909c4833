"""What must always hold, each with the test that holds it: `python -m benchmarks.invariants` writes docs/INVARIANTS.md.

The sentence is the test's own name, so neither can change without the other. A test that is gone or renamed is noticed by
tests/house/test_reference.py, as is a page that is out of date.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache

from benchmarks.structure import ROOT

PAGE = ROOT / "docs" / "INVARIANTS.md"
_HEAD = """\
# What must always hold

Each sentence is the name of a test, which fails when it stops being true. Whoever changes one of them changes what the product promises: it
takes a page in `docs/decisions`, and a line in the changelog. Written by `python -m benchmarks.invariants`.
"""
#: numbers of a list of requirements, in front of some names
_NUMBER = re.compile(r"^(?:[a-z]\d+_)+")
#: where a requirement came from, in front of some docstrings; a section of a specification stays
_SOURCE = re.compile(r"^(?:issue|style|invariant|architecture|[\w/-]+\.(?:md|py)|[a-z ]*contract)\b[^:]{0,60}: ", re.IGNORECASE)

#: area -> test file -> its tests
INVARIANTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "One door": {
        "tests/tools/dispatch/test_dispatcher.py": (
            "test_another_tenants_operation_is_as_unknown_as_an_invented_one",
            "test_a_provider_scope_permits_only_that_provider",
            "test_two_that_come_with_the_same_yes_at_once_run_it_once",
            "test_what_a_runner_raises_becomes_an_outcome_and_never_a_stack_trace",
            "test_one_call_leaves_one_record_that_names_the_inner_operation",
        ),
        "tests/tools/dispatch/test_idempotency.py": (
            "test_a_key_with_other_arguments_is_refused",
            "test_the_same_write_again_answers_from_the_record",
        ),
        "tests/tools/dispatch/test_account_identity.py": ("test_a_cached_answer_is_its_accounts_alone",),
        "tests/tools/dispatch/test_warm_path.py": ("test_a_warm_call_opens_no_transaction",),
        "tests/tools/plans/test_code.py": ("test_a_destructive_call_that_was_not_shown_does_not_run_on_anothers_confirmation",),
        "tests/tools/plans/test_code_limits.py": ("test_what_goes_beyond_the_sandbox_ends_the_run_and_nothing_else",),
    },
    "Tenants apart": {
        "tests/house/test_tenant_statements.py": ("test_every_statement_on_tenant_data_names_the_tenant",),
        "tests/oauth/behaviour/test_plumbing.py": (
            "test_m1_a_token_is_nothing_at_another_tenant",
            "test_m2_a_person_of_one_tenant_gets_no_code_of_another",
        ),
        "tests/contracts/test_quotas_of_what_is_kept.py": ("test_a_tenant_whose_quota_others_fill_says_so_and_another_tenant_goes_on",),
        "tests/server/admin/console/test_lists.py": (
            "test_an_owner_of_a_tenant_sees_nothing_of_another",
            "test_an_auditor_is_offered_no_change",
        ),
        "tests/tools/child_processes/test_landlock.py": ("test_a_confined_child_looks_into_nobody",),
    },
    "Tokens and consent": {
        "tests/oauth/behaviour/test_token.py": (
            "test_t7_a_replayed_code_ends_its_grant",
            "test_fifty_redemptions_at_once_give_one_answer",
            "test_nothing_secret_is_stored",
            "test_t28_nothing_secret_is_logged",
        ),
        "tests/oauth/behaviour/test_refresh.py": (
            "test_f2_reuse_outside_the_window_ends_this_grant_and_no_other",
            "test_twenty_refreshes_at_once_give_one_pair",
            "test_f8_a_grant_ends_with_its_consent_its_subject_its_tenant_and_its_client",
        ),
        "tests/oauth/behaviour/test_spellings_are_no_door.py": ("test_a_redirect_uri_is_the_registered_one_but_for_the_port_of_loopback",),
        "tests/oauth/behaviour/test_consent_by_scope.py": ("test_a_scope_that_this_person_may_not_use_cannot_be_ticked",),
        "tests/contracts/oauth/test_token_environments.py": ("test_a_row_of_production_is_no_token_in_a_test_system",),
    },
    "Secrets": {
        "tests/oauth/vault/test_vault.py": (
            "test_rows_swapped_between_tenants_do_not_open",
            "test_a_wrapped_key_opens_for_its_tenant_and_environment_only",
            "test_an_older_version_does_not_open_as_a_newer_one",
            "test_every_changed_bit_is_noticed",
        ),
        "tests/oauth/vault/test_marks.py": ("test_one_secrets_rows_put_back_are_noticed",),
        "tests/oauth/connections/test_accounts.py": ("test_a_reveal_is_audited_before_the_first_use_and_carries_its_purpose",),
        "tests/house/test_one_truth.py": ("test_a_truth_has_one_place",),
        "tests/server/config_versions/test_secret_references.py": ("test_what_looks_like_a_secret_is_refused_and_not_repeated",),
    },
    "One way out": {
        "tests/tools/egress/test_addresses.py": (
            "test_a_host_that_is_not_public_is_refused_before_any_look_up",
            "test_a_redirect_to_a_private_address_is_not_contacted",
            "test_the_dialled_address_is_judged_once_more",
        ),
        "tests/tools/egress/test_client.py": (
            "test_credentials_do_not_follow_a_redirect_to_another_origin",
            "test_a_post_is_never_sent_on_to_another_origin",
        ),
        "tests/tools/egress/test_http1.py": ("test_nothing_else_is_ever_sent_twice",),
        "tests/tools/egress/test_streamed.py": ("test_a_bomb_is_noticed_before_it_is_inflated",),
    },
    "Whatever dies": {
        "tests/contracts/workflows/test_workflows.py": ("test_what_a_step_writes_and_its_record_are_one_transaction",),
        "tests/flows/workflow_crashes/test_workflow_crashes.py": ("test_a_process_that_is_killed_at_any_point_loses_and_doubles_nothing",),
        "tests/flows/test_crash.py": ("test_an_import_that_is_killed_leaves_all_or_nothing",),
        "tests/contracts/schedules/test_killed_nodes.py": ("test_a_node_that_dies_between_slot_and_start_loses_and_doubles_nothing",),
        "tests/contracts/workflows/test_delivery_stores.py": ("test_of_two_nodes_that_get_the_same_event_one_starts_its_run",),
        "tests/contracts/change_feed/test_change_feed.py": ("test_a_transaction_under_way_when_a_node_starts_is_heard_when_it_commits",),
        "tests/server/backups/test_backups.py": (
            "test_a_killed_backup_leaves_nothing_that_looks_like_one",
            "test_one_flipped_bit_fails_verify_and_restores_nothing",
        ),
    },
    "Who did what": {
        "tests/contracts/administration/test_audit_trail.py": (
            "test_a_change_and_its_row_are_one_transaction",
            "test_writers_side_by_side_make_one_chain",
            "test_old_rows_go_and_the_rest_still_verifies",
        ),
        "tests/server/admin/test_audited.py": (
            "test_commands_leave_who_what_and_whose_and_no_secret",
            "test_forms_leave_who_and_what",
        ),
        "tests/contracts/administration/test_config_stores.py": (
            "test_a_change_is_on_record_with_what_differs_in_the_same_transaction",
            "test_what_another_release_applied_does_not_stop_this_one",
        ),
        "tests/server/test_housekeeping.py": ("test_what_tells_of_changes_is_kept_whatever_the_configuration_says",),
    },
    "The code": {
        "tests/house/test_shape.py": ("test_first_party_imports_are_at_the_top_and_absolute",),
        "tests/house/test_architecture.py": ("test_every_dependency_is_imported_by_the_program",),
        "tests/house/test_guides.py": (
            "test_every_command_that_a_page_shows_can_be_typed",
            "test_no_page_names_a_setting_that_there_is_not",
            "test_every_dependency_has_its_sentence",
        ),
    },
}


def page() -> str:
    """Return the page. Raises KeyError for a test that there is not."""
    return "\n".join([_HEAD, *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    for area, names_by_file in INVARIANTS.items():
        yield from (f"## {area}", "", "| always | held by | because |", "|---|---|---|")
        for file, names in names_by_file.items():
            for name in names:
                yield f"| {_sentence(name)} | [{file.rpartition('/')[2]}](../{file}) | {_reason(_tests_in(file)[name])} |"
        yield ""


@cache
def _tests_in(file: str) -> Mapping[str, str]:
    """Return the tests of a file, each with the first line of its docstring."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {each.name: (ast.get_docstring(each) or "").partition("\n")[0] for each in functions if each.name.startswith("test_")}


def _sentence(name: str) -> str:
    words = _NUMBER.sub("", name.removeprefix("test_")).replace("_", " ")
    return words[:1].upper() + words[1:]


def _reason(docstring: str) -> str:
    text = _SOURCE.sub("", " ".join(docstring.split())).replace("|", "\\|")
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written anew")
