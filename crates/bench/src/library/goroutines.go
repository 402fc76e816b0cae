// What the library is measured against in Go: goroutines of an errgroup. Prints one figure.
//
//	goroutines spawn|cancel|memory COUNT
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// spawn gives nanoseconds per goroutine that was started and waited for.
func spawn(count int) float64 {
	start := time.Now()
	group := new(errgroup.Group)
	for i := 0; i < count; i++ {
		group.Go(func() error { return nil })
	}
	if err := group.Wait(); err != nil {
		panic(err)
	}
	return float64(time.Since(start).Nanoseconds()) / float64(count)
}

// park starts goroutines that wait for the end of their context, each with something to do then.
func park(count int) (context.CancelFunc, *errgroup.Group) {
	parent, cancel := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(parent)
	var parked int64
	for i := 0; i < count; i++ {
		state := 0
		group.Go(func() error {
			defer func() { state++ }()
			atomic.AddInt64(&parked, 1)
			<-ctx.Done()
			return ctx.Err()
		})
	}
	for atomic.LoadInt64(&parked) < int64(count) {
		runtime.Gosched()
	}
	return cancel, group
}

// stop gives nanoseconds per goroutine from a cancel to the end of all.
func stop(count int) float64 {
	cancel, group := park(count)
	start := time.Now()
	cancel()
	if err := group.Wait(); err != context.Canceled {
		panic(err)
	}
	return float64(time.Since(start).Nanoseconds()) / float64(count)
}

// memory gives bytes per parked goroutine by which the process has grown.
func memory(count int) float64 {
	before := resident()
	cancel, group := park(count)
	grown := resident() - before
	runtime.KeepAlive(group)
	cancel()
	return float64(grown) / float64(count)
}

func resident() int {
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(status))[1])
	if err != nil {
		panic(err)
	}
	return pages * 4096
}

func main() {
	measures := map[string]func(int) float64{"spawn": spawn, "cancel": stop, "memory": memory}
	if len(os.Args) != 3 || measures[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: goroutines spawn|cancel|memory COUNT")
		os.Exit(2)
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "COUNT:", err)
		os.Exit(2)
	}
	measure := measures[os.Args[1]]
	if os.Args[1] != "memory" {
		measure(count) // Once to warm up.
	}
	fmt.Println(measure(count))
}
