package agent

type churnRequest struct {
	Run    string `json:"run"`
	Rate   int64  `json:"rate"`
	Object int64  `json:"object"`
}

func (q *churnRequest) check() error {
	if q.Object == 0 {
		q.Object = 1024
	}
	if q.Rate < 1 {
		return badRequest("rate is %d: give the bytes to allocate a second, at least 1", q.Rate)
	}
	if err := checkRate(q.Rate); err != nil {
		return err
	}
	return checkObject(q.Object)
}

// churnHeap allocates garbage: objects that nothing holds once it returns. They
// hold pointers, as most garbage does. Its name is what allocation profiles show.
//
//go:noinline
func churnHeap(bytes, object int64) {
	for ; bytes > 0; bytes -= object {
		words := make([]word, (min(object, bytes)+7)/8)
		if neverKeep {
			kept = words
		}
	}
}

// A branch that is never taken makes the garbage escape: what the compiler can prove
// to be unused it may put on the stack, where it is no pressure.
var (
	neverKeep bool
	kept      []word
)

func (c *core) churn(q *churnRequest) (int64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	batch := max(q.Object, growBatch-growBatch%q.Object)
	p := pacer{total: -1, rate: q.Rate, quantum: q.Object, batch: batch, tick: ownTick}
	return c.take(kindChurn, q.Run, 0, func(h *hold) {
		p.run(h.stop, func(n int64) bool {
			churnHeap(n, q.Object)
			c.held.churned.Add(n)
			return true
		})
	})
}
