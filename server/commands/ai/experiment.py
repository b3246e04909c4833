"""`ascend ai experiment`: what is tried on whom, and how it goes on."""

import json
from collections.abc import Mapping
from typing import Any

import click

from server.commands.ai.apply import BY
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.refused_file import RefusedFile
from server.commands.rows import print_rows
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.database import now_us
from server.storage.store import Store, open_store
from tools.ai_gateway.configuration.changes import ConfigChanges, NoSuchThing
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.experiments.report import experiment_json, report_json
from tools.ai_gateway.shadows.comparison import shadow_json
from tools.versioned_documents.faults import ConfigInvalid, meant

#: nobody would call it a share of everybody with more digits
_DIGITS = 6
DAY_US = 86_400_000_000


class Share(click.ParamType[tuple[str, float]]):
    """`0.5` for the only arm, `b=0.5` for one of several."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        arm, _, number = str(value).rpartition("=")
        try:
            share = round(float(number), _DIGITS)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{number!r} is no share; write it from 0 to 1, as 0.5 or ARM=0.5", param, ctx)
        return arm, share


@click.command()
@click.argument("name", required=False)
@click.option("--share", "shares", multiple=True, type=Share(), metavar="[ARM=]X", help="Give an arm this share of the callers, 0 to 1.")
@click.option("--hold", is_flag=True, help="Give every caller `control` until it is resumed.")
@click.option("--resume", is_flag=True, help="Let a held experiment go on, with the shares that it has.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 90), help="Report the calls of so many days.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    name: str | None,
    shares: tuple[tuple[str, float], ...],
    hold: bool,
    resume: bool,
    days: int,
    as_json: bool,
) -> None:
    """List experiments, or report the arms of NAME side by side, or change how NAME goes on; running gateways follow in two seconds.

    An experiment holds itself when an arm breaks one of its `hold` rules.
    """
    if hold + resume + bool(shares) > 1:
        raise click.UsageError("--share, --hold and --resume: choose one")
    if name is None and (hold or resume or shares):
        raise click.UsageError("say which experiment: NAME is missing")
    async with open_store(settings) as store:
        if name is not None:
            await _change(store, name, dict(shares), hold, resume)
        live = LiveConfig(store.ai_configs)
        await live.load()
        if name is not None:
            experiment = live.current.experiments[name]
            since_us = now_us() - days * DAY_US
            calls, scored = await store.experiment_calls.recent(name, since_us), await store.feedback.by_experiment(name, since_us)
            shown = experiment_json(experiment) | {"report": report_json(experiment, calls, scored)}
            if experiment.shadow:
                shown["compared"] = shadow_json(await store.comparisons.figures(name, since_us))
            _print(shown, as_json)
            return
    rows = [experiment_json(each) for each in live.current.experiments.values()]
    print_rows(rows if as_json else [_flat(row) for row in rows], as_json=as_json, empty="no experiments; [[experiments]] describes one")


def _print(shown: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    print_rows([_flat({key: value for key, value in shown.items() if key not in ("report", "compared")})], as_json=False, empty="")
    click.echo()
    print_rows(shown["report"], as_json=False, empty="")
    if "compared" in shown:
        click.echo()
        print_rows(shown["compared"], as_json=False, empty="no answer of a shadow was compared yet")


async def _change(store: Store, name: str, shares: Mapping[str, float], hold: bool, resume: bool) -> None:
    experiments = {each["name"] for each in (await store.ai_configs.newest()).document.get("experiments", ())}
    if name not in experiments:
        raise CommandFailed(f"no experiment {name!r}{meant(name, experiments) or '; `ascend ai experiment` lists all'}")
    if hold and not await store.ai_configs.hold(name, "by hand", BY):
        say(f"ascend: note: {name} was held already", err=True)
    if resume and not await store.ai_configs.resume(name):
        say(f"ascend: note: {name} was not held", err=True)
    if shares:
        try:
            await ConfigChanges(store.ai_configs).set_shares(name, shares, BY)
        except NoSuchThing as error:
            raise CommandFailed(str(error)) from error
        except ConfigInvalid as error:
            raise RefusedFile("the configuration", error.faults) from error
        if name in await store.ai_configs.holds():
            say(f"ascend: note: {name} is held still; --resume lets it go on with this share", err=True)


def _flat(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row for people: what has parts, in words."""
    return {
        key: ", ".join(f"{arm} {part}" for arm, part in value.items()) if isinstance(value, Mapping) else value
        for key, value in row.items()
    }
