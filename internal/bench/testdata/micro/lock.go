package main

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

type counters struct {
	mu     sync.Mutex
	shared sync.RWMutex
	byKey  map[string]int
	calls  atomic.Int64
	last   time.Duration
	once   sync.Once
}

var all = counters{byKey: make(map[string]int)}

var keys = []string{"espresso-cup", "gooseneck-kettle", "scale", "moka-pot"}

func (c *counters) count(key string) {
	c.once.Do(func() { c.byKey["first"] = 1 })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byKey[key]++
	c.calls.Add(1)
}

func (c *counters) read(key string) int {
	c.shared.RLock()
	defer c.shared.RUnlock()
	return c.byKey[key]
}

// lock is a counter that goroutines share: fast paths of sync that are inlined.
func lock(n int) {
	for i := range n {
		key := keys[i%len(keys)]
		all.count(key)
		if all.read(key) < 0 || all.calls.Load() < 0 {
			panic(key)
		}
		all.last = time.Duration(bits.Len(uint(i))) * time.Second
		if all.last.Seconds() > 1000 {
			panic(key)
		}
	}
}
