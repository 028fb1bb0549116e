#!/bin/sh
# Installs what is missing, builds, and plays in stereo 3D: ./demo.sh [OPTION ...] [VIDEO|URL|IMAGE ...]
# Without a file it plays the project's sample clip. Options are those of the player: ./demo.sh --help
# Shown in the headset of the active OpenXR runtime; where there is none, in a simulated headset that keeps pictures of
# what each eye saw. Exit code 0: it played to the end.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$here/setup.sh"

# The OpenXR loader's own order of places.
active_runtime() {
    if [ -n "${XR_RUNTIME_JSON:-}" ]; then
        printf '%s\n' "$XR_RUNTIME_JSON"
        return
    fi
    for folder in "${XDG_CONFIG_HOME:-$HOME/.config}" /etc/xdg /etc /usr/local/etc; do
        for name in active_runtime.x86_64.json active_runtime.json; do
            [ -r "$folder/openxr/1/$name" ] && printf '%s\n' "$folder/openxr/1/$name" && return
        done
    done
}

# True when one of the arguments is a file, or stands where one would. An option's value after a blank is no file.
names_a_file() {
    value_of_option=
    for argument in "$@"; do
        case $argument in
        --) ;;
        --*=*) value_of_option= ;;
        --fullscreen | --mute | --no-audio | --loop | --verbose | --version | --help) value_of_option= ;;
        --*) value_of_option=yes && continue ;;
        *) [ -n "$value_of_option" ] || return 0 ;;
        esac
        value_of_option=
    done
    return 1
}

setup_install && setup_build dev || exit 1
# a look at each shot of the sample clip
export SIM_PICTURES_AT="${SIM_PICTURES_AT:-1,3,7,12,final}"
player=$here/build/viewer/deep3d
case " $* " in *" --help "* | *" --version "*) exec "$player" "$@" ;; esac
names_a_file "$@" || set -- "$@" "$here/assets/sample.mp4"

pictures=
runtime=$(active_runtime)
if [ -n "$runtime" ] && timeout 30 "$here/build/tests/viewer/headset-probe"; then
    say "playing on the headset of $runtime"
else
    [ -z "$runtime" ] || say "$runtime has no headset ready; using the simulated one"
    pictures=$here/out/eyes
    mkdir -p "$pictures" && rm -f "$pictures"/*.png || exit 1
    export XR_RUNTIME_JSON="$here/build/tests/headset/sim_headset.json" SIM_PICTURES="$pictures"
    say "playing on the simulated headset"
fi
"$player" "$@"
code=$?
if [ -n "$pictures" ] && ls "$pictures"/*.png >/dev/null 2>&1; then
    say "what each eye saw: $pictures"
fi
exit $code
