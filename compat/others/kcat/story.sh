#!/bin/sh
# The core story with kcat (librdkafka). kcat makes no topics: the topic comes by auto-creation. Usage: story.sh BOOTSTRAP NAME
set -eu
bootstrap=$1
topic="$2-topic"
group="$2-group"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAIL $1"; exit 1; }
records() { i=$1; while [ "$i" -lt "$2" ]; do echo "k$i:v$i"; i=$((i + 1)); done; }

kcat -b "$bootstrap" -L -J >"$work/metadata" || fail "metadata"
grep -q '"brokers"' "$work/metadata" || fail "metadata names no brokers"
echo "ok listed the cluster"

for codec in none gzip snappy lz4 zstd; do
  case $codec in none) from=0 ;; gzip) from=12 ;; snappy) from=24 ;; lz4) from=36 ;; zstd) from=48 ;; esac
  records "$from" $((from + 12)) | kcat -b "$bootstrap" -P -t "$topic" -K: -z "$codec" -X topic.partitioner=murmur2_random ||
    fail "produce with $codec"
done
echo "ok produced 60 keyed records with every codec"

kcat -b "$bootstrap" -C -t "$topic" -o beginning -e -q -f '%k:%s\n' | sort >"$work/all"
records 0 60 | sort >"$work/wanted"
cmp "$work/all" "$work/wanted" || fail "what was read is not what was written"
echo "ok read them back"

member="kcat -b $bootstrap -G $group -X auto.offset.reset=earliest -X session.timeout.ms=6000 -X heartbeat.interval.ms=200"
$member -c 60 -q -f '%k:%s\n' "$topic" 2>"$work/log1" | sort >"$work/first"
cmp "$work/first" "$work/wanted" || fail "the group did not read all"
echo "ok consumed in a group and committed"

records 60 80 | kcat -b "$bootstrap" -P -t "$topic" -K: || fail "produce more"
$member -c 20 -q -f '%k:%s\n' "$topic" 2>"$work/log2" | sort >"$work/rest"
records 60 80 | sort >"$work/wanted"
cmp "$work/rest" "$work/wanted" || fail "the group did not resume where it had committed"
echo "ok resumed from the committed offsets and saw only the rest"

kcat -b "$bootstrap" -Q -t "$topic:0:-1" >"$work/offsets" || fail "offset query"
grep -q "offset 80" "$work/offsets" || fail "the end is not 80: $(cat "$work/offsets")"
echo "ok asked for the last offset"
