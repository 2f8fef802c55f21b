// The core story with sarama. Usage: sarama BOOTSTRAP NAME
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

const total = 60

func check(holds bool, what string, args ...any) {
	if !holds {
		fmt.Printf("FAIL "+what+"\n", args...)
		os.Exit(1)
	}
}

func must(err error, what string) { check(err == nil, "%s: %v", what, err) }

type handler struct {
	keys  chan string
	count int
	done  context.CancelFunc
}

func (*handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case <-session.Context().Done():
			return nil
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			check(string(message.Value) == "v"+string(message.Key[1:]), "value of %s", message.Key)
			select {
			case h.keys <- string(message.Key):
				session.MarkMessage(message, "")
				session.Commit()
				if len(h.keys) == h.count {
					h.done()
				}
			default:
				return nil
			}
		}
	}
}

func main() {
	seeds, topic, group := strings.Split(os.Args[1], ","), os.Args[2]+"-topic", os.Args[2]+"-group"
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond

	admin, err := sarama.NewClusterAdmin(seeds, config)
	must(err, "admin")
	defer admin.Close()
	must(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false), "create topic")
	fmt.Println("ok created a topic of 3 partitions")

	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	}
	for i, codec := range codecs {
		settings := *config
		settings.Producer.Compression = codec
		producer, err := sarama.NewSyncProducer(seeds, &settings)
		must(err, "producer")
		for n := i * 12; n < (i+1)*12; n++ {
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{
				Topic: topic, Key: sarama.StringEncoder(fmt.Sprint("k", n)), Value: sarama.StringEncoder(fmt.Sprint("v", n)),
			})
			must(err, "produce")
		}
		must(producer.Close(), "close")
	}
	fmt.Println("ok produced 60 keyed records with every codec")

	seen := map[string]bool{}
	consume := func(count int) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		consumer, err := sarama.NewConsumerGroup(seeds, group, config)
		must(err, "group")
		h := &handler{keys: make(chan string, count), count: count, done: cancel}
		for ctx.Err() == nil {
			must(consumer.Consume(ctx, []string{topic}, h), "consume")
		}
		must(consumer.Close(), "close")
		check(len(h.keys) == count, "%d of %d records", len(h.keys), count)
		close(h.keys)
		for key := range h.keys {
			seen[key] = true
		}
	}
	consume(25)
	fmt.Println("ok consumed 25 in a group and committed")
	consume(total - 25)
	check(len(seen) == total, "a record came twice or not at all: %d", len(seen))
	fmt.Println("ok resumed from the committed offsets and saw only the rest")
	must(admin.DeleteConsumerGroup(group), "delete group")
	must(admin.DeleteTopic(topic), "delete topic")
	fmt.Println("ok deleted the group and the topic")
}
