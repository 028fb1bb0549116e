#!/bin/sh
# Everything that is to be seen on a GPU, in one go: for machines that have one only for minutes.
#
#   rehearse.sh pack FOLDER        on a machine with nvcc: builds for one GPU (ARCH, 90-real by default) without player
#                                  and oneDNN, and puts programs, libraries and cases into FOLDER
#   rehearse.sh pack-viewer FOLDER adds the player, with all libraries that it needs (pack_viewer.sh)
#   FOLDER/rehearse.sh run OUT     on the machine with the GPU, which needs its driver alone (cuDNN and cuBLASLt are
#                                  found in its system or in its Python's packages): the steps below, the most telling
#                                  first, each with a limit of its own and all of them within BUDGET seconds (150).
#                                  OUT/table and OUT/log grow as it goes. STEPS="kernels bench-1080p" runs those alone.
#   FOLDER/rehearse.sh run OUT     with TWIN=1: the same on the processor, on CUDA's twin
#
# A step more: its program in `programs`, and a line in the function of steps() where it belongs.
set -u
here=$(cd "$(dirname "$0")" && pwd)

# What is built and packed, by its place in the build folder.
programs="tests/kernels/kernels_cuda tests/kernels/kernels_filter tests/golden/golden_roads tests/cuda/kernels_cuda_twin tests/cuda/libdeep3d_cuda_twin.so kernels/libdeep3d_cuda.so
    tests/nn/nn_nodes tests/nn/nn_networks tests/nn/nn_cuda_plan tests/bench/deep3d-bench tests/cuda/interop/interop tests/cuda/interop_twin"

