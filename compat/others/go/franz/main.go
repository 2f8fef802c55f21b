// The core story with franz-go and kadm. Usage: franz BOOTSTRAP NAME
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const total = 60

func say(what string) { fmt.Println("ok " + what) }

func check(holds bool, what string, args ...any) {
	if !holds {
		fmt.Printf("FAIL "+what+"\n", args...)
		os.Exit(1)
	}
}

func must(err error, what string) { check(err == nil, "%s: %v", what, err) }

func main() {
	seeds, topic, group := strings.Split(os.Args[1], ","), os.Args[2]+"-topic", os.Args[2]+"-group"
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()

	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	must(err, "client")
	admin := kadm.NewClient(client)
	defer admin.Close()
	_, err = admin.CreateTopic(ctx, 3, 1, nil, topic)
	must(err, "create topic")
	say("created a topic of 3 partitions")

	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	for i, codec := range codecs {
		producer, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ProducerBatchCompression(codec))
		must(err, "producer")
		for n := i * 12; n < (i+1)*12; n++ {
			record := &kgo.Record{Topic: topic, Key: []byte(fmt.Sprint("k", n)), Value: []byte(fmt.Sprint("v", n))}
			must(producer.ProduceSync(ctx, record).FirstErr(), "produce")
		}
		producer.Close()
	}
	say("produced 60 keyed records with every codec")

	consume := func(count int) []string {
		consumer, err := kgo.NewClient(
			kgo.SeedBrokers(seeds...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(200*time.Millisecond),
		)
		must(err, "consumer")
		defer consumer.Close()
		var keys []string
		for len(keys) < count {
			fetches := consumer.PollRecords(ctx, count-len(keys))
			must(fetches.Err0(), "poll")
			fetches.EachRecord(func(record *kgo.Record) {
				check(string(record.Value) == "v"+string(record.Key[1:]), "value of %s", record.Key)
				keys = append(keys, string(record.Key))
			})
			must(consumer.CommitRecords(ctx, fetches.Records()...), "commit")
		}
		return keys
	}
	keys := consume(25)
	say("consumed 25 in a group and committed")
	keys = append(keys, consume(total-25)...)
	seen := map[string]bool{}
	for _, key := range keys {
		seen[key] = true
	}
	check(len(seen) == total, "a record came twice or not at all")
	say("resumed from the committed offsets and saw only the rest")

	ends, err := admin.ListEndOffsets(ctx, topic)
	must(err, "list offsets")
	var sum int64
	ends.Each(func(offset kadm.ListedOffset) { sum += offset.Offset })
	check(sum == total, "the ends add up to %d", sum)
	lags, err := admin.Lag(ctx, group)
	must(err, "lag")
	lag := lags[group]
	check(lag.Lag.Total() == 0, "lag %d", lag.Lag.Total())
	say("listed offsets and lag")
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	must(err, "configs")
	_, err = configs.On(topic, nil)
	must(err, "configs")
	_, err = admin.CreatePartitions(ctx, 2, topic)
	must(err, "create partitions")
	_, err = admin.DeleteGroup(ctx, group)
	must(err, "delete group")
	_, err = admin.DeleteTopic(ctx, topic)
	must(err, "delete topic")
	say("described configs, added partitions, deleted the group and the topic")
}
