#!/bin/sh
# The arrows between folders: which may include which, and what no core file may name. One line an offence; exit 1.
allowed() {
    case $1 in
    base) echo "base" ;;
    draw) echo "draw base" ;;
    tensor) echo "tensor base" ;;
    op) echo "op tensor base lists.h" ;;
    graph) echo "graph op tensor base" ;;
    device) echo "device/device.h graph op tensor base lists.h" ;;
    device/*) echo "$1 device/device.h graph op tensor base lists.h" ;;
    run) echo "run device/device.h graph op tensor base" ;;
    nn) echo "nn run graph op tensor base lists.h" ;;
    cell) echo "cell base" ;;
    bind) echo "bind nn run graph op tensor draw cell base" ;;
    session) echo "session bind cell run tensor base" ;;
    magic) echo "magic session cell run tensor base lists.h" ;;
    front) echo "front/front.h session draw base" ;;
    front/*) echo "$1 front/front.h celda/celda.h magic session cell base" ;;
    .) echo "front base" ;;
    esac
}
bad=0
offend() {
    echo "arrows: $*"
    bad=1
}
for f in $(find src -name '*.[ch]' | sort); do
    folder=$(dirname "${f#src/}")
    case $folder in device/*/*) folder=$(dirname "$folder") ;; esac
    may=$(allowed "$folder")
    [ -n "$may" ] || offend "$f: folder $folder has no arrows"
    for i in $(sed -nE 's/^#include "([^"]+)".*/\1/p' "$f"); do
        ok=
        for m in $may; do
            case $i in "$m" | "$m"/*) ok=1 ;; esac
        done
        # the folder front/ or device/ itself stands for its one header, not for its neighbours
        [ -n "$ok" ] || offend "$f includes $i ($folder may: $may)"
    done
    case $folder in
    bind | session | magic) ;;
    *) grep -nE '#include <(lua|lauxlib|lualib)\.h>' "$f" | sed "s|^|arrows: $f: a Lua header: |" | grep . && bad=1 ;;
    esac
    case $folder in
    base | draw | tensor | op | graph | device | device/* | run | nn | cell)
        grep -nE '(^|[^a-z_>.])(printf|fprintf|puts|exit|abort|longjmp|lua_error)\(' "$f" | sed "s|^|arrows: $f: |" | grep . && bad=1
        ;;
    esac
    case $folder in
    front/repl) ;;
    *) grep -n '#include <readline' "$f" | sed "s|^|arrows: $f: |" | grep . && bad=1 ;;
    esac
    case $folder in
    op | nn) grep -niE '"(cpu|gpu|cuda|opencl|tpu)' "$f" | sed "s|^|arrows: $f names a device: |" | grep . && bad=1 ;;
    esac
done
exit $bad
