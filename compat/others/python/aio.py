"""The core story with aiokafka. Usage: python aio.py BOOTSTRAP NAME"""
import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

bootstrap, name = sys.argv[1:3]
topic, group = f"{name}-topic", f"{name}-group"
total = 60


def say(what):
    print(f"ok {what}", flush=True)


async def produce():
    for i, codec in enumerate([None, "gzip", "snappy", "lz4", "zstd"]):
        async with AIOKafkaProducer(
            bootstrap_servers=bootstrap, compression_type=codec, acks="all", enable_idempotence=True,
        ) as producer:
            await asyncio.gather(*[
                producer.send_and_wait(topic, key=f"k{n}".encode(), value=f"v{n}".encode(), headers=[("codec", b"some")])
                for n in range(i * 12, (i + 1) * 12)
            ])
    say(f"produced {total} keyed records with every codec")


async def consume(count):
    seen = []
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
        session_timeout_ms=6000, heartbeat_interval_ms=200,
    ) as consumer:
        while len(seen) < count:
            record = await asyncio.wait_for(consumer.getone(), 30)
            assert record.value.decode() == "v" + record.key.decode()[1:], record
            assert record.headers, "headers are lost"
            seen.append(record.key.decode())
            await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
    return seen


async def transact():
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name) as writer:
        async with writer.transaction():
            await writer.send_and_wait(topic, b"kept", partition=0)
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"dropped", partition=0)
        await writer.abort_transaction()
    values = []
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed",
    ) as reader:
        reader.assign([TopicPartition(topic, 0)])
        while records := await reader.getmany(timeout_ms=3000):
            values += [record.value for some in records.values() for record in some]
    assert b"kept" in values and b"dropped" not in values, values
    say("committed one transaction and aborted another")


async def main():
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)])
    say("created a topic of 3 partitions")
    await produce()
    first = await consume(25)
    say("consumed 25 in a group and committed")
    rest = await consume(total - 25)
    assert len(set(first + rest)) == total, "a record came twice or not at all"
    say("resumed from the committed offsets and saw only the rest")
    await transact()
    groups = await admin.list_consumer_groups()
    assert group in [one[0] for one in groups], groups
    await admin.delete_topics([topic])
    await admin.close()
    say("found the group, deleted the topic")


asyncio.run(main())
