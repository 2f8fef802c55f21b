import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exactly once with Java's own clients. Usage: java ExactlyOnce BOOTSTRAP NAME */
public final class ExactlyOnce {
    private static final int TOTAL = 40;
    private static String bootstrap;
    private static String name;
    private static String input;
    private static String output;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        name = args[1];
        input = name + "-input";
        output = name + "-output";
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        try (Admin admin = Admin.create(properties)) {
            admin.createTopics(List.of(new NewTopic(input, 3, (short) 1), new NewTopic(output, 2, (short) 1))).all().get();
            commitAndAbort(admin);
            copy(admin);
            fence(admin);
            inspect(admin);
        }
    }

    private static KafkaProducer<String, String> producer(String id) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("transactional.id", name + "-" + id);
        config.put("max.block.ms", "20000");
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    private static void commitAndAbort(Admin admin) throws Exception {
        try (KafkaProducer<String, String> producer = producer("writer")) {
            producer.initTransactions();
            for (int round = 0; round < 4; round++) {
                producer.beginTransaction();
                for (int n = 0; n < TOTAL / 2; n++) {
                    boolean kept = round % 2 == 0;
                    String value = (kept ? "kept" : "dropped") + (round / 2 * TOTAL / 2 + n);
                    producer.send(new ProducerRecord<>(input, n % 3, null, value));
                }
                if (round % 2 == 0) {
                    producer.commitTransaction();
                } else {
                    // What was not sent yet would simply be thrown away.
                    producer.flush();
                    producer.abortTransaction();
                }
            }
        }
        Set<String> kept = numbers("kept");
        check(read(input, "read_committed", TOTAL).equals(kept), "committed records");
        Set<String> all = numbers("kept");
        all.addAll(numbers("dropped"));
        check(read(input, "read_uncommitted", 2 * TOTAL).equals(all), "all records");
        say("committed and aborted: read_committed sees what was committed, read_uncommitted all");
    }

    private static Set<String> numbers(String prefix) {
        Set<String> made = new TreeSet<>();
        for (int n = 0; n < TOTAL; n++) made.add(prefix + n);
        return made;
    }

    /** Consume, transform, produce. Every third transaction is aborted, and its records come again. */
    private static void copy(Admin admin) throws Exception {
        int copied = 0;
        int transactions = 0;
        try (KafkaProducer<String, String> producer = producer("copier"); KafkaConsumer<String, String> consumer = consumer("read_committed")) {
            producer.initTransactions();
            consumer.subscribe(List.of(input));
            long deadline = System.currentTimeMillis() + 60_000;
            while (copied < TOTAL && System.currentTimeMillis() < deadline) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
                if (records.isEmpty()) continue;
                producer.beginTransaction();
                for (ConsumerRecord<String, String> record : records) producer.send(new ProducerRecord<>(output, record.value()));
                producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
                if (++transactions % 3 == 2) {
                    producer.flush();
                    producer.abortTransaction();
                    var committed = consumer.committed(consumer.assignment());
                    for (TopicPartition partition : consumer.assignment()) {
                        var offset = committed.get(partition);
                        consumer.seek(partition, offset == null ? 0 : offset.offset());
                    }
                } else {
                    producer.commitTransaction();
                    copied += records.count();
                }
            }
        }
        check(transactions > 3, transactions + " transactions");
        List<String> values = new ArrayList<>();
        Set<String> seen = read(output, "read_committed", TOTAL, values);
        check(seen.equals(numbers("kept")) && values.size() == TOTAL, values.size() + " records in the copy");
        Map<TopicPartition, Long> committed = admin.listConsumerGroupOffsets(name + "-copiers").partitionsToOffsetAndMetadata().get()
                .entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().offset()));
        check(committed.size() == 3 && committed.values().stream().allMatch(offset -> offset > 0), "offsets " + committed);
        say("copied " + TOTAL + " records in " + transactions + " transactions, each once");
    }

    private static void fence(Admin admin) throws Exception {
        try (KafkaProducer<String, String> first = producer("same"); KafkaProducer<String, String> second = producer("same")) {
            first.initTransactions();
            first.beginTransaction();
            first.send(new ProducerRecord<>(output, "of the fenced one")).get();
            second.initTransactions();
            try {
                first.commitTransaction();
                check(false, "the fenced producer committed");
            } catch (ProducerFencedException | InvalidProducerEpochException error) {
                // As it must be.
            }
            second.beginTransaction();
            second.send(new ProducerRecord<>(output, "of the second")).get();
            second.commitTransaction();
            admin.fenceProducers(List.of(name + "-same")).all().get();
            second.beginTransaction();
            try {
                second.send(new ProducerRecord<>(output, "of the other fenced one")).get();
                second.commitTransaction();
                check(false, "the producer that the admin fenced committed");
            } catch (KafkaException | ExecutionException error) {
                Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
                boolean fenced = cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException;
                check(fenced, "fenced with " + cause);
            }
        }
        Set<String> all = numbers("kept");
        all.add("of the second");
        check(read(output, "read_committed", TOTAL + 1).equals(all), "records after fencing");
        say("a newer producer and the admin fence the older one, whose records nobody sees");
    }

    private static void inspect(Admin admin) throws Exception {
        String id = name + "-open";
        try (KafkaProducer<String, String> producer = producer("open")) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(output, 0, null, "open")).get();
            TransactionDescription described = admin.describeTransactions(List.of(id)).description(id).get();
            long producerId = described.producerId();
            TopicPartition partition = new TopicPartition(output, 0);
            check(described.state() == TransactionState.ONGOING, "state " + described.state());
            check(described.topicPartitions().equals(Set.of(partition)), "partitions " + described.topicPartitions());
            var listed = admin.listTransactions().all().get().stream().filter(one -> one.transactionalId().equals(id)).toList();
            check(listed.size() == 1 && listed.get(0).producerId() == producerId, "listed " + listed);
            var producers = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
            var mine = producers.stream().filter(one -> one.producerId() == producerId).toList();
            check(mine.size() == 1 && mine.get(0).currentTransactionStartOffset().isPresent(), "producers " + producers);
            producer.abortTransaction();
            // The markers are written after the answer.
            for (int i = 0; i < 500 && described.state() != TransactionState.COMPLETE_ABORT; i++) {
                described = admin.describeTransactions(List.of(id)).description(id).get();
            }
            check(described.state() == TransactionState.COMPLETE_ABORT, "state " + described.state());
            check(described.topicPartitions().isEmpty(), "partitions are left: " + described);
        }
        say("described and listed an open transaction and its producer");
    }

    private static KafkaConsumer<String, String> consumer(String isolation) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("group.id", name + "-copiers");
        config.put("group.protocol", "classic");
        config.put("isolation.level", isolation);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("max.poll.records", "7");
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private static Set<String> read(String topic, String isolation, int count) {
        return read(topic, isolation, count, new ArrayList<>());
    }

    /** Everything from the beginning to the end as this isolation sees it, without a group. */
    private static Set<String> read(String topic, String isolation, int count, List<String> values) {
        try (KafkaConsumer<String, String> consumer = consumer(isolation)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long deadline = System.currentTimeMillis() + 30_000;
            while (System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) values.add(record.value());
                if (partitions.stream().allMatch(partition -> consumer.position(partition) >= ends.get(partition))) break;
            }
        }
        check(values.size() == count, values.size() + " of " + count + " records in " + topic + " with " + isolation);
        return new TreeSet<>(values);
    }

    private static void say(String what) {
        System.out.println("ok " + what);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            System.out.println("FAIL " + what);
            System.exit(1);
        }
    }
}
