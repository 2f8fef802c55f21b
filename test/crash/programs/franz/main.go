// franz-go in a crash run: franz BOOTSTRAP PROGRAM INCARNATION SEED ROLE,ROLE...
//
// One goroutine per role. It writes and reads until its standard input ends and says what it does as events.ts wants it. A client that
// failed is replaced.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	answerLimit   = 60 * time.Second
	maxUnanswered = 2000
)

var (
	bootstrap            []string
	program, incarnation string
	stopping             atomic.Bool
	output               sync.Mutex
)

func main() {
	bootstrap, program, incarnation = strings.Split(os.Args[1], ","), os.Args[2], os.Args[3]
	seed, err := strconv.ParseInt(os.Args[4], 10, 64)
	if err != nil {
		panic(err)
	}
	var playing sync.WaitGroup
	for _, role := range strings.Split(os.Args[5], ",") {
		hash := fnv.New32()
		hash.Write([]byte(role))
		client := &player{
			role: role, name: program + "." + role + "#" + incarnation, next: map[string]int{},
			dice: rand.New(rand.NewSource(seed + int64(hash.Sum32()))),
		}
		playing.Add(1)
		go func() {
			defer playing.Done()
			client.play()
		}()
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		panic(err)
	}
	stopping.Store(true)
	playing.Wait()
}

// One write per line, so that a line is whole or not there when the process is killed.
func say(format string, values ...any) {
	line := fmt.Appendf(nil, format+"\n", values...)
	output.Lock()
	defer output.Unlock()
	if _, err := os.Stdout.Write(line); err != nil {
		panic(err)
	}
}

type player struct {
	role, name string
	dice       *rand.Rand
	// The next number of a record, by topic and partition.
	next map[string]int
	// The number of the transaction.
	number int
}

func (p *player) play() {
	// kafkajs reads `plain` too, and knows no snappy.
	oneInFlight := []kgo.Opt{
		kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerBatchCompression(kgo.NoCompression()),
	}
	switch p.role {
	case "acks1":
		p.write("plain", append(oneInFlight, kgo.RequiredAcks(kgo.LeaderAck()))...)
	case "acksall":
		p.write("plain", append(oneInFlight, kgo.RequiredAcks(kgo.AllISRAcks()))...)
	case "idempotent":
		p.write("exact")
	case "transactional":
		p.transact()
	case "committed":
		p.read("transactions")
	case "copier":
		p.copy("transactions", "copy-"+program)
	default:
		panic("no role " + p.role)
	}
}

func (p *player) note(err error) {
	message, _ := json.Marshal(err.Error())
	say(`{"e":"note","w":%q,"m":%s}`, p.name, message)
}

func (p *player) pause(limitMs int) {
	time.Sleep(time.Duration(p.dice.Intn(limitMs)) * time.Millisecond)
}

func common(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(2 * time.Millisecond),
		kgo.RecordDeliveryTimeout(answerLimit), kgo.ProduceRequestTimeout(5 * time.Second), kgo.RequestTimeoutOverhead(5 * time.Second),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 200 * time.Millisecond }),
	}, more...)
}

// ---- writers

// The first failure of a producer or of a transaction; the others fail with it.
type failure struct{ first atomic.Pointer[error] }

func (f *failure) take(err error) { f.first.CompareAndSwap(nil, &err) }

func (f *failure) err() error {
	if found := f.first.Load(); found != nil {
		return *found
	}
	return nil
}

// Numbers records, says that they are sent and sends them; what is acknowledged is said as it comes. `sources` has one entry per record.
func (p *player) send(produce func(*kgo.Record, func(*kgo.Record, error)), topic string, partition int32, sources []string, failed *failure) {
	key := fmt.Sprint(topic, " ", partition)
	first := p.next[key]
	p.next[key] += len(sources)
	transaction, x := "-", ""
	if p.number > 0 {
		transaction, x = strconv.Itoa(p.number), fmt.Sprintf(`,"x":%d`, p.number)
	}
	say(`{"e":"sent","w":%q,"t":%q,"p":%d,"n":%d,"c":%d%s}`, p.name, topic, partition, first, len(sources), x)
	for i, source := range sources {
		n := first + i
		value := fmt.Sprintf("%s/%d/%s%s %s", p.name, n, transaction, source, strings.Repeat(".", p.dice.Intn(1200)))
		produce(&kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)}, func(record *kgo.Record, err error) {
			if err != nil {
				failed.take(err)
				return
			}
			say(`{"e":"acked","w":%q,"t":%q,"p":%d,"n":%d,"c":1,"o":%d}`, p.name, topic, partition, n, record.Offset)
		})
	}
}

func (p *player) some(limit int) []string { return make([]string, 1+p.dice.Intn(limit)) }

func producing(client *kgo.Client) func(*kgo.Record, func(*kgo.Record, error)) {
	return func(record *kgo.Record, promise func(*kgo.Record, error)) {
		client.Produce(context.Background(), record, promise)
	}
}

// Sends without waiting for each answer: several batches are in flight when a broker dies.
func (p *player) write(topic string, options ...kgo.Opt) {
	for !stopping.Load() {
		client, err := kgo.NewClient(common(options...)...)
		if err != nil {
			panic(err)
		}
		var failed failure
		for !stopping.Load() && failed.err() == nil {
			p.send(producing(client), topic, int32(p.dice.Intn(3)), p.some(20), &failed)
			p.pause(40)
			for client.BufferedProduceRecords() > maxUnanswered && failed.err() == nil {
				p.pause(100)
			}
		}
		p.flush(client, &failed)
		if err := failed.err(); err != nil {
			p.note(err)
		}
		client.Close()
	}
}

