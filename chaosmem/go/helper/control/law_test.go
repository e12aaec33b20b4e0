package control

import (
	"testing"
	"time"
)

const (
	mib   = 1 << 20
	limit = 256 * mib
)

// plant is a container in virtual time: a service with its own use, and a hog that
// does what it is told a while after the look.
type plant struct {
	t       *testing.T
	law     *Law
	service func(at time.Duration) int64
	lag     time.Duration // from look to effect
	held    int64
	top     int64 // of the working set, over the whole run
	states  map[State]int
	steps   int
}

func newPlant(t *testing.T, g Goal, service func(time.Duration) int64) *plant {
	return &plant{t: t, law: New(g), service: service, lag: 3 * time.Millisecond, states: map[State]int{}}
}

// run steps from look to look; between them the service goes on by itself.
func (p *plant) run(until time.Duration) (last Decision) {
	for at := time.Duration(0); at < until; {
		d := p.law.Step(Look{At: at, WorkingSet: p.service(at) + p.held, Held: p.held})
		p.watch(at, at+p.lag)
		p.held = d.Hold
		p.watch(at+p.lag, at+p.lag+d.Next)
		at += p.lag + d.Next
		p.steps++
		p.states[d.State]++
		last = d
	}
	return last
}

func (p *plant) watch(from, to time.Duration) {
	for at := from; at <= to; at += time.Millisecond / 4 {
		p.top = max(p.top, p.service(at)+p.held)
	}
}

func still(use int64) func(time.Duration) int64 { return func(time.Duration) int64 { return use } }

// growing is a service that grows at a speed from one second on, up to a use.
func growing(from, speed, to int64) func(time.Duration) int64 {
	return func(at time.Duration) int64 {
		if at < time.Second {
			return from
		}
		return min(to, from+int64(float64(speed)*(at-time.Second).Seconds()))
	}
}

func goal(percent int64) Goal {
	return Goal{Limit: limit, Level: limit * percent / 100, Reserve: limit / 100, From: 40 * mib, Most: limit}
}

func TestItHoldsTheLevelWithinATenthOfAPercentOfAStillService(t *testing.T) {
	for _, percent := range []int64{30, 50, 80, 95, 99} {
		p := newPlant(t, goal(percent), still(40*mib))
		d := p.run(5 * time.Second)
		if d.State != Holding || abs(d.Error) > limit/1000+page {
			t.Errorf("%d %%: %s, error %d", percent, d.State, d.Error)
		}
		if p.top > limit*percent/100+page {
			t.Errorf("%d %%: overshot to %d", percent, p.top)
		}
	}
}

func TestTheRampIsAStraightLine(t *testing.T) {
	g := goal(80)
	g.Ramp = 4 * time.Second
	p := newPlant(t, g, still(40*mib))
	d := p.run(2 * time.Second)
	middle := (g.From + g.Level) / 2
	if d.State != Ramping || abs(d.SetPoint-middle) > 2*mib || abs(d.Error) > p.law.Tolerance() {
		t.Errorf("half way: %+v, the middle is %d", d, middle)
	}
}

func TestItYieldsToAGrowingServiceBeforeTheLimit(t *testing.T) {
	for _, speed := range []int64{1, 10, 100, 500, 1000, 2000} {
		p := newPlant(t, goal(80), growing(40*mib, speed*mib, 230*mib))
		d := p.run(4*time.Second + time.Duration(200/speed)*time.Second)
		if p.top >= limit {
			t.Errorf("%d MiB/s: the working set reached %d of %d", speed, p.top, int64(limit))
		}
		if d.Hold != 0 || d.State != Yielding {
			t.Errorf("%d MiB/s: a service above the level, and the hog holds %d (%s)", speed, d.Hold, d.State)
		}
	}
}

func TestOneBeyondItsReachIsOneThatCannotBeCaught(t *testing.T) {
	p := newPlant(t, goal(99), growing(40*mib, 4000*mib, 230*mib))
	p.run(2 * time.Second)
	if p.top < limit {
		t.Errorf("4 GB/s into 1 %% of headroom stayed at %d: the model does not model", p.top)
	}
}

func TestItComesBackWhenTheServiceShrinks(t *testing.T) {
	service := func(at time.Duration) int64 {
		if at > time.Second && at < 2*time.Second {
			return 120 * mib
		}
		return 40 * mib
	}
	p := newPlant(t, goal(80), service)
	d := p.run(5 * time.Second)
	if p.states[Yielding] == 0 || d.State != Holding || abs(d.Error) > p.law.Tolerance() {
		t.Errorf("%v, at last %+v", p.states, d)
	}
}

func TestItDoesNotChaseTheNoiseOfTheCounter(t *testing.T) {
	moved, held := 0, int64(-1)
	noise := func(at time.Duration) int64 { return 40*mib + int64(at/time.Millisecond)%3*64<<10 }
	p := newPlant(t, goal(80), noise)
	p.run(3 * time.Second)
	for at := 3 * time.Second; at < 6*time.Second; at += SlowLook {
		d := p.law.Step(Look{At: at, WorkingSet: noise(at) + p.held, Held: p.held})
		if held >= 0 && d.Hold != held {
			moved++
		}
		held, p.held = d.Hold, d.Hold
	}
	if moved > 5 {
		t.Errorf("adjusted %d times in 3 s", moved)
	}
}

func TestAnExpectedKillIsGoneFor(t *testing.T) {
	g := goal(120)
	g.Expected, g.Most = true, 2*limit
	p := newPlant(t, g, still(40*mib))
	p.run(5 * time.Second)
	if p.top <= limit {
		t.Errorf("stopped at %d below the limit", p.top)
	}
}

func TestItNeverHoldsMoreThanItsMost(t *testing.T) {
	g := goal(80)
	g.Most = 16 * mib
	p := newPlant(t, g, still(40*mib))
	if d := p.run(3 * time.Second); d.Hold > 16*mib || p.held != 16*mib {
		t.Errorf("holds %d", p.held)
	}
}

func TestAStarvedNodeIsGivenWayTo(t *testing.T) {
	l := New(goal(80))
	held := int64(100 * mib)
	for at := time.Duration(0); at < time.Second; at += SlowLook {
		d := l.Step(Look{At: at, WorkingSet: 40*mib + held, Held: held, Starved: true})
		if d.State != Yielding {
			t.Fatalf("%s", d.State)
		}
		held = d.Hold
	}
	if held > mib {
		t.Errorf("still holds %d", held)
	}
}

func TestItLooksMoreOftenNearTheLimit(t *testing.T) {
	for _, c := range []struct {
		headroom int64
		want     time.Duration
	}{
		{2 << 30, SlowLook},
		{64 * mib, 3906250 * time.Nanosecond},
		{2 * mib, FastLook},
		{-1, FastLook},
	} {
		if got := interval(c.headroom); got != c.want {
			t.Errorf("%d: %s, want %s", c.headroom, got, c.want)
		}
	}
}

func TestItSaysHowLongTheHeadroomLasts(t *testing.T) {
	l := New(goal(80))
	l.Step(Look{At: 0, WorkingSet: 100 * mib, Held: 60 * mib})
	d := l.Step(Look{At: 10 * time.Millisecond, WorkingSet: 110 * mib, Held: 60 * mib})
	if d.Growth != 1000*mib || d.Spare != 146*time.Millisecond {
		t.Errorf("10 MiB in 10 ms, 146 MiB below the limit: %d, %s", d.Growth, d.Spare)
	}
	if d := New(goal(80)).Step(Look{WorkingSet: 100 * mib}); d.Spare != time.Hour {
		t.Errorf("a still service: %s", d.Spare)
	}
}
