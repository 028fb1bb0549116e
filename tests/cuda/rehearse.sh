#!/bin/sh
# Everything that is to be seen on a GPU, in one go: for machines that have one only for minutes.
#
#   rehearse.sh pack FOLDER        on a machine with nvcc: builds for one GPU (ARCH, 90-real by default) without player
#                                  and oneDNN, and puts programs, libraries and cases into FOLDER
#   rehearse.sh pack-viewer FOLDER adds the player, with all libraries that it needs (pack_viewer.sh)
#   FOLDER/rehearse.sh run OUT     on the machine with the GPU, which needs its driver alone (cuDNN and cuBLASLt are
#                                  found in its system or in its Python's packages): runs every step with a limit of its
#                                  own, logs into OUT, and ends with a table. STEPS="kernels bench" runs those alone.
#   FOLDER/rehearse.sh run OUT     with TWIN=1: the same on the processor, on CUDA's twin
set -u
here=$(cd "$(dirname "$0")" && pwd)

pack() {
    top=$(cd "$here/../.." && pwd)
    to=$1
    build=${BUILD:-$top/build-gpu}
    cmake -S "$top" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDEEP3D_VIEWER=OFF -DDNNL_LIBRARY=off \
        -DCMAKE_CUDA_ARCHITECTURES="${ARCH:-90-real}" >/dev/null || return 1
    ninja -C "$build" kernels_cuda kernels_cuda_twin nn_nodes nn_networks deep3d-bench deep3d_cuda interop interop_twin || return 1
    mkdir -p "$to/lib" "$to/cases" || return 1
    cp "$here/rehearse.sh" "$build/kernels/libdeep3d_cuda.so" "$build/tests/kernels/kernels_cuda" \
        "$build/tests/cuda/kernels_cuda_twin" "$build/tests/cuda/libdeep3d_cuda_twin.so" \
        "$build/tests/nn/nn_nodes" "$build/tests/nn/nn_networks" "$build/tests/bench/deep3d-bench" \
        "$build/tests/cuda/interop/interop" "$build/tests/cuda/interop_twin" \
        "$top/assets/models/deep3d-small.onnx" "$to" || return 1
    for library in cmocka cjson protobuf-c gomp vulkan; do
        cp -L "$(ldd "$to/nn_nodes" "$to/deep3d-bench" "$to/interop" | sed -n "s/.*=> \(.*lib$library\.so[^ ]*\).*/\1/p" | head -1)" "$to/lib"
    done
    strip -g "$to"/*.so "$to/kernels_cuda" "$to/kernels_cuda_twin" "$to"/nn_* "$to/deep3d-bench" "$to"/interop*
    # the validation layer, where this machine has it
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

# step NAME LIMIT COMMAND...: into the log and the table
step() {
    name=$1 limit=$2
    shift 2
    case " ${STEPS:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    begin=$(date +%s)
    timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1
    code=$?
    line=$(grep -v '^$' "$out/$name.log" | tail -1 | cut -c1-90)
    printf '%-22s %3d  %4d s  %s\n' "$name" "$code" $(($(date +%s) - begin)) "$line" | tee -a "$out/table"
}

# CUDA and Vulkan on the same memory
share_with_vulkan() {
    part=${TWIN:+50} # of the frames, on a processor
    step interop 90 $vulkan ./$interop $((1000 / ${part:-1}))
    step interop-1080p 60 $vulkan ./$interop $((300 / ${part:-1})) 1920 1080
    step interop-4k 60 $vulkan ./$interop $((50 / ${part:-1})) 3840 2160
    [ -f "$here/layer.tar.gz" ] || return 0
    mkdir -p "$out/layer" && tar xzf "$here/layer.tar.gz" -C "$out/layer"
    step interop-checked 60 $vulkan DEEP3D_VK_VALIDATION=1 VK_LAYER_PATH="$out/layer" ./$interop $((100 / ${part:-1}))
    rm -r "$out/layer"
}

# nvdec FOLDER: each clip of the packed player through FFmpeg's hardware decoder and its own, bit by bit
nvdec() {
    same=0 all=0
    for clip in "$1"/clips/[ahv]*.*; do
        case $clip in *10bit*) format=p010le ;; *) format=nv12 ;; esac
        case $clip in */av1*) decoder="-c:v av1" ;; *) decoder= ;; esac # the one that has hardware
        hard=$("$1/bin/ffmpeg" -v error -hwaccel cuda -hwaccel_output_format cuda $decoder -i "$clip" \
            -vf "hwdownload,format=$format" -f md5 - </dev/null 2>&1 | tail -1)
        soft=$("$1/bin/ffmpeg" -v error -i "$clip" -pix_fmt "$format" -f md5 - </dev/null 2>&1 | tail -1)
        echo "$(basename "$clip"): $hard, in software $soft"
        all=$((all + 1))
        [ "$hard" != "$soft" ] || same=$((same + 1))
    done
    echo "$same of $all clips decoded bit by bit (10-bit H.264 only by a Blackwell)"
}

