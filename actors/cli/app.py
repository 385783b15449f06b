"""All commands under one name."""

import typer

from actors.cli import (
    ablation,
    analyze,
    bench,
    contract,
    dead_letters,
    demo,
    dialogue,
    doctor,
    enroll,
    evaluation,
    livekit,
    load,
    model,
    replay,
    stream,
    training,
    up,
    watch,
)

EXAMPLES = """
Examples:

  turntone demo                              two conversations, all of it

  turntone up                                the stack for real streams

  turntone replay recordings/ --speed 2      recordings as a stream

  turntone stream mic --dialogue desk        what is said here, now

  turntone watch --from-beginning --json     every turn, as JSON

  turntone load --seconds 20                 a call center that calls

  turntone analyze talk.mp4 --rttm out.rttm  one recording, no servers

  turntone enroll Ann ann.wav --consent      a voice by name, from then on

Exit codes: 0 good, 1 the work failed, 2 wrong usage.
"""

app = typer.Typer(
    name="turntone",
    help="What each speaker feels, turn by turn, as the conversation goes on.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("analyze")(analyze.analyze)
app.command("replay")(replay.replay)
app.command("stream", epilog=stream.EXAMPLES)(stream.stream)
app.command("livekit", epilog=livekit.EXAMPLES)(livekit.livekit)
app.command("enroll")(enroll.enroll)
app.command("watch")(watch.watch)
app.command("load", epilog=load.EXAMPLES)(load.load)
app.command("train")(training.train)
app.command("evaluate")(evaluation.evaluate)
app.command("schema")(contract.schema)
app.command("doctor")(doctor.doctor)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(dialogue.app, name="dialogue")
app.add_typer(model.app, name="model")
bench.app.command("dialogue", epilog=ablation.EXAMPLES)(ablation.dialogue)
app.add_typer(bench.app, name="bench")
