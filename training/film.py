"""One command for a user's own 3D film: labels it by matching its eyes, trains on from the shipped weights, exports.

    python -m training.film --film FILM --layout side-by-side --work WORK

leaves WORK/model.onnx, which `deep3d --model` plays. The same command goes on where it was interrupted.
"""
import argparse
import json
import sys
from pathlib import Path

from . import export, pairs, train

HERE = Path(__file__).resolve().parent


def source_of(args):
    """What the pack is made from, as JSON keeps it: the film by its name and size, so that it may be moved, and the options."""
    film = Path(args.film)
    return {"film": film.name, "bytes": film.stat().st_size if film.is_file() else None, "layout": args.layout, "half": args.half,
            "swap_eyes": args.swap_eyes, "every": args.every}


def label(args, folder):
    """Makes the pack, or leaves one that was made from the same film in the same way; ValueError where there is another, OSError
    where the film cannot be opened."""
    source, record = source_of(args), folder / "source.json"
    if (folder / "index.npy").exists():
        there = json.loads(record.read_text()) if record.exists() else "something else"
        if there != source:
            raise ValueError(f"{folder} was made from {there}, not from {source}: give another --work, or "
                             f"remove {folder} and {folder.parent / 'checkpoint.pt'}")
        return
    record.unlink(missing_ok=True)
    if not pairs.write(pairs.film_of(args), folder):
        raise ValueError(f"{args.film}: no picture of it could be matched; is --layout right?")
    record.write_text(json.dumps(source))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pairs.add_film_options(parser)
    parser.add_argument("--start", default=HERE.parent / "assets" / "models" / "deep3d-small.onnx",
                        help="a checkpoint, or a file exported from one")
    parser.add_argument("--config", default=HERE / "config" / "film.toml")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the config")
    parser.add_argument("--work", required=True)
    args = parser.parse_args()
    work = Path(args.work)
    if not args.film:
        parser.error("give --film")
    try:
        label(args, work / "film")
    except (OSError, ValueError) as reason:
        parser.error(str(reason))
    config = train.load_config(args.config, args.set)
    config["source"][0]["folder"] = str(work / "film")
    if not train.run(config, work, [args.start]):
        sys.exit(f"interrupted before its end, so there is no {work / 'model.onnx'} of it yet; {work / 'checkpoint.pt'} holds what is "
                 "trained: the same command goes on from there")
    network, size = export.load(work / "checkpoint.pt")
    worst = export.write(network, work / "model.onnx", "deep3d-film", "1", size)
    print(f"{work / 'model.onnx'} is written" + (f", differs from PyTorch by {worst:.1e}" if worst is not None else ""))


if __name__ == "__main__":
    main()
