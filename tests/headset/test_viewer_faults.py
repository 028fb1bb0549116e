"""What headsets do to a player, one after the other: each is survived as it should be, without one wrong call."""
import os

import rig as r

SECONDS = 5


def clip(rig):
    return r.moving_clip(rig.path("faults.mp4"), seconds=SECONDS)


def lines(run, *words):
    found = [line for line in run.err.splitlines() if all(word in line for word in words)]
    r.check(found, f"no line says {' and '.join(words)}:\n{run.err}")
    return found


def layers_after(run, seconds):
    """Frames with layers that were submitted later than so many seconds after the first."""
    with_layers = [f for f in run.frames if f["layers"] > 0]
    r.check(with_layers, "no layers were ever submitted")
    return [f for f in with_layers if f["submitted_ns"] > with_layers[0]["submitted_ns"] + seconds * 1e9]


def goes_on(run, seconds):
    """Played to the end by the rules, and the headset showed something afterwards."""
    run.clean().played()
    r.check(len(layers_after(run, seconds)) > 20, "nothing was shown any more after the fault")
    return run


def session_lost(rig):
    run = goes_on(rig.play(clip(rig), script="1 session_lost", validate=True), 2)
    r.check(run.report["sessions"] == 2 and run.report["instances"] == 1, f"{run.report['sessions']} sessions")
    return lines(run, "session")[0]


def session_loss_announced(rig):
    run = goes_on(rig.play(clip(rig), script="1 session_lost grace=0.5"), 2.5)
    r.check(run.report["sessions"] == 2, f"{run.report['sessions']} sessions")


def session_lost_twice(rig):
    run = goes_on(rig.play(clip(rig), script="1 session_lost; 2.5 session_lost"), 3.5)
    r.check(run.report["sessions"] == 3, f"{run.report['sessions']} sessions")


def instance_lost(rig):
    run = goes_on(rig.play(clip(rig), script="1 instance_lost", validate=True), 3)
    r.check(run.report["instances"] >= 2, f"{run.report['instances']} instances")
    return lines(run, "again")[0]


def instance_loss_announced(rig):
    run = goes_on(rig.play(clip(rig), script="1 instance_lost in=0.3 down=0.5"), 3)
    r.check(run.report["instances"] >= 2, f"{run.report['instances']} instances")


def runtime_gone_for_good(rig):
    """No other display is there: a clear end, not a hang."""
    run = rig.play(clip(rig), script="1 instance_lost down=1000", timeout=90)
    r.check(run.code != 0, "it says that all is well")
    return lines(run, "headset", "gone")[-1]


def goes_on_in_the_window(rig):
    """The runtime is gone for good, but there is a desktop."""
    run = rig.play(clip(rig), script="1 instance_lost down=1000", desktop=True, timeout=90).clean().played()
    return lines(run, "headset", "gone", "window")[-1]


def no_headset_but_a_window(rig):
    run = rig.play(clip(rig), script="start no_headset", desktop=True).played()
    r.check(run.stats["display"]["kind"] == "window", f"{run.stats['display']}")
    return lines(run, "headset")[0]


def exit_asked(rig):
    run = rig.play(clip(rig), script="1 exit").clean()
    r.check(run.code == 0 and run.stats["end"] == "user", f"ended with {run.code}, {run.stats and run.stats['end']}:\n{run.err}")
    r.check(run.report["states"][-5:] == ["VISIBLE", "SYNCHRONIZED", "STOPPING", "IDLE", "EXITING"], f"{run.report['states']}")


def no_controllers_any_more(rig):
    """A film needs none."""
    run = goes_on(rig.play(clip(rig), script="1 fail call=xrSyncActions n=1000000"), 2)
    r.check(run.report["sessions"] == 1, f"{run.report['sessions']} sessions")
    return lines(run, "no controllers")[0]


def slow_to_start_again(rig):
    """The runtime is back, but not able yet to make a session: a desktop is no reason to give the headset up."""
    run = goes_on(rig.play(clip(rig), script="1 fail call=xrCreateSession n=1; 1 instance_lost", desktop=True), 3)
    r.check(run.stats["display"]["kind"] == "xr", f"{run.stats['display']}")


def unplugged(rig):
    """It is said once, for as long as it takes; and then the film is there again."""
    run = goes_on(rig.play(clip(rig), script="0.5 no_headset; 0.5 session_lost; 2.5 headset"), 2.6)
    r.check(len(lines(run, "connect it")) == 1, run.err)
    r.check("error:" not in run.err, run.err)


def hangs_at_the_end(rig):
    """As SteamVR for Linux does: the program ends all the same, and the statistics are there."""
    run = rig.play(clip(rig), script="1 hang call=xrDestroyInstance").played()
    return lines(run, "does not answer")[0]


def hangs_in_the_film(rig):
    """Who wants to leave can, even where the runtime never returns."""
    run = r.Run(rig, "--display", "xr", "--model", rig.model, clip(rig), script="1 hang call=xrWaitFrame")
    first = next((line for line in run.process.stdout if b"does not answer" in line), b"")
    run.process.terminate()
    run.end()
    r.check(first and run.code == 0 and run.stats["end"] == "user", f"ended with {run.code}:\n{run.err}")
    return first.decode().strip()


