"""`run.sh`: what a device does in one run, in the words of any POSIX shell such as the one of an Android phone.

It needs the folder in which it is, with `conditions.sh`, `cool.sh` and `performance.sh`, and the payload. Its output is
one stream of lines: JSON events, sections between `@conditions WHEN` and `@end`, `@cooling` lines, and noise. WHEN is
`before`, `process 1` (after the first process), ..., or `after`.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from levit_mobile.arm64.payload import START
from levit_mobile.timing.samples import ROUNDS, WARMUP, shares

RUN_FILE = "run.sh"
RESULT, LOG, CHATTER = "result", "levit-mobile.log", "levit-mobile.err"
PLAN = "plan.json"  # copied into the result where there is one, so that the collected files explain themselves
OWN = "@/"  # begins a word that is a file in the folder of the run
LOADER = " ".join(START)
PATIENCE_S = 5  # for programs that were asked to end


@dataclass(frozen=True, slots=True)
class Step:
    """A program of the payload that takes part in each process.

    Attributes:
        program: Its name in the payload, such as ``litert``.
        words: Its command line, without ``--process``. A word such as ``@/a/model.tflite`` is a file in the folder of
            the run; all others are taken as they are.
    """

    program: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A run of several artifacts in turns.

    Attributes:
        steps: The programs that take turns, one or more.
        payload: The payload's folder, relative to the folder of the run.
        files: Names of all files and folders in the folder of the run, which are removed at the end.
        seed: Decides the order of the turns; each further process has the next seed.
        warmup: Rounds of each process that are not recorded.
        rounds: Rounds of all processes together.
        starts: How many times all programs are started; the rounds are shared among them.
        cool_down_s: How long to wait at most, before each start, until the device is cool; 0 for not at all.
        fixed_performance: Switch Android's fixed performance mode on, and off again at the end.
        keep: Leave the folder of the run on the device.
        remove_payload: Remove the payload's folder too, where nothing is kept.
        log: Collect the output in `result/`, which stays on the device, and print it at the end. For services that
            collect files.
    """

    steps: tuple[Step, ...]
    payload: str
    files: tuple[str, ...]
    seed: int = 0
    warmup: int = WARMUP
    rounds: int = ROUNDS
    starts: int = 1
    cool_down_s: int = 0
    fixed_performance: bool = False
    keep: bool = False
    remove_payload: bool = False
    log: bool = False


def text(script: Script) -> str:
    """The content of ``run.sh``."""
    parts = {
        "@PAYLOAD@": shlex.quote(script.payload),
        "@LOADER@": LOADER,
        "@BEGIN@": _BEGIN_LOG if script.log else "",
        "@END@": _END_LOG if script.log else "",
        "@REMOVE@": _removal(script),
        "@COOL@": f"cool_down {script.cool_down_s}" if script.cool_down_s else ":",
        "@FASTEN@": _FASTEN if script.fixed_performance else ":",
        "@WARMUP@": str(script.warmup),
        "@STEPS@": " \\\n    ".join(_command(step) for step in script.steps),
        "@PROCESSES@": _processes(script),
        "@PATIENCE@": str(PATIENCE_S),
    }
    made = _TEMPLATE
    for name, part in parts.items():
        made = made.replace(name, part)
    return made


def _command(step: Step) -> str:
    words = (_word(word) for word in step.words)
    return " ".join(("--", LOADER, f"./{shlex.quote(step.program)}", *words, '--process "$1"'))


def _word(word: str) -> str:
    return f'"$here"/{shlex.quote(word[len(OWN) :])}' if word.startswith(OWN) else shlex.quote(word)


def _processes(script: Script) -> str:
    every = enumerate(shares(script.rounds, script.starts))
    return " &&\n".join(f"process {number} {script.seed + number} {rounds}" for number, rounds in every)


