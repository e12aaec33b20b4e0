package agent

import "time"

const (
	minObject   = 16 // below this the runtime packs pointer-free objects together
	maxObject   = 64 << 20
	pageSize    = 4096
	ownTick     = 10 * time.Millisecond
	pointTick   = 50 * time.Millisecond // fewer, larger calls into the application
	growBatch   = 1 << 20
	chainLength = 64 // objects a chain: short enough for the collector to mark in parallel
)

// word is one pointer-sized slot of a retained object.
type word struct{ next *word }

// retained is a batch of objects: the heads of chains of pointer objects, or every
// single pointer-free object.
type retained struct {
	chains []*word
	raw    []*byte
}

// retainHeap allocates bytes in objects of the given size, the last one smaller if
// they do not divide. It writes to every page, since a fresh page that was never
// written is not resident. Its name is what heap profiles show.
//
//go:noinline
func retainHeap(bytes, object int64, pointers bool) *retained {
	r := &retained{}
	count := (bytes + object - 1) / object
	if !pointers {
		r.raw = make([]*byte, 0, count)
		for ; bytes > 0; bytes -= object {
			b := make([]byte, min(object, bytes))
			for i := 0; i < len(b); i += pageSize {
				b[i] = 1
			}
			r.raw = append(r.raw, &b[0])
		}
		return r
	}
	r.chains = make([]*word, 0, count/chainLength+1)
	for i := int64(0); bytes > 0; i, bytes = i+1, bytes-object {
		words := make([]word, (min(object, bytes)+7)/8)
		for j := 0; j < len(words); j += pageSize / 8 {
			words[j].next = &words[0]
		}
		if i%chainLength == 0 {
			r.chains = append(r.chains, &words[0])
			continue
		}
		head := &r.chains[len(r.chains)-1]
		words[0].next = *head
		*head = &words[0]
	}
	return r
}

type heapRequest struct {
	Run      string `json:"run"`
	Bytes    int64  `json:"bytes"`
	Rate     int64  `json:"rate"`
	Object   int64  `json:"object"`
	Point    string `json:"point"`
	Pointers *bool  `json:"pointers"`
}

func (q *heapRequest) check() error {
	if q.Object == 0 {
		q.Object = 1024
	}
	if q.Pointers == nil {
		q.Pointers = new(bool)
		*q.Pointers = true
	}
	if q.Bytes < 1 {
		return badRequest("bytes is %d: give the number of bytes to retain, at least 1", q.Bytes)
	}
	if err := checkRate(q.Rate); err != nil {
		return err
	}
	return checkObject(q.Object)
}

func (c *core) growHeap(q *heapRequest) (int64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	if q.Point == "" {
		return c.take(kindHeap, q.Run, q.Bytes, func(h *hold) { c.retain(h, q) })
	}
	fill, err := points.fill(q.Point)
	if err != nil {
		return 0, err
	}
	return c.take(kindHeap, q.Run, q.Bytes, func(h *hold) { c.fillPoint(h, q, fill) })
}

func (c *core) retain(h *hold, q *heapRequest) {
	batch := max(q.Object, growBatch-growBatch%q.Object)
	p := pacer{total: q.Bytes, rate: q.Rate, quantum: q.Object, batch: batch, tick: ownTick}
	p.run(h.stop, func(n int64) bool {
		memory := retainHeap(n, q.Object, *q.Pointers)
		objects := (n + q.Object - 1) / q.Object
		c.held.heapBytes.Add(n)
		c.held.heapObjects.Add(objects)
		h.keep(memory, func() {
			c.held.heapBytes.Add(-n)
			c.held.heapObjects.Add(-objects)
		})
		return true
	})
}

func (c *core) fillPoint(h *hold, q *heapRequest, fill FillFunc) {
	p := pacer{total: q.Bytes, rate: q.Rate, quantum: 1, batch: q.Bytes, tick: pointTick}
	p.run(h.stop, func(n int64) bool {
		free := fill(int(n))
		c.held.heapBytes.Add(n)
		h.keepSlow(func() {
			defer c.held.heapBytes.Add(-n)
			if free != nil {
				free()
			}
		})
		return true
	})
}
