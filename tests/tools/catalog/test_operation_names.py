"""Names of operations: short, readable, the same after a re-import, whatever style an API has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.catalog.operation_names import METHOD_ORDER, Naming, done_by, name_operations
from tools.catalog.verbs import leads_of, removes, words_of

#: (method, path, operationId, does it answer a list) -> id, from the styles of well-known APIs
STYLES = [
    ("get", "/users/{id}", "users_get", False, "x.users.get"),
    ("get", "/repos/{owner}/{repo}/issues", "issues/list-for-repo", True, "x.repos.issues.list"),
    ("put", "/repos/{owner}/{repo}/pulls/{number}/merge", "pulls/merge", False, "x.repos.pulls.merge"),
    ("get", "/v1/customers/{customer}", "GetCustomersCustomer", False, "x.customers.get"),
    ("post", "/v1/customers/{customer}", "PostCustomersCustomer", False, "x.customers.update"),
    ("post", "/v1/payment_intents/{intent}/capture", "PostPaymentIntentsIntentCapture", False, "x.payment_intents.capture"),
    ("get", "/v1/customers/search", "GetCustomersSearch", True, "x.customers.search"),
    ("get", "/pet/findByStatus", "findPetsByStatus", True, "x.pet.find_by_status"),
    ("get", "/pet/{petId}", "getPetById", False, "x.pet.get"),
    ("post", "/pet/{petId}/uploadImage", "uploadFile", False, "x.pet.upload_image"),
    ("post", "/files/upload_sessions", "post_files_upload_sessions", False, "x.files.upload_sessions.create"),
    ("get", "/items/{item_id}", "read_item_items__item_id__get", False, "x.items.get"),
    ("post", "/crm/v3/objects/contacts/search", "post-/crm/v3/objects/contacts/search_doSearch", True, "x.crm.objects.contacts.search"),
    ("post", "/v1/files/{id}:copy", None, False, "x.files.copy"),
    ("post", "/chat.postMessage", "chat_postMessage", False, "x.chat.post_message"),
    ("put", "/files/{file_id}#add_shared_link", "put_files_id#add_shared_link", False, "x.files.add_shared_link"),
    ("get", "/2010-04-01/Accounts/{AccountSid}/Calls.json", "ListCall", True, "x.accounts.calls.list"),
    ("get", "/rest/api/3/issue/{issueIdOrKey}", "getIssue", False, "x.issue.get"),
    ("get", "/", "root", False, "x.root"),
    ("post", "/graphql", None, False, "x.graphql.create"),
    ("post", "/#X-Target=Fleet_2018.DeleteVehicle", "DeleteVehicle", False, "x.vehicle.delete"),
    ("get", "/#Action=DescribeHosts", "GET_DescribeHosts", False, "x.hosts.describe"),
    ("post", "/#X-Target=Fleet_2018.BatchGetVehicles", "BatchGetVehicles", False, "x.vehicles.batch_get"),
    ("post", "/describe-app-version", "DescribeAppVersion", False, "x.app_version.describe"),
    ("post", "/v1/{name}:disable", "safe.projects.secrets.versions.disable", False, "x.projects.secrets.versions.disable"),
    ("get", "/rest?method=photos.groups.pools.getContext", None, False, "x.groups.pools.get_context"),
    (
        "get",
        "/subscriptions/{s}/resourceGroups/{g}/providers/Vendor.Automation/automationAccounts/{a}/modules/{m}",
        "Module_Get",
        False,
        "x.automation_accounts.modules.get",
    ),
    ("get", "/apis/apps.example.io/v1/namespaces/{ns}/deployments", None, True, "x.apps.namespaces.deployments.list"),
    ("get", "/apis/{id}/versions", None, True, "x.apis.versions.list"),
    ("delete", "/spaces/{id}/labels/unassign", "unassign", False, "x.spaces.labels.unassign"),
    ("post", "/commit", "CommitImage", False, "x.image.commit"),
    ("get", "/StopPoint/{id}/Crowding", "StopPoint_Crowding", False, "x.stop_point.crowding.get"),
    ("get", "/repos/{o}/{r}/runs/{id}", "actions/get-workflow-run", False, "x.repos.runs.get"),
    ("get", "/circuits/circuits", None, True, "x.circuits.list"),
    ("get", "/status/205", None, False, "x.status.205.get"),
    ("delete", "/channels/{id}/pins/{message_id}", "delete_pin", False, "x.channels.pins.delete"),
    ("delete", "/invites/{code}", "invite_revoke", False, "x.invites.revoke"),
    ("delete", "/repos/{id}/subscription", "activity/star-repo", False, "x.repos.subscription.delete"),
    ("delete", "/channels/{id}/thread-members/@me", "leave_thread", False, "x.channels.thread_members.me.leave"),
    ("get", "/invites/{code}/target-users", "get_invite_target_users", False, "x.invites.target_users.get"),
    ("get", "/mail_settings/forward_spam", "GET_mail-settings-forward-spam", False, "x.mail_settings.forward_spam.get"),
    ("get", "/guilds/{id}/new-member-welcome", "get_guild_new_member_welcome", False, "x.guilds.new_member_welcome.get"),
]


@pytest.mark.parametrize(("method", "path", "operation_id", "answers_list", "wanted"), STYLES, ids=[style[-1] for style in STYLES])
def test_a_name_is_provider_resource_verb(method: str, path: str, operation_id: str | None, answers_list: bool, wanted: str) -> None:
    """Issue "Calling any API": names are short, stable and readable."""
    assert name_operations("x", [Naming(method, path, operation_id, answers_list)]) == [wanted]


def test_the_words_of_a_name_are_found_in_every_case_style() -> None:
    """snake, kebab, dots, camelCase and acronyms."""
    assert words_of("getHTTPServer_by-id.v2") == ["get", "http", "server", "by", "id", "v2"]


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("Deletes a specific repeating invoice template", ["delete"]),
        ("Acknowledge, resolve, escalate or reassign an incident.", ["acknowledge", "resolve", "escalate"]),
        ("Use the `/transfer/refund/create` endpoint to create a refund for a transfer.", ["create"]),
        ("This endpoint allows you to cancel a run", ["cancel"]),
        ("[Beta] Permanently removes a site", ["remove"]),
        ("Enable/disable a subuser", ["enable", "disable"]),
        ("The list of refunds", []),
    ],
)
def test_the_verbs_of_a_description_are_those_that_it_begins_with(text: str, leads: list[str]) -> None:
    """They decide on the tier: what speaks of deletion further down does not delete."""
    assert leads_of(text) == leads


def test_a_segment_that_nearly_every_path_begins_with_is_left_out() -> None:
    """Twilio's /Accounts/{Sid}/… says nothing."""
    calls = [Naming("get", f"/Accounts/{{Sid}}/Things{number}/{{Id}}") for number in range(30)]
    names = name_operations("x", [*calls, Naming("get", "/Accounts/{Sid}")])
    assert names[3] == "x.things3.get"
    assert names[-1] == "x.accounts.get"


