"""`python -m lanescope <command>`: one subcommand for each module in `lanescope/commands/`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

from lanescope import commands


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        argv: arguments without the program's name; `sys.argv[1:]` when None.

    Returns:
        the command's exit status (0 done, 64 wrong use, else failed).
    """
    arguments = sys.argv[1:] if argv is None else argv
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    parser = argparse.ArgumentParser(prog="python -m lanescope", description="Train, measure and export Lanescope's network.")
    subparsers = parser.add_subparsers(dest="command", metavar="<command>", required=True)
    # Only the asked-for command is imported in full: torch takes seconds, and --help should not need it.
    wanted = next((argument.replace("-", "_") for argument in arguments if not argument.startswith("-")), None)
    for name in names:
        if wanted is not None and name != wanted:
            subparsers.add_parser(name.replace("_", "-"))
            continue
        module = importlib.import_module(f"lanescope.commands.{name}")
        subparser = subparsers.add_parser(name.replace("_", "-"), help=(module.__doc__ or "").strip().split("\n")[0])
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    args = parser.parse_args(arguments)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
