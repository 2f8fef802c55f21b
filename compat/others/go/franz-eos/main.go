// Exactly once with franz-go: transactions, and GroupTransactSession. Usage: franz-eos BOOTSTRAP NAME
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const total = 40

var (
	seeds         []string
	input, output string
	name          string
)

func say(what string, args ...any) { fmt.Printf("ok "+what+"\n", args...) }

func check(holds bool, what string, args ...any) {
	if !holds {
		fmt.Printf("FAIL "+what+"\n", args...)
		os.Exit(1)
	}
}

func must(err error, what string) { check(err == nil, "%s: %v", what, err) }

func main() {
	seeds, name = strings.Split(os.Args[1], ","), os.Args[2]
	input, output = name+"-input", name+"-output"
	ctx, cancel := context.WithTimeout(context.Background(), 80*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	must(err, "client")
	admin := kadm.NewClient(client)
	defer admin.Close()
	_, err = admin.CreateTopics(ctx, 3, 1, nil, input, output)
	must(err, "create topics")

	commitAndAbort(ctx)
	copyInSession(ctx, admin)
	fence(ctx)
}

// Two transactions are committed, one between them is aborted.
func commitAndAbort(ctx context.Context) {
	producer, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.TransactionalID(name+"-writer"))
	must(err, "producer")
	defer producer.Close()
	for round := 0; round < 3; round++ {
		must(producer.BeginTransaction(), "begin")
		kept := round != 1
		for n := 0; n < total/2; n++ {
			value := fmt.Sprint("dropped", n)
			if kept {
				value = fmt.Sprint("kept", round/2*total/2+n)
			}
			producer.Produce(ctx, &kgo.Record{Topic: input, Value: []byte(value)}, func(_ *kgo.Record, err error) { must(err, "produce") })
		}
		must(producer.Flush(ctx), "flush")
		must(producer.EndTransaction(ctx, kgo.TransactionEndTry(kept)), "end")
	}
	values := read(ctx, input, kgo.ReadCommitted(), total)
	checkKept(values)
	read(ctx, input, kgo.ReadUncommitted(), total+total/2)
	say("committed and aborted: read_committed sees what was committed, read_uncommitted all")
}

// Every third transaction is aborted; the session takes the consumer back to what is committed.
func copyInSession(ctx context.Context, admin *kadm.Client) {
	group := name + "-copiers"
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(seeds...), kgo.TransactionalID(name+"-copier"), kgo.ConsumerGroup(group), kgo.ConsumeTopics(input),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(),
	)
	must(err, "session")
	copied, transactions := 0, 0
	for copied < total {
		fetches := session.PollRecords(ctx, 7)
		must(fetches.Err(), "poll")
		must(session.Begin(), "begin")
		fetches.EachRecord(func(record *kgo.Record) {
			session.Produce(ctx, &kgo.Record{Topic: output, Value: record.Value}, func(_ *kgo.Record, err error) { must(err, "produce a copy") })
		})
		// What was not sent yet would simply be thrown away by an abort.
		must(session.Client().Flush(ctx), "flush the copies")
		transactions++
		committed, err := session.End(ctx, kgo.TransactionEndTry(transactions%3 != 2))
		must(err, "end a session's transaction")
		check(committed == (transactions%3 != 2), "transaction %d: committed is %v", transactions, committed)
		if committed {
			copied += fetches.NumRecords()
		}
	}
	session.Close()
	checkKept(read(ctx, output, kgo.ReadCommitted(), total))
	offsets, err := admin.FetchOffsets(ctx, group)
	must(err, "fetch offsets")
	check(len(offsets[input]) > 0, "no offsets were committed")
	say("copied %d records in %d transactions of a GroupTransactSession, each once", total, transactions)
}

func fence(ctx context.Context) {
	id := kgo.TransactionalID(name + "-same")
	first, err := kgo.NewClient(kgo.SeedBrokers(seeds...), id)
	must(err, "first producer")
	defer first.Close()
	must(first.BeginTransaction(), "begin")
	must(first.ProduceSync(ctx, &kgo.Record{Topic: output, Value: []byte("of the fenced one")}).FirstErr(), "produce")
	second, err := kgo.NewClient(kgo.SeedBrokers(seeds...), id)
	must(err, "second producer")
	defer second.Close()
	must(second.BeginTransaction(), "begin")
	must(second.ProduceSync(ctx, &kgo.Record{Topic: output, Value: []byte("of the second")}).FirstErr(), "produce")
	must(second.EndTransaction(ctx, kgo.TryCommit), "commit of the second")
	err = first.EndTransaction(ctx, kgo.TryCommit)
	fenced := errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
	check(fenced, "the fenced producer ends with %v", err)
	read(ctx, output, kgo.ReadCommitted(), total+1)
	say("a newer producer fences the older one, whose records nobody sees")
}

func checkKept(values []string) {
	seen := map[string]bool{}
	for _, value := range values {
		seen[value] = true
	}
	for n := 0; n < total; n++ {
		check(seen[fmt.Sprint("kept", n)], "kept%d is not there", n)
	}
}

// Everything that is there, and that nothing more comes.
func read(ctx context.Context, topic string, isolation kgo.IsolationLevel, count int) []string {
	consumer, err := kgo.NewClient(
		kgo.SeedBrokers(seeds...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(isolation),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	must(err, "reader")
	defer consumer.Close()
	var values []string
	for quiet := 0; quiet < 2; {
		wait, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
		fetches := consumer.PollFetches(wait)
		cancel()
		fetches.EachRecord(func(record *kgo.Record) { values = append(values, string(record.Value)) })
		if len(values) >= count && fetches.NumRecords() == 0 {
			quiet++
		}
		check(ctx.Err() == nil, "%d of %d records in %s", len(values), count, topic)
	}
	check(len(values) == count, "%d records in %s, not %d", len(values), topic, count)
	return values
}