pack() {
    top=$(cd "$here/../.." && pwd)
    to=$1
    build=${BUILD:-$top/build-gpu}
    cmake -S "$top" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDEEP3D_VIEWER=OFF -DDNNL_LIBRARY=off \
        -DCMAKE_CUDA_ARCHITECTURES="${ARCH:-90-real}" >/dev/null && ninja -C "$build" $programs || return 1
    mkdir -p "$to/lib" "$to/cases" || return 1
    for program in $programs; do
        cp "$build/$program" "$to" && strip -g "$to/$(basename "$program")" || return 1
    done
    cp "$here/rehearse.sh" "$top"/assets/models/*.onnx "$top/tests/nn/tools/torch_compare.py" "$to" || return 1
    for library in cmocka cjson protobuf-c gomp vulkan; do
        cp -L "$(cd "$build" && ldd $programs | sed -n "s/.*=> \(.*lib$library\.so[^ ]*\).*/\1/p" | head -1)" "$to/lib"
    done
    # what NVIDIA's Vulkan driver is linked with, and a machine without a screen has not
    for library in X11 Xext xcb Xau Xdmcp bsd md GLdispatch GLX GL EGL; do
        cp -L "$(ldconfig -p | sed -n "s/.*lib$library\.so\.[0-9]* .*x86-64.*=> //p" | head -1)" "$to/lib"
    done
    # the validation layer, where this machine has it; releases like 1.3.239 take no notice of semaphores that are shared
    # with CUDA, and then say that everything is in use for ever (1.4.309 does not)
    layer=$(ls /usr/lib/*/libVkLayer_khronos_validation.so 2>/dev/null | head -1)
    if [ -n "$layer" ]; then
        sed 's|"libVkLayer|"./libVkLayer|' /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json >"$to/layer.json"
        tar czf "$to/layer.tar.gz" -C "$to" layer.json -C "$(dirname "$layer")" "$(basename "$layer")" && rm "$to/layer.json"
    fi
    cp -r "$top/tests/nn/cases" "$to/"
    # thousands of small files, and what can be carried may be limited
    [ ! -d /usr/share/libonnx-testdata/data/node ] || tar czf "$to/nodes.tar.gz" -C /usr/share/libonnx-testdata/data node
    du -sh "$to"
}

# Folders of NVIDIA's libraries among Python's packages.
pip_folders() {
    python3 - <<'PYTHON' 2>/dev/null
import glob, nvidia
print(":".join(f for p in nvidia.__path__ for f in glob.glob(p + "/*/lib")))
PYTHON
}

# Of a step's output: a bench's milliseconds, else the last line.
figures() {
    tr -d '\000\r' | awk '/"(plan_ms|ms_p50|ms_p99|stream_ms|nmse)":/ { gsub(/[",\t]/, ""); found = found $0 "  " }
        /[a-z]/ { last = $0 } END { print substr(found ? found : last, 1, 110) }'
}

# step NAME LIMIT COMMAND...: into the log and, with its last line, into the table
step() {
    name=$1 limit=$2
    shift 2
    case " ${STEPS:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    begin=$(date +%s)
    left=$((end - begin))
    [ "$left" -ge 3 ] || { printf '%-22s not reached\n' "$name" | tee -a "$out/table"; return 0; }
    printf '\n== %s: %s\n' "$name" "$*" >>"$out/log"
    from=$(($(wc -c <"$out/log") + 1))
    timeout -k 5 "$((limit < left ? limit : left))" "$@" >>"$out/log" 2>&1 </dev/null
    code=$?
    line=$(tail -c "+$from" "$out/log" | figures)
    printf '%-22s %3d  %4d s  %s\n' "$name" "$code" $(($(date +%s) - begin)) "$line" | tee -a "$out/table"
}

# Right, and how fast: kernels, networks, the converter.
engine_steps() {
    network="./deep3d-bench nn --model deep3d-small.onnx --backend cuda --precision fp16"
    step driver 10 nvidia-smi
    step kernels 30 ./$kernels
    step filter 15 ./kernels_filter gpu
    step roads 40 sh -c "cd '$work' && '$here/golden_roads' '$here/deep3d-small.onnx'"
    step network 30 $network --memory device --runs 500 --profile 50 # nothing is known of it yet
    step network-known 15 $network --memory device --runs 500
    step network-host 15 $network --runs 500
    step networks 30 ./nn_networks cuda
    step bench-1080p 20 ./deep3d-bench cuda --size 1920x1080
    step convert-1080p 20 ./deep3d-bench convert --model deep3d-small.onnx --backend cuda --runs 500 --flat on
    step convert-4k 20 ./deep3d-bench convert --model deep3d-small.onnx --backend cuda --runs 500 --flat on --size 3840x2160
    step convert-large 20 ./deep3d-bench convert --model deep3d-large.onnx --backend cuda --runs 500 --flat on
    step network-large 15 ./deep3d-bench nn --model deep3d-large.onnx --backend cuda --precision fp16 --memory device --runs 500
    step bench-4k 20 ./deep3d-bench cuda --size 3840x2160
    step nodes 30 ./nn_nodes cuda
    step plans 15 ./nn_cuda_plan
}

# What takes longer and tells less.
further_steps() {
    step vit 15 ./deep3d-bench nn --case cases/vit --backend cuda --precision fp16 --memory device --runs 500 --profile 20
    step torch-graphs 60 python3 torch_compare.py --bench ./deep3d-bench --mode reduce-overhead deep3d-small.onnx
    step torch 40 python3 torch_compare.py --bench ./deep3d-bench --mode default deep3d-small.onnx
    command -v compute-sanitizer >/dev/null || return 0
    sanitizer="compute-sanitizer --error-exitcode 9 --print-limit 5 --tool"
    step racecheck 60 $sanitizer racecheck ./$kernels
    step memcheck 40 $sanitizer memcheck ./$kernels
    step memcheck-networks 60 $sanitizer memcheck ./nn_networks cuda
    step initcheck 60 $sanitizer initcheck ./nn_networks cuda
}

# CUDA and Vulkan on the same memory
share_with_vulkan() {
    part=${TWIN:+50} # of the frames, on a processor
    step interop 30 $vulkan ./$interop $((1000 / ${part:-1}))
    step interop-1080p 20 $vulkan ./$interop $((300 / ${part:-1})) 1920 1080
    step interop-4k 20 $vulkan ./$interop $((50 / ${part:-1})) 3840 2160
    [ -f "$here/layer.tar.gz" ] || return 0
    mkdir -p "$work/layer" && tar xzf "$here/layer.tar.gz" -C "$work/layer"
    step interop-checked 20 $vulkan DEEP3D_VK_VALIDATION=1 VK_LAYER_PATH="$work/layer" ./$interop $((100 / ${part:-1}))
}

# What pack-viewer added. The libraries are for these programs alone: many are hollow.
run_viewer() {
    viewer=$work/viewer seen=$work/seen
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/viewer.tar.xz" "$work" || return 1
    mkdir -p "$seen/eyes" "$viewer/share/deep3d/models"
    ln -s "$here"/*.onnx "$viewer/share/deep3d/models" # where the player looks for them
    with="$vulkan LD_LIBRARY_PATH=$viewer/lib:$all"
    export FONTCONFIG_FILE="$viewer/fonts/fonts.conf" SDL_AUDIODRIVER=dummy XR_RUNTIME_JSON="$viewer/sim_headset.json" \
        SIM_REPORT="$seen/headset.json" SIM_FRAME_LOG="$seen/frames.csv" SIM_PICTURES="$seen/eyes" SIM_PICTURES_AT=1,final
    player="$with $viewer/bin/deep3d"
    step overlay 10 $with "$viewer/bin/unit_overlay" gpu
    step nvdec 30 $with "$viewer/bin/nvdec" gpu "$viewer"/clips/[ahv]*.*
    step play-1080p 30 $player --display null --stats "$seen/play-1080p.json" "$viewer/clips/film-1080p.mp4"
    step play-4k 30 $player --display null --stats "$seen/play-4k.json" "$viewer/clips/film-4k.mp4"
    step play-xr 40 $player --display xr --stats "$seen/xr.json" "$viewer/clips/film-1080p.mp4"
    step play-cpu 30 $player --display null --hwdec no --stats "$seen/play-cpu.json" "$viewer/clips/film-1080p.mp4"
    step play-clips 30 $player --display null --stats "$seen/clips.json" "$viewer"/clips/[ahv]*.*
    step vk-frames 20 $with "$viewer/bin/test_vk_frames"
    step convert 40 $player convert "$viewer/clips/vp9.webm" -o "$seen/convert.mp4" --overwrite
    tar czf "$out/viewer.tar.gz" -C "$work" seen
}

run() {
    mkdir -p "$1" && out=$(cd "$1" && pwd) && work=$(mktemp -d) || return 1
    trap 'rm -rf "$work"' EXIT
    : >"$out/table" && : >"$out/log" || return 1
    end=$(($(date +%s) + ${BUDGET:-150}))
    export NN_CASES="$here/cases" NN_NODE_CASES="$work/node" XDG_CACHE_HOME="$work/cache" OMP_WAIT_POLICY=passive
    mkdir -p "$XDG_CACHE_HOME"
    tar xzf "$here/nodes.tar.gz" -C "$work"
    all="$here/lib:$(pip_folders)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    kernels=kernels_cuda interop=interop
    export DEEP3D_CUDA_LIBRARY="$here/libdeep3d_cuda.so"
    if [ -n "${TWIN:-}" ]; then
        export DEEP3D_CUDA_LIBRARY="$here/libdeep3d_cuda_twin.so"
        kernels=kernels_cuda_twin interop=interop_twin all="$all:$here"
    fi
    icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json # where containers have it
    vulkan="env $([ ! -r $icd ] || echo "VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd")"
    cd "$here" || return 1
    export LD_LIBRARY_PATH="$all"
    engine_steps
    share_with_vulkan
    [ ! -f "$here/viewer.tar.xz" ] || run_viewer
    further_steps
    ways=$XDG_CACHE_HOME/deep3d/cuda-ways
    [ ! -f "$ways" ] || { echo && echo "== ways" && cat "$ways"; } >>"$out/log"
    echo
    cat "$out/table"
}

case "${1:-} ${2:-}" in
"pack "?*) pack "$2" ;;
"pack-viewer "?*) "$here/pack_viewer.sh" "$2" ;;
"run "?*) run "$2" ;;
*)
    sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
