"""Plays generated clips to the end and counts every frame: test_play.py PLAYER CLIPS_FOLDER GROUP ...

In the group "damaged" nobody knows how many frames there are; what was decoded must have been converted, and the player
must end by itself. A damaged file of which nothing can be shown must give a line that names it.
"""
import os
import sys

import player


def play(program, folder, clip):
    path = os.path.join(folder, clip["name"])
    return player.Run(program, "--display", "null", "--threads", "1", "--image-duration", "0.1", path)


def problem_of_damaged(run, name):
    if run.crashed():
        return run.crashed()
    decoded = run.get("source", "frames_decoded") or 0
    converted = run.get("convert", "frames") or 0
    if decoded != converted:
        return f"{decoded} decoded, {converted} converted"
    if decoded == 0 and run.code == 0:
        return "nothing was shown, and yet the exit code is 0"
    if run.code != 0 and name not in run.err:
        return "no line names the file"
    return None


def main(program, folder, groups):
    report = player.Report()
    chosen = [c for c in player.clips(folder) if c["group"] in groups]
    runs = player.side_by_side(lambda c: play(program, folder, c), chosen)
    for clip, run in zip(chosen, runs):
        if clip["group"] == "damaged":
            problem = problem_of_damaged(run, clip["name"])
        else:
            problem = player.all_accounted(run, clip["frames"])
        report.note(clip["name"], problem, run)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