def _removal(script: Script) -> str:
    """What was put there, and no more: a user may start the script in any folder."""
    if script.keep:
        return ":"
    payload = '\n  rm -rf "$payload"' if script.remove_payload else ""
    return f'cd "$here" && rm -rf {shlex.join(script.files)}\n  cd / && rmdir "$here" 2>/dev/null{payload}'


_FASTEN = """fixed=yes
fixed_performance_on || echo '{"event":"remark","sentence":"the device has no fixed performance mode"}'
"""
_BEGIN_LOG = f"""mkdir -p {RESULT} || exit 1
[ ! -f {PLAN} ] || cp {PLAN} {RESULT}/
exec 3>&1 4>&2 >{RESULT}/{LOG} 2>{RESULT}/{CHATTER}
"""
_END_LOG = f"""cat "$here"/{RESULT}/{LOG} >&3
  cat "$here"/{RESULT}/{CHATTER} >&4
  """

# The shells of phones (mksh) and of Debian (dash) leave out EXIT when a signal ends them, so each signal exits. A shell
# waits for a program in the foreground before it heeds a signal, so `turns` runs in the background. The mode outlives
# this script, and whoever sent the signal may soon kill it: the mode is switched off first.
_TEMPLATE = """#!/system/bin/sh
# Times artifacts on this device. Written by levit-mobile; start it with: sh run.sh
here=$(cd "$(dirname "$0")" && pwd) || exit 1
payload="$here"/@PAYLOAD@
turns=
fixed=

end_turns() {
  [ -n "$turns" ] || return 0
  kill "$turns" 2>/dev/null
  (sleep @PATIENCE@; kill -9 "$turns") </dev/null >/dev/null 2>&1 3>&- 4>&- &
  watch=$!
  wait "$turns" 2>/dev/null
  kill "$watch" 2>/dev/null
  turns=
}

finish() {
  code=$1
  trap - EXIT
  trap '' HUP INT TERM PIPE
  [ -z "$fixed" ] || (fixed_performance_off)
  end_turns
  @END@@REMOVE@
  exit "$code"
}

refuse() {
  sentence=$(echo "$1" | tr -c ' !#-[]-~' ' ')
  echo "{\\"event\\":\\"refused\\",\\"error\\":\\"${sentence% }\\"}"
  exit 1
}

conditions() {
  echo "@conditions $1"
  sh "$here"/conditions.sh </dev/null
  echo "@end"
}

check_files() {
  [ -f "$here"/SHA256SUMS ] || return 0
  command -v sha256sum >/dev/null 2>&1 || return 0
  while read -r expected name; do
    found=$(sha256sum "$here/$name" 2>/dev/null)
    [ "${found%% *}" = "$expected" ] || refuse "$name is damaged: its digest is not the one in SHA256SUMS"
  done <"$here"/SHA256SUMS
}

check_loader() {
  cd "$payload" || refuse "the payload is not on this device"
  [ -x @LOADER_FILE@ ] || chmod 755 @LOADER_FILE@ 2>/dev/null
  why=$(@LOADER@ --list ./turns 2>&1 >/dev/null) || refuse "programs do not run from $payload ($(uname -m)): $why"
}

process() {
  @COOL@
  @LOADER@ ./turns --seed "$2" --warmup @WARMUP@ --rounds "$3" \\
    @STEPS@ </dev/null &
  turns=$!
  wait "$turns"
  code=$?
  turns=
  [ "$code" = 0 ] || echo "{\\"event\\":\\"ended\\",\\"name\\":\\"turns\\",\\"process\\":$1,\\"code\\":$code}"
  conditions "process $(($1 + 1))"
  return "$code"
}

cd "$here" || exit 1
@BEGIN@trap 'finish $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
check_files
. "$here"/cool.sh
. "$here"/performance.sh
check_loader
@FASTEN@
conditions before
@PROCESSES@
code=$?
conditions after
exit "$code"
""".replace("@LOADER_FILE@", LOADER.partition(" ")[0])
