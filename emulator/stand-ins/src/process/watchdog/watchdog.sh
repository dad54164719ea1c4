# Runs one program and ends it when the pipe on standard input closes; mod.rs says why.
# usage: sh watchdog.sh FOLDER PROGRAM [ARGUMENT…]   (FOLDER may be empty)
folder=$1
shift

# Standard error is for the program; what the shell remarks about its death is no news.
exec 3<&0 4>&2 2>/dev/null
"$@" 3<&- 2>&4 4>&- </dev/null &
program=$!

# Each line names a signal to pass on. The end of the pipe means that the owner is gone.
(
  while read -r signal; do kill -s "$signal" "$program"; done
  # The program's end makes the shell below send the same signal as at any other time.
  trap '' TERM
  kill -s KILL "$program"
  exit 0
) <&3 3<&- 4>&- &
orders=$!
exec 3<&- 4>&- </dev/null

wait "$program"
status=$?
kill -s TERM "$orders"
if wait "$orders" && [ -n "$folder" ]; then rm -rf -- "$folder"; fi
exit "$status"
