"""``epuredgm run``: the whole study, or what is left of it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from epuredgm.cli.commands import Command
from epuredgm.cli.console import answer
from epuredgm.cli.display import display
from epuredgm.cli.options import json_option, wait_option
from epuredgm.cli.request import request_options
from epuredgm.cli.standings import print_standings
from epuredgm.cli.study import Request, Study, resolve
from epuredgm.cli.tables import plan_json, print_plan
from epuredgm.cli.weights import at_the_door, outlook
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import read_json
from epuredgm.core.jobs import Stage
from epuredgm.core.streams import never_waiting
from epuredgm.core.threads import thread_count
from epuredgm.orchestration.assess import BLOCKED, UP_TO_DATE, Assessment, Judge
from epuredgm.orchestration.execute import Outcome, execute

FORCED = {str(stage): stage for stage in (Stage.TRAIN, Stage.SAMPLE, Stage.REFERENCE, Stage.EVALUATE)}


@click.command(cls=Command)
@request_options
@click.option("--skip-training", is_flag=True, help="Use the trained runs that there are.")
@click.option("--skip-sampling", is_flag=True, help="Use the samples that there are.")
@click.option("--skip-evaluation", is_flag=True, help="Neither evaluate nor rank.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and why; write nothing.")
@click.option(
    "--force", type=click.Choice(list(FORCED)), multiple=True, help="Do this stage again, done or not."
)
@click.option("--png", is_flag=True, help="Also write one PNG per component and design.")
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Threads for each job; default: OMP_NUM_THREADS, else an equal share of the processors.",
)
@wait_option
@json_option
def command(
    request: Request,
    skip_training: bool,
    skip_sampling: bool,
    skip_evaluation: bool,
    dry_run: bool,
    force: tuple[str, ...],
    png: bool,
    threads: int | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Train, sample and evaluate: the whole study, or what is left of it.

    Give the same command again after a crash, a change or Ctrl-C: finished jobs are kept, an interrupted
    training goes on from its last checkpoint, and what a changed key makes stale is done again.

    \b
    Examples:
      epuredgm run --dataset toy
      epuredgm run --dataset toy --models vae,flow_matching --seeds 0-4
      epuredgm run --dataset epure --dry-run
      epuredgm run --dataset toy training.batch_size=32 vae:training.lr=5e-4

    Exit codes: 0 all done, 1 some job failed, 2 bad request, 130 interrupted (128 + the
    signal: 129 hang-up, 138 and 140 a cluster's warning, 143 SIGTERM).
    """
    study = resolve(request)
    if png:
        _require_public(study)
    skipped = {Stage.TRAIN: skip_training, Stage.SAMPLE: skip_sampling}
    scoring = (Stage.REFERENCE, Stage.EVALUATE, Stage.AGGREGATE, Stage.REPORT)
    skipped |= dict.fromkeys(scoring, skip_evaluation)
    stages = [stage for stage in Stage if not skipped.get(stage, False)]
    forced = [FORCED[name] for name in force]
    for stage in forced:
        if stage not in stages:
            raise BadRequest(f"--force {stage} and --skip-... contradict each other", "Give one of the two.")
    assessments = study.assess(study.jobs(stages, png=png), forced)
    _require_made(study, assessments, {Stage.TRAIN: skip_training, Stage.SAMPLE: skip_sampling})
    scored = any(a.to_do and a.job.stage in scoring for a in assessments)
    if dry_run:
        weights = outlook(study) if scored else ""
        if as_json:
            click.echo(json.dumps(plan_json(study, assessments), indent=2))
        else:
            print_plan(study, assessments)
            if weights:
                answer(weights)
        return 0
    if scored and at_the_door(study, silent=as_json):
        assessments = study.assess(study.jobs(stages, png=png), forced)
    outcome = carry_out(study, assessments, forced=forced, wait=wait, as_json=as_json, threads=threads)
    return outcome.exit_code


def _require_made(study: Study, assessments: Sequence[Assessment], skipped: Mapping[Stage, bool]) -> None:
    """What is skipped must be there already.

    Raises:
        BadRequest: naming the runs that lack it.
    """
    judge = Judge(study.workspace)
    for stage, option, made in (
        (Stage.TRAIN, "--skip-training", "trained"),
        (Stage.SAMPLE, "--skip-sampling", "sampled"),
    ):
        if not skipped[stage]:
            continue
        lacking = {
            f"{a.job.model}:{a.job.seed}"
            for a in assessments
            if a.action == BLOCKED and a.job.model is not None
            for name in {*a.job.inputs} - {*judge.inputs(a.job)}
            if a.job.inputs[name][0].startswith(f"{stage}/")
        }
        runs = [f"{model}:{seed}" for seed in study.seeds for model in study.configs]
        if lacking:
            absent = [run for run in runs if run in lacking]
            there = ", ".join(run for run in runs if run not in lacking)
            raise BadRequest(
                f"{option}, but {len(absent)} of {len(runs)} runs are not {made}: {_few(absent)}",
                f"Leave {option} out"
                + (f", or name with --models and --seeds those that are: {there}." if there else "."),
            )


def _few(names: Sequence[str], most: int = 12) -> str:
    return ", ".join([*names[:most], *([f"and {len(names) - most} more"] if len(names) > most else [])])


def _require_public(study: Study) -> None:
    """PNGs of a private data set are made by the command that asks whether they may leave."""
    if any(config["dataset"]["private"] for config in study.configs.values()):
        raise BadRequest(
            f"data set {study.dataset} is private: --png would write its samples past the privacy gate",
            f"After the run: epuredgm export --dataset {study.dataset} --to FOLDER",
        )


def carry_out(
    study: Study,
    assessments: tuple[Assessment, ...],
    *,
    forced: list[Stage],
    wait: bool,
    as_json: bool,
    threads: int | None = None,
    latest: bool = True,
) -> Outcome:
    """Execute an assessed plan under a display, then show the ranking (or JSON).

    Args:
        study, assessments, forced: what is to be done.
        wait: wait for another run in the workspace.
        as_json: print JSON alone.
        threads: of each job, if the user says so.
        latest: whether these are the logs that people look for; those of a run are.
    """
    to_run = [a for a in assessments if a.to_do]
    shown = sum(a.action != "up to date" for a in assessments)
    view = display(shown, silent=as_json)
    count = thread_count(len(study.devices), threads)
    view.say(
        f"profile {study.profile} ({study.profile_reason}); {', '.join(study.devices)}, {count} threads a job"
    )
    view.say(f"{len(to_run)} of {len(assessments)} jobs to do in {study.workspace.base}")
    with never_waiting(sys.stderr):  # a paused terminal must not hold up the study
        outcome = execute(
            assessments,
            study.workspace,
            devices=study.devices,
            threads=count,
            observer=view,
            force=forced,
            wait=wait,
            command=shlex.join(sys.argv),
            patience=60.0 * min(config["study"]["full_disk_minutes"] for config in study.configs.values()),
            latest=latest,
        )
    summary = _summary(study)
    if as_json:
        ranking = summary["rankings"] if summary else []
        answer(json.dumps({**outcome.to_dict(), "rankings": ranking}, indent=2))
    else:
        if summary and not outcome.interrupted:
            print_standings(summary)
        view.say(outcome.text())
    return outcome


def _summary(study: Study) -> dict[str, Any] | None:
    """The summary, if it is that of the results that there are now."""
    (verdict,) = study.assess(study.jobs([Stage.AGGREGATE]))
    if verdict.action != UP_TO_DATE:
        return None
    content: dict[str, Any] = read_json(study.workspace.summary(study.dataset))
    return content
