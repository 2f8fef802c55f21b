// kfake as a server of its own for the benchmark: one broker in memory on a free loopback port. Prints `ready HOST:PORT`.
// It ends when its standard input does, so that it cannot outlive the benchmark.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer cluster.Close()
	fmt.Printf("ready %s\n", cluster.ListenAddrs()[0])
	io.Copy(io.Discard, os.Stdin)
}
