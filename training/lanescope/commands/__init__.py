"""One module a subcommand, each with `add_arguments(parser)` and `run(args) -> int`; `lanescope.__main__` finds them."""