def doff_and_don(rig):
    """Nothing is rendered for the empty headset, but the frame loop goes on; then the film is there again."""
    run = goes_on(rig.play(clip(rig), script="1 doff; 2 don"), 2.2)
    hidden = [f for f in run.frames if not f["should_render"]]
    r.check(len(hidden) > 40, f"only {len(hidden)} frames while the headset was off")
    r.check(all(f["layers"] == 0 for f in hidden), "layers were submitted although nothing was to be rendered")


def doffed_to_the_end(rig):
    rig.play(clip(rig), script="1 doff").clean().played()


def menu_of_the_system(rig):
    run = rig.play(clip(rig), script="1 unfocus; 2 focus").clean().played()
    r.check(run.report["states"].count("VISIBLE") >= 2, f"{run.report['states']}")
    shown = [f for f in layers_after(run, 1.1) if f["layers"] > 0]
    r.check(len(shown) > 100, "the film was not shown behind the menu")


def stopped_and_resumed(rig):
    run = goes_on(rig.play(clip(rig), script="1 stop; 2 resume"), 2.5)
    r.check(run.report["states"].count("READY") == 2 and run.report["sessions"] == 1, f"{run.report['states']}")


def recentred(rig):
    """The viewer moved and turned, and recentres: the screen is straight ahead again, as at the start."""
    run = rig.play(clip(rig), script="1 head x=1 yaw=60; 2 recenter",
                   env={"SIM_PICTURES": "the folder of the run", "SIM_PICTURES_AT": "0.5,3.5"}).clean().played()
    before, after = (run.picture(f"t000{n}_left").screen() for n in ("0.50", "3.50"))
    r.check(max(abs(a - b) for a, b in zip(before, after)) <= 3, f"the screen was at {before} and is at {after}")


def put_on_late(rig):
    """The session began while the headset lay on the table: the screen is before whoever put it on. A sensor that loses the
    wearer for a moment moves nothing."""
    run = rig.play(clip(rig), script="start take_off; 1 head x=1 yaw=60; 2.3 put_on; 3.6 head x=1 yaw=65; 3.7 take_off; 4 put_on",
                   env={"SIM_PICTURES": "the folder of the run", "SIM_PICTURES_AT": "0.5,3.3,4.5"}).clean().played()
    before, after, turned = (run.picture(f"t000{n}_left").screen() for n in ("0.50", "3.30", "4.50"))
    r.check(max(abs(a - b) for a, b in zip(before, after)) <= 3, f"the screen was at {before} and is at {after}")
    r.check(turned[0] - after[0] > 20, f"the screen was at {after} and follows the head to {turned}")


def another_rate(rig):
    goes_on(rig.play(clip(rig), script="1 rate hz=72; 2 rate hz=120"), 2.5)


def slow_compositor(rig):
    goes_on(rig.play(clip(rig), script="1 stall ms=400; 2 stall ms=1500"), 4)


def image_withheld(rig):
    goes_on(rig.play(clip(rig), script="1 hold_images n=6"), 2)


def paused_by_a_button(rig):
    """A second's pause makes the film end a second later."""
    press = "/user/hand/right/input/select/click"
    run = rig.play(clip(rig), script=f"1 press path={press}; 1.5 release path={press}; 2 press path={press}; "
                   f"2.5 release path={press}").clean().played()
    shown = [f for f in run.frames if f["layers"] > 0]
    seconds = (shown[-1]["submitted_ns"] - shown[0]["submitted_ns"]) / 1e9
    still = [f for f in layers_after(run, 1.3) if f["changed"] and f["submitted_ns"] < shown[0]["submitted_ns"] + 1.95e9]
    r.check(seconds > SECONDS + 0.5, f"the film was shown for {seconds:.2f} s")
    r.check(len(still) <= 1, f"{len(still)} new pictures while paused")


def no_headset(rig):
    run = rig.play(clip(rig), script="start no_headset")
    r.check(run.code != 0, "it says that all is well")
    return lines(run, "headset")[0]


def no_runtime(rig):
    run = rig.play(clip(rig), env={"XR_RUNTIME_JSON": "/nonexistent/runtime.json"})
    r.check(run.code != 0, "it says that all is well")
    return [line for line in run.err.splitlines() if line.startswith("deep3d")][0]


def no_vulkan_driver(rig):
    none = os.path.join(rig.folder, "nothing.json")
    run = rig.play(clip(rig), env={"VK_ICD_FILENAMES": none, "VK_DRIVER_FILES": none})
    r.check(run.code != 0, "it says that all is well")
    return lines(run, "Vulkan")[0]


CASES = [session_lost, session_loss_announced, session_lost_twice, instance_lost, instance_loss_announced, runtime_gone_for_good,
         goes_on_in_the_window, no_headset_but_a_window, no_controllers_any_more, slow_to_start_again, unplugged, hangs_at_the_end,
         hangs_in_the_film,
         exit_asked, doff_and_don, doffed_to_the_end, menu_of_the_system, stopped_and_resumed, recentred, put_on_late, another_rate,
         slow_compositor, image_withheld, paused_by_a_button, no_headset, no_runtime, no_vulkan_driver]

if __name__ == "__main__":
    r.main(CASES, at_once=2)