# What pack-viewer added. The libraries are for these programs alone: many are hollow.
run_viewer() {
    viewer=$(mktemp -d)
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/viewer.tar.xz" "$viewer" || return 1
    viewer=$viewer/viewer seen=$out/viewer
    mkdir -p "$seen/eyes"
    with="$vulkan LD_LIBRARY_PATH=$viewer/lib:$all"
    export FONTCONFIG_FILE="$viewer/fonts/fonts.conf" SDL_AUDIODRIVER=dummy XR_RUNTIME_JSON="$viewer/sim_headset.json" \
        SIM_REPORT="$seen/headset.json" SIM_FRAME_LOG="$seen/frames.csv" SIM_PICTURES="$seen/eyes" SIM_PICTURES_AT=1,final
    player="$with $viewer/bin/deep3d"
    model="--model $here/deep3d-small.onnx"
    step vk-frames 20 $with "$viewer/bin/test_vk_frames"
    step nvdec 40 $with sh "$here/rehearse.sh" nvdec "$viewer"
    step play-null 40 $player $model --display null --stats "$seen/null.json" "$viewer/clips/sample.mp4"
    step play-xr 40 $player $model --display xr --stats "$seen/xr.json" "$viewer/clips/hevc.mp4"
    step play-clips 60 $player $model --display null --stats "$seen/clips.json" "$viewer"/clips/[ahv]*.*
    step convert 60 $player convert $model "$viewer/clips/vp9.webm" -o "$seen/convert.mp4" --overwrite
    rm -rf "${viewer%/viewer}"
}

run() {
    mkdir -p "$1" && out=$(cd "$1" && pwd) && : >"$out/table" || return 1
    export NN_CASES="$here/cases" NN_NODE_CASES="$out/node" XDG_CACHE_HOME="$out/cache" OMP_WAIT_POLICY=passive
    mkdir -p "$XDG_CACHE_HOME"
    tar xzf "$here/nodes.tar.gz" -C "$out"
    own="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" all="$here/lib:$(pip_folders)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    kernels=kernels_cuda interop=interop
    export DEEP3D_CUDA_LIBRARY="$here/libdeep3d_cuda.so"
    if [ -n "${TWIN:-}" ]; then
        export DEEP3D_CUDA_LIBRARY="$here/libdeep3d_cuda_twin.so"
        kernels=kernels_cuda_twin interop=interop_twin own="$own:$here" all="$all:$here"
    fi
    icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json # where containers have it
    vulkan="env $([ ! -r $icd ] || echo "VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd")"
    cd "$here" || return 1
    export LD_LIBRARY_PATH="$own"
    step driver 20 nvidia-smi
    step kernels 100 ./$kernels
    step nodes-own 60 ./nn_nodes cuda
    step networks-own 60 ./nn_networks cuda
    share_with_vulkan
    export LD_LIBRARY_PATH="$all"
    step bench-1080p 60 ./deep3d-bench cuda --size 1920x1080 --json "$out/bench-1080p.json"
    step networks 150 ./nn_networks cuda
    step convert-1080p 90 ./deep3d-bench convert --model deep3d-small.onnx --backend cuda --runs 400 --json "$out/convert-1080p.json"
    step vit 60 ./deep3d-bench nn --case cases/vit --backend cuda --precision fp16 --runs 500 --profile 20
    [ ! -f "$here/viewer.tar.xz" ] || run_viewer
    step bench-4k 60 ./deep3d-bench cuda --size 3840x2160 --json "$out/bench-4k.json"
    step nodes 150 ./nn_nodes cuda
    if command -v compute-sanitizer >/dev/null; then
        export LD_LIBRARY_PATH="$own"
        step memcheck 120 compute-sanitizer --tool memcheck --error-exitcode 9 ./$kernels
        step racecheck 120 compute-sanitizer --tool racecheck --error-exitcode 9 ./$kernels
        step initcheck 120 compute-sanitizer --tool initcheck --error-exitcode 9 ./nn_networks cuda
        step memcheck-networks 120 compute-sanitizer --tool memcheck --error-exitcode 9 ./nn_networks cuda
    fi
    echo
    cat "$out/table"
    [ -f "$XDG_CACHE_HOME/deep3d/cuda-ways" ] && cp "$XDG_CACHE_HOME/deep3d/cuda-ways" "$out/ways"
    # what comes back is limited in number: one file with all logs
    (cd "$out" && tar czf logs.tar.gz ./*.log $(ls -d viewer 2>/dev/null) && rm -rf ./*.log node cache viewer)
}

case "${1:-} ${2:-}" in
"pack "?*) pack "$2" ;;
"pack-viewer "?*) "$here/pack_viewer.sh" "$2" ;;
"run "?*) run "$2" ;;
"nvdec "?*) nvdec "$2" ;;
*)
    sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