func (p *player) flush(client *kgo.Client, failed *failure) {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit+10*time.Second)
	defer cancel()
	if err := client.Flush(ctx); err != nil {
		failed.take(err)
	}
}

func (p *player) transact() {
	for !stopping.Load() {
		client, err := kgo.NewClient(common(kgo.TransactionalID(p.name[:strings.Index(p.name, "#")]), kgo.TransactionTimeout(10*time.Second))...)
		if err != nil {
			panic(err)
		}
		for err == nil && !stopping.Load() {
			p.number++
			err = p.transaction(client)
			p.pause(30)
		}
		if err != nil {
			p.note(err)
		}
		client.Close()
	}
}

func (p *player) transaction(client *kgo.Client) error {
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	var failed failure
	for batches := 1 + p.dice.Intn(4); batches > 0; batches-- {
		p.send(producing(client), "transactions", int32(p.dice.Intn(3)), p.some(8), &failed)
		if p.dice.Intn(4) == 0 {
			p.pause(60)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	if p.dice.Intn(4) != 0 {
		p.flush(client, &failed)
		if failed.err() == nil {
			p.step("committing")
			if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
				return err
			}
			p.step("committed")
			return nil
		}
	}
	// Some of it may be on its way, some not even that: such records fail with the abort, which is no failure.
	broken := failed.err()
	if err := client.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	if err := client.EndTransaction(ctx, kgo.TryAbort); err != nil {
		return err
	}
	p.step("aborted")
	return broken
}

func (p *player) step(state string) {
	say(`{"e":"tx","w":%q,"x":%d,"s":%q}`, p.name, p.number, state)
}

// ---- readers

func reading(group, topic string, more ...kgo.Opt) []kgo.Opt {
	return append(common(more...),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(6*time.Second), kgo.RebalanceTimeout(6*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond), kgo.FetchMaxWait(200*time.Millisecond),
	)
}

// What came within a moment. Errors of single partitions are the client's to go on from.
func (p *player) poll(poll func(context.Context, int) kgo.Fetches) map[int32][]*kgo.Record {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	found := map[int32][]*kgo.Record{}
	fetches := poll(ctx, 100)
	fetches.EachError(func(topic string, partition int32, err error) {
		if ctx.Err() == nil {
			p.note(fmt.Errorf("%s-%d: %w", topic, partition, err))
		}
	})
	fetches.EachRecord(func(record *kgo.Record) { found[record.Partition] = append(found[record.Partition], record) })
	return found
}

func (p *player) read(topic string) {
	group := p.role + "-" + program
	for !stopping.Load() {
		client, err := kgo.NewClient(reading(group, topic, kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())...)
		if err != nil {
			panic(err)
		}
		for err == nil && !stopping.Load() {
			err = p.take(client, group, topic)
			client.AllowRebalance()
		}
		if err != nil {
			p.note(err)
		}
		client.CloseAllowingRebalance()
	}
}

func (p *player) take(client *kgo.Client, group, topic string) error {
	for partition, records := range p.poll(client.PollRecords) {
		var list []string
		for _, record := range records {
			list = append(list, fmt.Sprintf("[%d,%q]", record.Offset, identityOf(record)))
		}
		say(`{"e":"read","g":%q,"i":1,"t":%q,"p":%d,"r":[%s]}`, group, topic, partition, strings.Join(list, ","))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := client.CommitRecords(ctx, records...)
		cancel()
		if err != nil {
			return err
		}
		sayOffset(group, topic, partition, records)
	}
	return nil
}

func identityOf(record *kgo.Record) string {
	identity, _, _ := strings.Cut(string(record.Value), " ")
	return identity
}

func sayOffset(group, topic string, partition int32, records []*kgo.Record) {
	say(`{"e":"offsets","g":%q,"t":%q,"p":%d,"o":%d}`, group, topic, partition, records[len(records)-1].Offset+1)
}

// Consume, transform, produce: offsets and records in one transaction, which a rebalance aborts.
func (p *player) copy(from, to string) {
	group := "copier-" + program
	id := kgo.TransactionalID(program + ".copier")
	for !stopping.Load() {
		options := reading(group, from, id, kgo.TransactionTimeout(10*time.Second), kgo.RequireStableFetchOffsets())
		session, err := kgo.NewGroupTransactSession(options...)
		if err != nil {
			panic(err)
		}
		for err == nil && !stopping.Load() {
			if records := p.poll(session.PollRecords); len(records) > 0 {
				err = p.copyAll(session, group, from, to, records)
			}
		}
		if err != nil {
			p.note(err)
		}
		session.Close()
	}
}

func (p *player) copyAll(session *kgo.GroupTransactSession, group, from, to string, records map[int32][]*kgo.Record) error {
	p.number++
	if err := session.Begin(); err != nil {
		return err
	}
	var failed failure
	produce := func(record *kgo.Record, promise func(*kgo.Record, error)) {
		session.Produce(context.Background(), record, promise)
	}
	for partition, some := range records {
		var sources []string
		for _, record := range some {
			sources = append(sources, fmt.Sprintf("/%d:%d", record.Partition, record.Offset))
		}
		p.send(produce, to, partition, sources, &failed)
	}
	commit := p.dice.Intn(10) != 0
	if commit {
		p.flush(session.Client(), &failed)
		if commit = failed.err() == nil; commit {
			p.step("committing")
		}
	}
	broken := failed.err()
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	committed, err := session.End(ctx, kgo.TransactionEndTry(commit))
	if err != nil {
		return err
	}
	if !committed {
		p.step("aborted")
		return broken
	}
	p.step("committed")
	for partition, some := range records {
		sayOffset(group, from, partition, some)
	}
	return nil
}
