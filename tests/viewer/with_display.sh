#!/bin/sh
# Runs a test program on an X display of its own, without a screen.
#
#     with_display.sh PROGRAM [ARGUMENT...]
#
# Skips (77) where Xvfb, xdotool or ImageMagick is not installed.
for tool in Xvfb xdotool import; do
    if ! command -v "$tool" >/dev/null; then
        echo "SKIPPED: $tool is not installed (packages xvfb, xdotool, imagemagick)" >&2
        exit 77
    fi
done

directory=$(mktemp -d)
test=
# -displayfd picks a free number, and writes it once the display is ready; -noreset: it stays as it is
# between two windows
mkfifo "$directory/number"
Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp -noreset 3>"$directory/number" 2>"$directory/log" &
server=$!
trap 'kill $test $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$directory"' EXIT
trap 'exit 143' INT TERM
if ! read -r number <"$directory/number"; then
    cat "$directory/log" >&2
    echo "SKIPPED: Xvfb does not start here" >&2
    exit 77
fi
unset WAYLAND_DISPLAY SDL_VIDEODRIVER
DISPLAY=:$number "$@" & # in the background, so that this script can be ended
test=$!
wait $test
