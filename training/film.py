"""One command for a user's own 3D film: labels it by matching its eyes, trains on from the shipped weights, exports.

    python -m training.film --film FILM --layout side-by-side --work WORK

leaves WORK/model.onnx, which `deep3d --model` plays. The same command goes on where it was interrupted.
"""
import argparse
from pathlib import Path

from . import export, pairs, train

HERE = Path(__file__).resolve().parent


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
    if not (work / "film" / "index.npy").exists():
        taken = pairs.write(pairs.film(args.film, args.layout, not args.full, args.every), work / "film")
        if not taken:
            parser.error(f"{args.film}: no picture of it could be matched; is --layout right?")
    config = train.load_config(args.config, args.set)
    config["source"][0]["folder"] = str(work / "film")
    if train.run(config, work, [args.start]):
        network, size = export.load(work / "checkpoint.pt")
        worst = export.write(network, work / "model.onnx", "deep3d-film", "1", size)
        print(f"{work / 'model.onnx'} is written" + (f", differs from PyTorch by {worst:.1e}" if worst is not None else ""))


if __name__ == "__main__":
    main()
