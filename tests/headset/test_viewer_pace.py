"""A slow network never delays a submit: at 90 Hz, 99 % of the display periods get their frame in time while a 1920x1080 film is
converted on the CPU with the network that ships.

On a machine that is busy with other things the best of some runs counts.
"""
import os

import rig as r

RUNS, SECONDS = 3, 8


def converts_1080p_at_90_hz(rig):
    clip = r.moving_clip(rig.path("full_hd.mp4"), size="1920x1080", seconds=SECONDS)
    best = (0, "")
    for _ in range(RUNS):
        run = r.Run(rig, "--display", "xr", "--backend", "cpu", clip).end().clean().played()
        report = run.report
        r.check(report["rate_hz"] == 90, f"the display runs at {report['rate_hz']} Hz")
        r.check(report["periods"] > 90 * SECONDS / 2, f"only {report['periods']} periods were counted")
        text = (f"{report['in_time_fraction'] * 100:.2f} % of {report['periods']} periods ({report['late']} late, "
                f"{report['missed_periods']} missed), {run.stats['convert']['frames']} frames converted in "
                f"{run.stats['convert']['ms_p50']:.0f} ms each, load {os.getloadavg()[0]:.1f}")
        if report["in_time_fraction"] >= 0.99:
            return text
        best = max(best, (report["in_time_fraction"], text))
    raise r.Failure(best[1])


CASES = [converts_1080p_at_90_hz]

if __name__ == "__main__":
    r.main(CASES)
