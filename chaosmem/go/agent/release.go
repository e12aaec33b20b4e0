package agent

type releaseRequest struct {
	Run  string    `json:"run"`
	What *[]string `json:"what"`
}

// parts says which kinds to let go, and whether the runtime's settings too.
func (q *releaseRequest) parts() (which []kind, settings bool, err error) {
	if q.What == nil {
		return allKinds, true, nil
	}
	for _, name := range *q.What {
		switch name {
		case "heap":
			which = append(which, kindHeap)
		case "churn":
			which = append(which, kindChurn)
		case "goroutines":
			which = append(which, kindGoroutines)
		case "runtime":
			settings = true
		default:
			return nil, false, badRequest("what has %q: any of heap, churn, goroutines, runtime", name)
		}
	}
	return which, settings, nil
}

type releaseAnswer struct {
	Act            int64      `json:"act"`
	ReleasedUnixNs int64      `json:"released_unix_ns"`
	Held           heldAnswer `json:"held"`
}

// release lets go of what was asked. The instant in the answer is before any of it.
func (c *core) release(q *releaseRequest) (*releaseAnswer, error) {
	which, settings, err := q.parts()
	if err != nil {
		return nil, err
	}
	c.expire()
	c.mu.Lock()
	if err := c.live(q.Run); err != nil {
		c.mu.Unlock()
		return nil, err
	}
	a := &releaseAnswer{Act: c.count(&c.acts.release), ReleasedUnixNs: c.clock.Now().UnixNano()}
	if settings {
		c.tuning.restore()
	}
	holds := c.detach(which...)
	c.mu.Unlock()
	releaseAll(holds)
	a.Held = c.held.answer()
	return a, nil
}
