package agent

import "time"

// pacer doles an amount out over time, in whole quanta.
type pacer struct {
	total   int64         // how much in all; negative is endless
	rate    int64         // how much a second; 0 is at once
	quantum int64         // smallest part, but for the last
	batch   int64         // largest part
	tick    time.Duration // how often to look at the clock
}

// run calls step with one part after another until the total is reached or stop is
// closed. After a stall it catches up: the rate is an average since the start.
func (p pacer) run(stop <-chan struct{}, step func(n int64) bool) {
	if p.rate == 0 {
		p.advance(stop, 0, p.total, step)
		return
	}
	begin := time.Now()
	ticker := time.NewTicker(p.tick)
	defer ticker.Stop()
	for done := int64(0); p.total < 0 || done < p.total; {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		due := p.due(time.Since(begin))
		if !p.advance(stop, done, due, step) {
			return
		}
		done = due
	}
}

// due is how much shall have been doled out after so long.
func (p pacer) due(elapsed time.Duration) int64 {
	due := int64(float64(p.rate) * elapsed.Seconds())
	if p.total >= 0 && due >= p.total {
		return p.total
	}
	return due - due%p.quantum
}

func (p pacer) advance(stop <-chan struct{}, done, due int64, step func(int64) bool) bool {
	for done < due {
		select {
		case <-stop:
			return false
		default:
		}
		n := min(due-done, p.batch)
		if !step(n) {
			return false
		}
		done += n
	}
	return true
}
