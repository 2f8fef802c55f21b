import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The core story with Java's own clients. Usage: java Story BOOTSTRAP NAME */
public final class Story {
    private static final int TOTAL = 60;
    private static String bootstrap;
    private static String topic;
    private static String group;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        topic = args[1] + "-topic";
        group = args[1] + "-group";
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        try (Admin admin = Admin.create(properties)) {
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1))).all().get();
            say("created a topic of 3 partitions");
            produce();
            List<String> keys = consume(25);
            say("consumed 25 in a group and committed");
            keys.addAll(consume(TOTAL - 25));
            check(new HashSet<>(keys).size() == TOTAL, "a record came twice or not at all");
            say("resumed from the committed offsets and saw only the rest");
            administrate(admin);
        }
    }

    private static void produce() throws Exception {
        String[] codecs = {"none", "gzip", "snappy", "lz4", "zstd"};
        for (int i = 0; i < codecs.length; i++) {
            Map<String, Object> config = new HashMap<>();
            config.put("bootstrap.servers", bootstrap);
            config.put("compression.type", codecs[i]);
            try (KafkaProducer<String, String> producer =
                    new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
                for (int n = i * 12; n < (i + 1) * 12; n++) {
                    ProducerRecord<String, String> record = new ProducerRecord<>(topic, "k" + n, "v" + n);
                    record.headers().add("codec", codecs[i].getBytes());
                    producer.send(record).get();
                }
            }
        }
        say("produced " + TOTAL + " keyed records with every codec");
    }

    private static List<String> consume(int count) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("group.id", group);
        config.put("group.protocol", "classic");
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("max.poll.records", "5");
        List<String> keys = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            long deadline = System.currentTimeMillis() + 30_000;
            while (keys.size() < count && System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                    check(record.value().equals("v" + record.key().substring(1)), "value of " + record.key());
                    check(record.headers().lastHeader("codec") != null, "headers are lost");
                    keys.add(record.key());
                }
                consumer.commitSync();
            }
        }
        check(keys.size() == count, keys.size() + " of " + count + " records");
        return keys;
    }

    private static void administrate(Admin admin) throws Exception {
        var description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
        check(description.partitions().size() == 3, "partitions");
        Map<TopicPartition, OffsetSpec> latest = description.partitions().stream()
                .collect(Collectors.toMap(p -> new TopicPartition(topic, p.partition()), p -> OffsetSpec.latest()));
        long end = admin.listOffsets(latest).all().get().values().stream().mapToLong(info -> info.offset()).sum();
        check(end == TOTAL, "the ends add up to " + end);
        check(admin.describeCluster().nodes().get().size() > 0, "no nodes");
        say("described the topic and the cluster, listed offsets");

        Set<String> groups = admin.listGroups().all().get().stream().map(g -> g.groupId()).collect(Collectors.toSet());
        check(groups.contains(group), "the group is not listed");
        var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        check(described.members().isEmpty(), "members are left");
        long committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream()
                .mapToLong(offset -> offset.offset()).sum();
        check(committed == TOTAL, "committed " + committed);
        say("listed and described the group and its offsets");

        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var set = new AlterConfigOp(new ConfigEntry("retention.ms", "123456"), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all().get();
        String value = "";
        for (int i = 0; i < 200 && !value.equals("123456"); i++) {
            value = admin.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value();
        }
        check(value.equals("123456"), "retention.ms is " + value);
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
        say("changed a config, added partitions");

        var deleted = admin.deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(1)));
        check(deleted.all().get() == null, "deleteRecords");
        admin.describeLogDirs(List.of(description.partitions().get(0).leader().id())).allDescriptions().get();
        admin.deleteConsumerGroups(List.of(group)).all().get();
        admin.deleteTopics(List.of(topic)).all().get();
        say("deleted records, the group and the topic");
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
