import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Java's clients in a crash run: java CrashClient BOOTSTRAP PROGRAM INCARNATION SEED ROLE,ROLE... One thread per role. It writes and
 * reads until its standard input ends and says what it does as events.ts wants it. A client that failed is replaced.
 */
public final class CrashClient {
    private static final PrintStream OUT = System.out;
    private static String bootstrap;
    private static String program;
    private static String incarnation;
    private static volatile boolean stopping;

    private final String role;
    private final String writer;
    private final Random dice;
    private final Map<String, Integer> next = new HashMap<>();
    private int number;

    private CrashClient(String role, long seed) {
        this.role = role;
        this.writer = program + "." + role + "#" + incarnation;
        this.dice = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        program = args[1];
        incarnation = args[2];
        List<Thread> threads = new ArrayList<>();
        for (String role : args[4].split(",")) {
            CrashClient client = new CrashClient(role, Long.parseLong(args[3]) + role.hashCode());
            Thread thread = new Thread(client::play, role);
            threads.add(thread);
            thread.start();
        }
        while (System.in.read() >= 0) {
            // Nothing is said; the end of the input is the sign.
        }
        stopping = true;
        long limit = System.currentTimeMillis() + 150_000;
        for (Thread thread : threads) thread.join(Math.max(1, limit - System.currentTimeMillis()));
        boolean over = threads.stream().noneMatch(Thread::isAlive);
        OUT.flush();
        Runtime.getRuntime().halt(over ? 0 : 3);
    }

    private void play() {
        try {
            switch (role) {
                case "acks1" -> write("plain", 3, Map.of("acks", "1", "enable.idempotence", "false",
                        "max.in.flight.requests.per.connection", "1"));
                case "idempotent" -> write("exact", 3, Map.of("enable.idempotence", "true"));
                case "transactional" -> transact();
                case "committed" -> read("transactions");
                case "copier" -> copy();
                default -> throw new IllegalArgumentException("no role " + role);
            }
        } catch (Throwable error) {
            note(error);
            OUT.flush();
            Runtime.getRuntime().halt(4);
        }
    }

    // ---- writers

    private KafkaProducer<String, String> producer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("linger.ms", "2");
        config.put("max.block.ms", "20000");
        config.put("delivery.timeout.ms", "60000");
        config.put("request.timeout.ms", "5000");
        config.put("reconnect.backoff.max.ms", "200");
        config.put("retry.backoff.max.ms", "200");
        config.putAll(more);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    /** Sends without waiting for each answer: several batches are in flight when the broker dies. */
    private void write(String topic, int partitions, Map<String, Object> config) throws Exception {
        while (!stopping) {
            boolean[] failed = {false};
            try (KafkaProducer<String, String> producer = producer(config)) {
                while (!stopping && !failed[0]) {
                    int partition = dice.nextInt(partitions);
                    int count = 1 + dice.nextInt(20);
                    send(producer, topic, partition, count, -1, null, failed);
                    Thread.sleep(dice.nextInt(20));
                }
                producer.flush();
            } catch (KafkaException error) {
                note(error);
            }
        }
    }

