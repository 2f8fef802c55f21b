"""The core story with confluent-kafka (librdkafka). Usage: python story.py BOOTSTRAP NAME"""
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec

bootstrap, name = sys.argv[1:3]
topic, group = f"{name}-topic", f"{name}-group"
total = 60


def say(what):
    print(f"ok {what}", flush=True)


def settled(futures, timeout=20):
    return {key: future.result(timeout) for key, future in futures.items()}


admin = AdminClient({"bootstrap.servers": bootstrap})
settled(admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)]))
say("created a topic of 3 partitions")

failures = []
for i, codec in enumerate(["none", "gzip", "snappy", "lz4", "zstd"]):
    producer = Producer({
        "bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 5, "enable.idempotence": True,
    })
    for n in range(i * 12, (i + 1) * 12):
        producer.produce(
            topic, key=f"k{n}", value=f"v{n}", headers=[("codec", codec)],
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    assert producer.flush(20) == 0, "records were not delivered"
assert not failures, failures
say(f"produced {total} keyed records with every codec")


def consume(count):
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 200,
    })
    consumer.subscribe([topic])
    seen, deadline = [], time.time() + 30
    while len(seen) < count and time.time() < deadline:
        message = consumer.poll(1.0)
        if message is None:
            continue
        assert message.error() is None, message.error()
        key, value = message.key().decode(), message.value().decode()
        assert value == "v" + key[1:], (key, value)
        assert dict(message.headers())["codec"], "headers are lost"
        seen.append(key)
        consumer.commit(message=message, asynchronous=False)
    assert len(seen) == count, f"{len(seen)} of {count} records"
    members = admin.describe_consumer_groups([group])[group].result(20).members
    assert len(members) == 1, members
    consumer.close()
    return seen


first = consume(25)
say("consumed 25 in a group and committed")
rest = consume(total - 25)
assert len(set(first + rest)) == total, "a record came twice or not at all"
say("resumed from the committed offsets and saw only the rest")

partitions = [TopicPartition(topic, p) for p in range(3)]
ends = settled(admin.list_offsets({p: OffsetSpec.latest() for p in partitions}))
assert sum(result.offset for result in ends.values()) == total
say("listed offsets")
described = settled(admin.describe_configs([ConfigResource("topic", topic)]))
assert next(iter(described.values()))["cleanup.policy"].value == "delete"
settled(admin.create_partitions([NewPartitions(topic, 5)]))
say("described configs, added partitions")
deleted = settled(admin.delete_records([TopicPartition(topic, 0, 1)]))
assert next(iter(deleted.values())).low_watermark == 1
assert group in [entry.group_id for entry in admin.list_consumer_groups().result(20).valid]
settled(admin.delete_consumer_groups([group]))
settled(admin.delete_topics([topic]))
say("deleted records, the group and the topic")
