#!/bin/sh
# Installs what is missing, builds with warnings as errors, and runs the tests. Needs no GPU, no headset, and after the
# first run no network. Arguments go to CTest: ./test.sh -L nn runs the tests labelled nn, ./test.sh -R wav those named so.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$here/setup.sh"

setup_install && setup_build ci || exit 1
# two at a time: tests that measure time run alone (RUN_SERIAL)
cd "$here/build" && exec ctest --output-on-failure --no-tests=error -j2 "$@"
