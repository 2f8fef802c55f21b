// The core story with segmentio/kafka-go. Usage: segmentio BOOTSTRAP NAME
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
)

const total = 60

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

	connection, err := kafka.Dial("tcp", seeds[0])
	must(err, "dial")
	must(connection.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: 3, ReplicationFactor: 1}), "create topic")
	fmt.Println("ok created a topic of 3 partitions")

	for i, codec := range []kafka.Compression{0, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		writer := &kafka.Writer{
			Addr: kafka.TCP(seeds...), Topic: topic, Balancer: kafka.Murmur2Balancer{}, Compression: codec,
			RequiredAcks: kafka.RequireAll, BatchTimeout: 5 * time.Millisecond, MaxAttempts: 20,
		}
		var messages []kafka.Message
		for n := i * 12; n < (i+1)*12; n++ {
			messages = append(messages, kafka.Message{Key: []byte(fmt.Sprint("k", n)), Value: []byte(fmt.Sprint("v", n))})
		}
		must(writer.WriteMessages(ctx, messages...), "produce")
		must(writer.Close(), "close")
	}
	fmt.Println("ok produced 60 keyed records with every codec")

	seen := map[string]bool{}
	consume := func(count int) {
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers: seeds, GroupID: group, Topic: topic, StartOffset: kafka.FirstOffset, MaxWait: 200 * time.Millisecond,
			HeartbeatInterval: 200 * time.Millisecond,
		})
		for i := 0; i < count; i++ {
			message, err := reader.FetchMessage(ctx)
			must(err, "fetch")
			check(string(message.Value) == "v"+string(message.Key[1:]), "value of %s", message.Key)
			must(reader.CommitMessages(ctx, message), "commit")
			seen[string(message.Key)] = true
		}
		must(reader.Close(), "close")
	}
	consume(25)
	fmt.Println("ok consumed 25 in a group and committed")
	consume(total - 25)
	check(len(seen) == total, "a record came twice or not at all: %d", len(seen))
	fmt.Println("ok resumed from the committed offsets and saw only the rest")
	must(connection.DeleteTopics(topic), "delete topic")
	must(connection.Close(), "close")
	fmt.Println("ok deleted the topic")
}
