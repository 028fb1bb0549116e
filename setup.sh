# Sourced by demo.sh and test.sh, not run: installs what is missing, configures and builds. Needs `here`, the folder of
# this file. A second run installs nothing and needs no network.

packages="build-essential cmake ninja-build pkg-config ffmpeg python3 python3-numpy libopenblas0-pthread
    libavformat-dev libavcodec-dev libavutil-dev libavdevice-dev libavfilter-dev libswscale-dev libswresample-dev
    libass-dev libuchardet-dev fonts-dejavu-core
    libsdl2-dev libvulkan-dev mesa-vulkan-drivers vulkan-validationlayers glslc
    libopenxr-dev libopenxr-loader1 openxr-layer-corevalidation
    libdnnl-dev libprotobuf-c-dev protobuf-c-compiler libcjson-dev libheif-dev libpng-dev libcmocka-dev libonnx-testdata
    libheif-examples xvfb xdotool imagemagick mpv"

say() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

# Prints those of $packages that dpkg does not know as installed.
setup_missing() {
    for package in $packages; do
        case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
        ii*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

setup_install() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        if command -v cmake >/dev/null && command -v ninja >/dev/null && command -v pkg-config >/dev/null; then
            say "no apt here, so nothing is installed; the build needs what these Debian packages hold:" $packages
            return 0
        fi
        say "no apt here; install by hand what these Debian packages hold, then run this again:" $packages
        return 1
    fi
    missing=$(setup_missing)
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "these packages are missing, and there is neither root nor sudo to install them; as root: apt-get install $missing"
            return 1
        fi
        as_root=sudo
    fi
    say "installing: $missing"
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update ||
        ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing; then
        say "apt could not install these packages (on Ubuntu, is the component \"universe\" on?): $missing"
        return 1
    fi
}

# setup_build PRESET: a preset of CMakePresets.json whose build folder is build/.
setup_build() {
    setup_log=$here/build/configure.log
    mkdir -p "$here/build" || return 1
    if ! (cd "$here" && cmake --preset "$1" -G Ninja) >"$setup_log" 2>&1; then
        cat "$setup_log" >&2
        say "CMake could not set up the build; the reason is above, and in $setup_log"
        return 1
    fi
    if ! ninja -C "$here/build" --quiet; then
        say "the build failed; the compiler's message is above"
        return 1
    fi
}
