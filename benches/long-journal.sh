#!/bin/sh
# Compares how fast netcue answers with a journal of a thousand records and of a million.
# Usage: long-journal.sh [NETCUE]; needs root, awk and hyperfine.
set -eu
netcue=$(readlink -f "${1:-target/release/netcue}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Six records an event, an event every ten seconds, the last of them now; ids tell the time.
journal() {
    mkdir -p "$folder/$1/var/log/netcue"
    # A journal that is rotated at 8 MB would be no long one.
    mkdir -p "$folder/$1/etc/netcue"
    printf '[journal]\nsize = 4294967296\n' > "$folder/$1/etc/netcue/netcue.conf"
    TZ=UTC awk -v records="$1" -v now="$(date +%s)" '
        BEGIN {
            events = int(records / 6)
            for (n = 0; n < events; n++) {
                s = now - (events - n) * 10
                time = strftime("%Y-%m-%dT%H:%M:%S", s, 1) ".123Z"
                # In two halves: awk may have no larger integers than 2^31.
                ms = s * 1000 + 123
                ms = sprintf("%06x%06x", int(ms / 16777216), ms % 16777216)
                id = sprintf("%s-%s-7000-8000-%012x", substr(ms, 1, 8), substr(ms, 9), n)
                head = "{\"time\":\"" time "\",\"event_id\":\"" id "\",\"record\":\""
                print head "accepted\",\"event\":{\"schema\":\"netcue.event/1\",\"id\":\"" id \
                    "\",\"time\":\"" time "\",\"boottime_ns\":" n ",\"source\":\"ppp\"," \
                    "\"trigger\":\"ip-up\",\"action\":\"up\",\"interface\":\"ppp" n % 4 "\"}}"
                print head "run-begin\",\"attempt\":1,\"plan\":[{\"step\":\"20-a\"," \
                    "\"path\":\"/etc/netcue/hooks.d/20-a\"},{\"step\":\"50-rules\"}]}"
                print head "step-begin\",\"step\":\"20-a\"}"
                print head "step-end\",\"step\":\"20-a\",\"outcome\":\"done\",\"status\":0,\"ms\":3.5}"
                print head "step-end\",\"step\":\"50-rules\",\"outcome\":\"done\",\"ms\":0.2}"
                print head "outcome\",\"outcome\":\"done\",\"waited_ms\":0.1,\"ms\":4.1}"
            }
        }' > "$folder/$1/var/log/netcue/journal.jsonl"
}

journal 1000
journal 1000000
for words in 'history --last 20' status 'why last' 'why event ID' 'rules show'; do
    set -- hyperfine --style none --shell none --warmup 5 --runs 60 --export-csv "$folder/times"
    for root in "$folder/1000" "$folder/1000000"; do
        id=$(tail -n 1 "$root/var/log/netcue/journal.jsonl" | cut -d '"' -f 8)
        set -- "$@" "$netcue --root $root $(echo "$words" | sed "s/ID/$id/")"
    done
    "$@" > /dev/null
    awk -F, -v words="$words" 'NR > 1 { median[NR] = $(NF - 4) * 1000 }
        END { printf "%-20s %6.2f ms %6.2f ms  ratio %.2f\n", words, median[2], median[3], median[3] / median[2] }' \
        "$folder/times"
done