def test_operations_that_differ_in_the_query_of_their_path_are_told_apart_by_words() -> None:
    """One path, several sets of parameters."""
    names = name_operations("x", [Naming("get", "/current?city={city}"), Naming("get", "/current?lat={lat}&lon={lon}")])
    assert names == ["x.current.get", "x.current.get_by_lon"]


def test_a_long_name_keeps_what_it_is_about() -> None:
    """64 characters are what clients show whole."""
    path = "/companies/{id}/configuration-item-categories/{c}/user-defined-fields/{f}/definitions-of-the-fields"
    assert name_operations("x", [Naming("get", path)]) == ["x.companies.user_defined_fields.definitions_of_the_fields.get"]


def test_put_and_patch_of_one_resource_are_told_apart() -> None:
    """The usual verb goes to the usual method."""
    names = name_operations("x", [Naming("put", "/zones/{id}"), Naming("patch", "/zones/{id}")])
    assert names == ["x.zones.replace", "x.zones.update"]


def test_a_summary_tells_operations_apart_that_share_a_name() -> None:
    """Box restores a file by POST to the address that PUT updates."""
    restore, update = Naming("post", "/files/{id}", summary="Restore file"), Naming("put", "/files/{id}", summary="Update file")
    assert name_operations("box", [restore, update]) == ["box.files.restore", "box.files.update"]


def test_a_get_that_its_document_says_writes_keeps_its_verb() -> None:
    """Slack answers GET /views.open; a GET that lists what would be destroyed only reads."""
    names = name_operations("x", [Naming("get", "/views.open", "views_open", summary="Open a view")])
    listing = Naming("get", "/droplets/{id}/destroy_with_resources", None, summary="List the resources of a droplet")
    assert [*names, *name_operations("x", [listing])] == ["x.views.open", "x.droplets.destroy_with_resources.get"]


@given(
    method=st.sampled_from(["delete", "get"]),
    path=st.lists(st.sampled_from(["pins", "{id}", "star", "invites", "add_ons", "cancel"]), min_size=1, max_size=4),
    operation_id=st.lists(st.sampled_from(["pin", "delete", "star", "get", "invite", "add", "users"]), max_size=4),
    separator=st.sampled_from(["_", "/", ""]),
)
def test_no_delete_is_called_otherwise_than_a_removal(method: str, path: list[str], operation_id: list[str], separator: str) -> None:
    """Whatever an operationId says first."""
    named = separator.join(operation_id if separator else [word.capitalize() for word in operation_id])
    [name] = name_operations("x", [Naming(method, "/" + "/".join(path), named)])
    if method == "delete":
        assert removes(done_by(name.rpartition(".")[2]))


segments = st.sampled_from(["users", "{id}", "files", "search", "v2", "copy", "{other_id}", "a-b", "x.y", "Items"])
namings = st.builds(
    Naming,
    method=st.sampled_from(METHOD_ORDER),
    path=st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts)),
    operation_id=st.none() | st.sampled_from(["getUser", "list", "users_create", "do-it", "", "get"]),
    answers_list=st.booleans(),
    summary=st.sampled_from(["", "Restore a file", "Get"]),
)


@given(st.lists(namings, max_size=12, unique_by=lambda naming: (naming.method, naming.path)))
def test_names_are_unique_and_do_not_depend_on_the_order_of_the_document(operations: list[Naming]) -> None:
    """A document whose paths were sorted anew must not rename anything."""
    names = name_operations("x", operations)
    assert len(set(names)) == len(names)
    again = name_operations("x", list(reversed(operations)))
    assert dict(zip(operations, names, strict=True)) == dict(zip(reversed(operations), again, strict=True))
