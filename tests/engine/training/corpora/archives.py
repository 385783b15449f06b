"""Corpora as their archives unpack: made-up folders in the layout of each, with tones for voices."""

import wave

import numpy as np

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
CREMA_D = ("1001_DFA_ANG_XX", "1001_IEO_HAP_HI", "1002_IEO_NEU_XX", "1040_ITH_SAD_X", "1076_MTI_SAD_XX")
MELD = ((125, 4, "Joey", "joy"), (125, 2, "Rachel", "Neutral"), (125, 3, "Joey", "anger"), (7, 0, "Ross", "fear"))


def sound(path, samples=4800):
    """A short tone at 16 kHz, whatever the file is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(0.1 * np.arange(samples))).astype(np.int16).tobytes())


def crema_d(folder):
    for name in CREMA_D:
        sound(folder / "AudioWAV" / f"{name}.wav")
    (folder / "VideoDemographics.csv").write_text("ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,,\n1002,21,Female,,\n")
    return folder


def iemocap(folder):
    """Two sessions; the other three are there without a dialogue."""
    _scene(
        folder, 1, "Ses01F_impro01",
        ("6.2901", "8.2357", "F000", "neu", "[2.5000, 2.5000, 2.5000]"),
        ("20.3000", "22.0000", "M001", "fru", "[2.0000, 3.0000, 3.0000]"),
        ("18.0000", "20.5000", "F001", "exc", "[5.0000, 5.5000, 4.0000]"),
        ("10.0100", "11.3925", "M000", "fea", "[1.0000, 4.0000, 2.0000]"),
        ("25.0000", "26.0000", "F002", "xxx", "[3.0000, 3.0000, 3.0000]"),
    )  # fmt: skip
    _scene(folder, 2, "Ses02M_script01_1b", ("1.0", "2.0", "M000", "ang", "[1.5000, 4.5000, 4.0000]"))
    for session in (3, 4, 5):
        (folder / f"Session{session}" / "dialog" / "EmoEvaluation").mkdir(parents=True)
    return folder


def meld(folder, split):
    """A split of which one clip is known to be corrupt and one is not there."""
    time = '"00:00:01,000","00:00:02,500"'
    table = "".join(f'1,"Oh, really",{who},{how},x,{d},{u},8,21,{time}\n' for d, u, who, how in MELD)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}_sent_emo.csv").write_text(HEADER + table)
    for dialogue, utterance, *_ in MELD[:3]:
        sound(folder / f"{split}_splits" / f"dia{dialogue}_utt{utterance}.mp4")
    return folder


def _scene(folder, session, dialogue, *turns):
    place = folder / f"Session{session}"
    lines = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    for start, end, name, emotion, ratings in turns:
        lines += [f"[{start} - {end}]\t{dialogue}_{name}\t{emotion}\t{ratings}", "C-E2:\tNeutral;\t()", ""]
        sound(place / "sentences" / "wav" / dialogue / f"{dialogue}_{name}.wav")
    table = place / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(lines) + "\n")
    # The archive holds what another system keeps beside every file.
    table.with_name(f"._{dialogue}.txt").write_bytes(b"\x00\x05\x16\x07")
