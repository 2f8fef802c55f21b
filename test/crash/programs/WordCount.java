import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * A word count with exactly_once_v2: java WordCount BOOTSTRAP PROGRAM INCARNATION SEED ROLE. Reads `transactions`, writes every new
 * count of a word to `counts`. When its standard input ends it goes on until it has read to the end, and then stops.
 */
public final class WordCount {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        // State is restored from the changelog: a killed process leaves nothing that may be used.
        Path state = Files.createTempDirectory(Path.of("."), "streams-state-");
        config.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "200");
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0");
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, "1");
        config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        config.put(StreamsConfig.consumerPrefix("session.timeout.ms"), "6000");
        config.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), "500");
        config.put(StreamsConfig.producerPrefix("transaction.timeout.ms"), "10000");
        config.put("reconnect.backoff.max.ms", "200");

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream("transactions", Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(WordCount::words)
                .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
                .count(Materialized.<String, Long>as(org.apache.kafka.streams.state.Stores.inMemoryKeyValueStore("words"))
                        .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
                .toStream()
                .mapValues(count -> Long.toString(count))
                .to("counts", Produced.with(Serdes.String(), Serdes.String()));

        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setUncaughtExceptionHandler(error -> {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            say(args, cause.getClass().getSimpleName() + ": " + cause.getMessage());
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.start();
        while (System.in.read() >= 0) {
            // Nothing is said; the end of the input is the sign.
        }
        boolean over = waitUntilCounted(args[0]);
        streams.close(Duration.ofSeconds(20));
        System.out.flush();
        Runtime.getRuntime().halt(over ? 0 : 3);
    }

    /** The writer without its incarnation, and the record's number modulo 16: word-count.ts counts the same. */
    private static List<String> words(String value) {
        String[] parts = value.split(" ", 2)[0].split("/");
        return List.of(parts[0].split("#")[0], "n" + Integer.parseInt(parts[1]) % 16);
    }

    /** Every record has two words, so the end is reached when there are twice as many counts. */
    private static boolean waitUntilCounted(String bootstrap) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed", "enable.auto.commit", "false");
        long records = 0;
        long counts = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : List.of("transactions", "counts")) {
                consumer.partitionsFor(topic).forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long deadline = System.currentTimeMillis() + 140_000;
            while (System.currentTimeMillis() < deadline) {
                ConsumerRecords<byte[], byte[]> batch = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<byte[], byte[]> record : batch) {
                    if (record.topic().equals("counts")) counts++;
                    else records++;
                }
                boolean atEnd = batch.isEmpty() && consumer.endOffsets(partitions).entrySet().stream()
                        .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
                if (atEnd && counts == 2 * records) return true;
            }
        }
        System.err.println(records + " records, " + counts + " counts after 140 s");
        return false;
    }

    private static void say(String[] args, String what) {
        String message = what.replaceAll("[\"\\\\\\p{Cntrl}]", " ");
        System.out.println("{\"e\":\"note\",\"w\":\"" + args[1] + "#" + args[2] + "\",\"m\":\"" + message + "\"}");
    }
}
