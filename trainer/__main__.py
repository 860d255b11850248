"""The command line of the trainer, `twobar-train`.

Its commands: prepare, fit, fit-writer, fit-ranker, evaluate, directions, adapt, report and export.
"""

import os
import sys

import click

from model.command_line import sentence
from model.errors import ModelError
from model.files import print_any_name, readable
from model.version import VERSION
from trainer.commands.adapt import adapt
from trainer.commands.directions import directions
from trainer.commands.evaluate import evaluate
from trainer.commands.export import export
from trainer.commands.fit import fit
from trainer.commands.fit_ranker import fit_ranker
from trainer.commands.fit_writer import fit_writer
from trainer.commands.prepare import prepare
from trainer.commands.report import report
from trainer.errors import MISSING, TrainerError

LEARNING = ("fit", "fit-writer", "adapt")
"""Commands that try how many threads their own steps are quickest with."""


@click.group(
    no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(VERSION, prog_name="twobar-train")
@click.pass_context
def cli(context: click.Context) -> None:
    """Prepare music, train models for twobar, and measure them.

    \b
    Example, from MIDI files to figures:
      twobar-train prepare ~/midi --out prepared
      twobar-train fit --config keys --data prepared --out runs/keys
      twobar-train evaluate runs/keys/keys.safetensors --data prepared
    """  # noqa: D301 - \b is click's mark for lines to keep
    # beside another program, numpy on two threads waits for each other's core: up to nine times as slow
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if context.invoked_subcommand not in LEARNING:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch likewise


for _command in (prepare, fit, fit_writer, fit_ranker, evaluate, directions, adapt, report, export):
    cli.add_command(_command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    print_any_name()
    try:
        code = cli.main(args=arguments, prog_name="twobar-train", standalone_mode=False)
    except (TrainerError, ModelError) as error:
        click.echo(f"twobar-train: {readable(str(error))}", err=True)
        code = error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        click.echo(f"twobar-train: {readable(sentence(error))}", err=True)
        code = 2 if isinstance(error, click.UsageError) else 1
    except ModuleNotFoundError as error:  # the core alone is installed
        if (error.name or "").partition(".")[0] in ("", "model", "trainer"):
            raise
        click.echo(f"twobar-train: {MISSING.format(error.name)}", err=True)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("twobar-train: stopped", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
