"""Which branch of an anyOf or oneOf was meant by a value that fits none of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jsonschema_rs import ValidationError, ValidationErrorKind

from tools.operation import Json

_CHOICES = (ValidationErrorKind.AnyOf, ValidationErrorKind.OneOfNotValid)
#: branches, and faults of each, that are looked at
MAX_BRANCHES = 200
MAX_FAULTS = 50


class UnknownTag(NamedTuple):
    """A member that says which branch is meant, with a value that no branch has."""

    name: str
    value: str
    options: list[Json]


def closest_branch(error: ValidationError) -> ValidationError | UnknownTag:
    """Return the first fault of the branch that was meant, where one clearly was; what stands in no branch is said of all of them.

    A member with a fixed value in each branch, like a discriminator, names the branch (OpenAPI 3.1 §4.8.25). Else it is the
    only branch whose type fits.
    """
    while isinstance(error.kind, _CHOICES):
        branches = [branch[:MAX_FAULTS] for branch in error.kind.context[:MAX_BRANCHES]]
        # A branch whose type fits was meant.
        fitting = [branch for branch in branches if branch and not any(_misses_whole(fault, error) for fault in branch)]
        tags = [dict(_tags_of(branch, error)) for branch in fitting]
        named = [branch for branch, tag in zip(fitting, tags, strict=True) if not tag]
        if len(fitting) > 1 and not named and (common := set.intersection(*map(set, tags))):
            name = sorted(common)[0]
            options = [option for tag in tags for option in _options_of(tag[name])]
            return UnknownTag(name, str(tags[0][name].instance), _different(options))
        meant = named if any(tags) else fitting
        missing = _missing_in_all(meant) if len(meant) > 1 else None
        if missing is not None:
            error = missing
        elif len(meant) == 1:
            error = meant[0][0]
        else:
            return error
    return error


def _misses_whole(fault: ValidationError, of: ValidationError) -> bool:
    return isinstance(fault.kind, ValidationErrorKind.Type) and fault.instance_path == of.instance_path


def _tags_of(branch: Sequence[ValidationError], of: ValidationError) -> Iterator[tuple[str, ValidationError]]:
    """Yield the members whose text another branch has and this one has not."""
    for fault in branch:
        path = fault.instance_path
        is_fixed = isinstance(fault.kind, ValidationErrorKind.Enum | ValidationErrorKind.Constant) and isinstance(fault.instance, str)
        if is_fixed and path != of.instance_path and path[:-1] == of.instance_path:
            yield str(path[-1]), fault


def _options_of(fault: ValidationError) -> list[Json]:
    kind = fault.kind
    if isinstance(kind, ValidationErrorKind.Enum):
        return list(kind.options)
    return [kind.expected_value] if isinstance(kind, ValidationErrorKind.Constant) else []


def _different(options: list[Json]) -> list[Json]:
    return [option for place, option in enumerate(options) if isinstance(option, str) and option not in options[:place]]


def _missing_in_all(branches: Sequence[Sequence[ValidationError]]) -> ValidationError | None:
    """Return the fault of a member that every branch misses, if there is one."""
    by_name = [
        {str(fault.kind.property): fault for fault in branch if isinstance(fault.kind, ValidationErrorKind.Required)} for branch in branches
    ]
    return next((fault for name, fault in by_name[0].items() if all(name in other for other in by_name[1:])), None)