    /** Numbers `count` records, says that they are sent and sends them; what is acknowledged is said as it comes. */
    private List<Future<RecordMetadata>> send(KafkaProducer<String, String> producer, String topic, int partition, int count,
            int transaction, List<ConsumerRecord<String, String>> sources, boolean[] failed) {
        int first = next.merge(topic + partition, count, Integer::sum) - count;
        String x = transaction < 0 ? "" : ",\"x\":" + transaction;
        say("{\"e\":\"sent\",\"w\":\"%s\",\"t\":\"%s\",\"p\":%d,\"n\":%d,\"c\":%d%s}", writer, topic, partition, first, count, x);
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int n = first + i;
            String source = sources == null ? "" : "/" + sources.get(i).partition() + ":" + sources.get(i).offset();
            String value = writer + "/" + n + "/" + (transaction < 0 ? "-" : transaction) + source + " " + ".".repeat(dice.nextInt(1200));
            answers.add(producer.send(new ProducerRecord<>(topic, partition, null, value), (metadata, error) -> {
                if (error == null) {
                    say("{\"e\":\"acked\",\"w\":\"%s\",\"t\":\"%s\",\"p\":%d,\"n\":%d,\"c\":1,\"o\":%d}",
                            writer, topic, partition, n, metadata.offset());
                } else {
                    // Once per producer: the others fail with it.
                    if (!failed[0]) note(error);
                    failed[0] = true;
                }
            }));
        }
        return answers;
    }

    private void transact() throws Exception {
        while (!stopping) {
            Map<String, Object> config = Map.of("transactional.id", program + ".transactional", "transaction.timeout.ms", "10000");
            try (KafkaProducer<String, String> producer = producer(config)) {
                producer.initTransactions();
                while (!stopping) {
                    number++;
                    producer.beginTransaction();
                    for (int batch = dice.nextInt(4); batch >= 0; batch--) {
                        send(producer, "transactions", dice.nextInt(3), 1 + dice.nextInt(8), number, null, new boolean[1]);
                        if (dice.nextInt(4) == 0) Thread.sleep(dice.nextInt(60));
                    }
                    end(producer, dice.nextInt(4) != 0);
                    Thread.sleep(dice.nextInt(30));
                }
            } catch (KafkaException error) {
                note(error);
            }
        }
    }

    private void end(KafkaProducer<String, String> producer, boolean commit) {
        if (!commit) {
            producer.flush();
            producer.abortTransaction();
        } else {
            step("committing");
            commit(producer);
        }
        step(commit ? "committed" : "aborted");
    }

    /** A commit that timed out may be asked for again; nothing else may come between. */
    private static void commit(KafkaProducer<String, String> producer) {
        for (int attempt = 0; ; attempt++) {
            try {
                producer.commitTransaction();
                return;
            } catch (org.apache.kafka.common.errors.TimeoutException error) {
                if (attempt == 3) throw error;
            }
        }
    }

    private void step(String state) {
        say("{\"e\":\"tx\",\"w\":\"%s\",\"x\":%d,\"s\":\"%s\"}", writer, number, state);
    }

    // ---- readers

    private KafkaConsumer<String, String> consumer(String group) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("group.id", group);
        config.put("group.protocol", "classic");
        config.put("isolation.level", "read_committed");
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("session.timeout.ms", "6000");
        config.put("heartbeat.interval.ms", "500");
        config.put("request.timeout.ms", "10000");
        config.put("default.api.timeout.ms", "20000");
        config.put("reconnect.backoff.max.ms", "200");
        config.put("max.poll.records", "100");
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private void read(String topic) throws Exception {
        String group = role + "-" + program;
        while (!stopping) {
            try (KafkaConsumer<String, String> consumer = consumer(group)) {
                consumer.subscribe(List.of(topic));
                while (!stopping) {
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                    if (records.isEmpty()) continue;
                    for (TopicPartition partition : records.partitions()) sayRead(group, partition, records.records(partition));
                    Map<TopicPartition, OffsetAndMetadata> offsets = records.nextOffsets();
                    consumer.commitSync(offsets);
                    sayOffsets(group, offsets);
                }
            } catch (KafkaException error) {
                note(error);
            }
        }
    }

    private static void sayRead(String group, TopicPartition partition, List<ConsumerRecord<String, String>> records) {
        StringBuilder list = new StringBuilder();
        for (ConsumerRecord<String, String> record : records) {
            if (list.length() > 0) list.append(',');
            String value = record.value();
            int end = value.indexOf(' ');
            list.append('[').append(record.offset()).append(",\"").append(end < 0 ? value : value.substring(0, end)).append("\"]");
        }
        say("{\"e\":\"read\",\"g\":\"%s\",\"i\":1,\"t\":\"%s\",\"p\":%d,\"r\":[%s]}", group, partition.topic(), partition.partition(), list);
    }

    private static void sayOffsets(String group, Map<TopicPartition, OffsetAndMetadata> offsets) {
        offsets.forEach((partition, offset) -> say("{\"e\":\"offsets\",\"g\":\"%s\",\"t\":\"%s\",\"p\":%d,\"o\":%d}",
                group, partition.topic(), partition.partition(), offset.offset()));
    }

    /** Consume, transform, produce: offsets and records in one transaction, fenced by the group's metadata (KIP-447). */
    private void copy() throws Exception {
        String group = "copier-" + program;
        String target = "copy-" + program;
        while (!stopping) {
            Map<String, Object> config = Map.of("transactional.id", program + ".copier", "transaction.timeout.ms", "10000");
            try (KafkaProducer<String, String> producer = producer(config); KafkaConsumer<String, String> consumer = consumer(group)) {
                producer.initTransactions();
                consumer.subscribe(List.of("transactions"));
                while (!stopping) {
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                    if (records.isEmpty()) continue;
                    number++;
                    producer.beginTransaction();
                    for (TopicPartition partition : records.partitions()) {
                        var sources = records.records(partition);
                        send(producer, target, partition.partition(), sources.size(), number, sources, new boolean[1]);
                    }
                    Map<TopicPartition, OffsetAndMetadata> offsets = records.nextOffsets();
                    producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                    boolean commit = dice.nextInt(10) != 0;
                    end(producer, commit);
                    if (!commit) throw new KafkaException("an abort of its own will: the records come again");
                    sayOffsets(group, offsets);
                }
            } catch (KafkaException error) {
                note(error);
            }
        }
    }

    private void note(Throwable error) {
        String message = String.valueOf(error.getMessage()).replaceAll("[\"\\\\\\p{Cntrl}]", " ");
        say("{\"e\":\"note\",\"w\":\"%s\",\"m\":\"%s: %s\"}", writer, error.getClass().getSimpleName(), message);
    }

    /** One write per line, so that a line is whole or not there when the process is killed. */
    private static void say(String format, Object... values) {
        byte[] line = (String.format(format, values) + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8);
        synchronized (OUT) {
            OUT.write(line, 0, line.length);
            OUT.flush();
        }
    }
}
