"""The core story with kafka-python, which speaks the protocol itself. Usage: python kafka_python.py BOOTSTRAP NAME"""
import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic

bootstrap, name = sys.argv[1:3]
topic, group = f"{name}-topic", f"{name}-group"
total = 60


def say(what):
    print(f"ok {what}", flush=True)


admin = KafkaAdminClient(bootstrap_servers=bootstrap)
admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)])
say("created a topic of 3 partitions")

for i, codec in enumerate([None, "gzip", "snappy", "lz4", "zstd"]):
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, compression_type=codec, linger_ms=5, acks="all", enable_idempotence=True,
    )
    sent = [
        producer.send(topic, key=f"k{n}".encode(), value=f"v{n}".encode(), headers=[("codec", b"some")])
        for n in range(i * 12, (i + 1) * 12)
    ]
    for one in sent:
        one.get(timeout=20)
    producer.close()
say(f"produced {total} keyed records with every codec")


def consume(count):
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
        session_timeout_ms=6000, heartbeat_interval_ms=200, max_poll_records=1,
    )
    seen, deadline = [], time.time() + 30
    while len(seen) < count and time.time() < deadline:
        for records in consumer.poll(timeout_ms=1000).values():
            for record in records:
                assert record.value.decode() == "v" + record.key.decode()[1:], record
                assert record.headers, "headers are lost"
                seen.append(record.key.decode())
                consumer.commit()
    assert len(seen) == count, f"{len(seen)} of {count} records"
    consumer.close()
    return seen


first = consume(25)
say("consumed 25 in a group and committed")
rest = consume(total - 25)
assert len(set(first + rest)) == total, "a record came twice or not at all"
say("resumed from the committed offsets and saw only the rest")

plain = KafkaConsumer(bootstrap_servers=bootstrap)
partitions = [TopicPartition(topic, p) for p in range(3)]
assert sum(plain.end_offsets(partitions).values()) == total
assert sum(plain.beginning_offsets(partitions).values()) == 0
plain.close()
say("listed offsets")

writer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
writer.init_transactions()
for value, ends in [(b"kept", writer.commit_transaction), (b"dropped", writer.abort_transaction)]:
    writer.begin_transaction()
    writer.send(topic, value=value, partition=0)
    ends()
writer.close()
reader = KafkaConsumer(
    bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed", consumer_timeout_ms=3000,
)
reader.assign(partitions[:1])
values = [record.value for record in reader]
reader.close()
assert b"kept" in values and b"dropped" not in values, values
say("committed one transaction and aborted another")

admin.create_partitions({topic: NewPartitions(5)})
admin.delete_records({partitions[1]: 1})
assert group in str(admin.list_groups())
admin.delete_groups([group])
admin.delete_topics([topic])
say("added partitions; deleted records, the group and the topic")
