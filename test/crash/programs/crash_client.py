"""librdkafka (confluent-kafka) in a crash run: python crash_client.py BOOTSTRAP PROGRAM INCARNATION SEED ROLE,ROLE...

One thread per role. It writes and reads until its standard input ends and says what it does as events.ts wants it. A client that
failed is replaced.
"""
import json
import os
import random
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer

bootstrap, program, incarnation, seed, roles = sys.argv[1:6]
stopping = threading.Event()
lock = threading.Lock()


def say(**event):
    line = (json.dumps(event, separators=(",", ":")) + "\n").encode()
    with lock:
        # One write per line, so that a line is whole or not there when the process is killed.
        while line:
            line = line[os.write(1, line):]


# librdkafka 2.16.0 locks itself up when its last known broker goes while it starts anew from the bootstrap servers (KIP-1102).
common = {
    "bootstrap.servers": bootstrap, "metadata.recovery.strategy": "none", "reconnect.backoff.max.ms": 200, "log_level": 0,
    "error_cb": lambda error: None,
}


class Stuck(Exception):
    """A producer whose records did not arrive in time."""


class Writer:
    def __init__(self, role):
        self.role = role
        self.name = f"{program}.{role}#{incarnation}"
        self.dice = random.Random(f"{seed} {role}")
        self.next = {}
        self.number = 0

    def note(self, error):
        say(e="note", w=self.name, m=f"{type(error).__name__}: {error}"[:300])

    def producer(self, **more):
        return Producer({
            **common, "linger.ms": 2, "message.timeout.ms": 60000, "socket.timeout.ms": 5000, "request.timeout.ms": 5000,
            "retry.backoff.max.ms": 200, **more,
        })

    def send(self, producer, topic, partition, count, transaction, failures):
        first = self.next.get((topic, partition), 0)
        self.next[topic, partition] = first + count
        x = {} if transaction is None else {"x": transaction}
        say(e="sent", w=self.name, t=topic, p=partition, n=first, c=count, **x)
        for n in range(first, first + count):
            value = f"{self.name}/{n}/{'-' if transaction is None else transaction} " + "." * self.dice.randrange(1200)

            def delivered(error, message, n=n):
                if error:
                    failures.append(error)
                else:
                    say(e="acked", w=self.name, t=topic, p=partition, n=n, c=1, o=message.offset())

            producer.produce(topic, value=value, partition=partition, on_delivery=delivered)

    def write(self, topics, **config):
        """Sends without waiting for each answer: several batches are in flight when the broker dies."""
        while not stopping.is_set():
            failures = []
            producer = self.producer(**config)
            try:
                while not stopping.is_set() and not failures:
                    topic, partitions = self.dice.choice(topics)
                    partition = self.dice.randrange(partitions)
                    self.send(producer, topic, partition, 1 + self.dice.randrange(20), None, failures)
                    producer.poll(0)
                    time.sleep(self.dice.randrange(40) / 1000)
                    # The queue must not grow without end while the broker is away.
                    while len(producer) > 2000 and not failures:
                        producer.poll(0.1)
                if producer.flush(70):
                    raise Stuck("records were not delivered in time")
            except (KafkaException, BufferError, Stuck) as error:
                failures.append(error)
            if failures:
                self.note(failures[0])

    def transact(self):
        while not stopping.is_set():
            producer = self.producer(**{
                "transactional.id": f"{program}.transactional", "transaction.timeout.ms": 10000, "message.timeout.ms": 10000,
            })
            try:
                producer.init_transactions(30)
                while not stopping.is_set():
                    self.number += 1
                    self.transaction(producer)
                    time.sleep(self.dice.randrange(30) / 1000)
            except (KafkaException, BufferError) as error:
                self.note(error)

    def transaction(self, producer):
        producer.begin_transaction()
        for _ in range(1 + self.dice.randrange(4)):
            count = 1 + self.dice.randrange(8)
            self.send(producer, "transactions", self.dice.randrange(3), count, self.number, [])
            if self.dice.randrange(4) == 0:
                producer.poll(self.dice.randrange(60) / 1000)
        if self.dice.randrange(4) == 0:
            self.patiently(producer.abort_transaction)
            self.step("aborted")
        else:
            self.step("committing")
            self.patiently(producer.commit_transaction)
            self.step("committed")
            producer.poll(0)

    @staticmethod
    def patiently(call):
        """Calls again while librdkafka says that this call, and no other, may be repeated."""
        for attempt in range(20):
            try:
                return call(10)
            except KafkaException as error:
                if not error.args[0].retriable() or attempt == 19:
                    raise

    def step(self, state):
        say(e="tx", w=self.name, x=self.number, s=state)

    def read(self, topic):
        group = f"{self.role}-{program}"
        while not stopping.is_set():
            consumer = Consumer({
                **common, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                "isolation.level": "read_uncommitted", "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
            })
            try:
                consumer.subscribe([topic])
                while not stopping.is_set():
                    self.take(consumer, group, topic)
            except KafkaException as error:
                self.note(error)
            finally:
                consumer.close()

    def take(self, consumer, group, topic):
        by_partition = {}
        last = {}
        for message in consumer.consume(100, 0.2):
            if message.error():
                raise KafkaException(message.error())
            identity = message.value().split(b" ", 1)[0].decode()
            by_partition.setdefault(message.partition(), []).append([message.offset(), identity])
            last[message.partition()] = message
        for partition, records in by_partition.items():
            say(e="read", g=group, i=0, t=topic, p=partition, r=records)
            for done in consumer.commit(message=last[partition], asynchronous=False):
                if done.error:
                    raise KafkaException(done.error)
            say(e="offsets", g=group, t=topic, p=partition, o=records[-1][0] + 1)

    def play(self):
        one_in_flight = {"max.in.flight": 1, "enable.idempotence": False}
        {
            "acks1": lambda: self.write([("plain", 3)], acks=1, **one_in_flight),
            "acksall": lambda: self.write([("plain", 3), ("retained", 1)], acks="all", **one_in_flight),
            "idempotent": lambda: self.write([("exact", 3)], **{"enable.idempotence": True}),
            "transactional": self.transact,
            "reader": lambda: self.read("plain"),
        }[self.role]()


threads = [threading.Thread(target=Writer(role).play, daemon=True) for role in roles.split(",")]
for thread in threads:
    thread.start()
sys.stdin.read()
stopping.set()
limit = time.monotonic() + 150
for thread in threads:
    thread.join(max(0, limit - time.monotonic()))
os._exit(3 if any(thread.is_alive() for thread in threads) else 0)
