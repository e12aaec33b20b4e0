// Package control decides how much memory the hog holds. It reads no clock and no
// file: it is given looks and answers with what to hold and when to look again.
package control

import "time"

// State is what the stress is doing.
type State string

// The states that the law itself knows.
const (
	Ramping  State = "ramping"
	Holding  State = "holding"
	Yielding State = "yielding"
)

const (
	// SlowLook is the interval far from the limit, FastLook the shortest near it.
	SlowLook = 20 * time.Millisecond
	FastLook = time.Millisecond
	// worstSpeed is assumed of a service that has not shown its speed yet: bytes a
	// second that one core can fault in at best (2 to 4 GB/s seen).
	worstSpeed = 4 << 30
	// share of the headroom that a service of worstSpeed may take between two looks.
	share = 4
	// window is the time over which growth is measured: the kernel charges in
	// batches, so that a shorter one sees only steps.
	window = 40 * time.Millisecond
	// batch is the noise of the usage counter: 64 pages on each of a few CPUs.
	batch = 512 << 10
	// quiet is how long a service must not have grown before the hog grows again.
	quiet = 200 * time.Millisecond
	// letGo is the time from a look to memory given back.
	letGo = 8 * time.Millisecond
	// urgent is a headroom so short that more is given back at once than the next look
	// needs, since on a busy node each look and each answer may come late.
	urgent      = 100 * time.Millisecond
	urgentAhead = 50 * time.Millisecond
	// atOnce is the most that one step grows, so that a step never takes long.
	atOnce = 8 << 20
	// page is the smallest step worth making.
	page = 4096
)

// Goal is what the stress is to reach. All sizes are bytes.
type Goal struct {
	Limit    int64
	Level    int64
	Reserve  int64         // kept free below the limit
	From     int64         // working set at the beginning
	Ramp     time.Duration // from From to Level
	Expected bool          // an OOM kill is what is wanted: no reserve, no yielding
	Most     int64         // the hog never holds more
}

// Look is what was seen at one moment since the beginning.
type Look struct {
	At         time.Duration
	WorkingSet int64
	Held       int64 // by the hog's own count
	Starved    bool  // the node has no memory to give
}

// Decision is what to do about it.
type Decision struct {
	Hold     int64
	SetPoint int64
	Error    int64 // working set less set-point
	State    State
	Growth   int64         // of the service, bytes a second
	Spare    time.Duration // until the service, at this speed, is at the limit
	Next     time.Duration
}

// Law remembers what it needs between looks.
type Law struct {
	goal Goal
	seen []sighting // the service's own use in the window
	grew time.Duration
	gave bool // has given way since it last held the level
}

type sighting struct {
	at  time.Duration
	use int64
}

// New begins towards a goal.
func New(g Goal) *Law { return &Law{goal: g, grew: -quiet} }

// SetPoint is where the ramp stands.
func (l *Law) SetPoint(at time.Duration) int64 {
	g := l.goal
	if at >= g.Ramp {
		return g.Level
	}
	return g.From + int64(float64(g.Level-g.From)*float64(at)/float64(g.Ramp))
}

// Tolerance is the ±1 % of the limit that is called held.
func (l *Law) Tolerance() int64 { return l.goal.Limit / 100 }

// Step decides upon one look.
func (l *Law) Step(k Look) Decision {
	set := l.SetPoint(k.At)
	use := max(0, k.WorkingSet-k.Held)
	speed := l.growth(k.At, use)
	d := Decision{SetPoint: set, Error: k.WorkingSet - set, Growth: speed, Spare: spare(l.goal.Limit-k.WorkingSet, speed)}
	next := interval(l.goal.Limit - k.WorkingSet)
	d.Hold = l.bounded(k, l.wanted(k, set, use, speed, next))
	d.Next = next
	if d.Hold-k.Held >= atOnce { // there is more to come
		d.Next = FastLook
	}
	d.State = l.state(k, d, use)
	return d
}

// growth is the service's speed over the window. Below the counter's noise it is none.
func (l *Law) growth(at time.Duration, use int64) int64 {
	for len(l.seen) > 0 && at-l.seen[0].at > window {
		l.seen = l.seen[1:]
	}
	least := sighting{at, use}
	for _, s := range l.seen {
		if s.use < least.use {
			least = s
		}
	}
	l.seen = append(l.seen, sighting{at, use})
	grown := use - least.use
	if grown <= l.noise() {
		return 0
	}
	l.grew = at
	span := max(at-least.at, FastLook)
	return int64(float64(grown) / span.Seconds())
}

func (l *Law) noise() int64 { return max(batch, l.goal.Limit/400) }

// interval is short enough that even the fastest service takes only a share of the
// headroom until the next look.
func interval(headroom int64) time.Duration {
	d := time.Duration(float64(headroom) / float64(share*worstSpeed) * float64(time.Second))
	return min(max(d, FastLook), SlowLook)
}

// spare is how long the headroom lasts; an hour stands for ever.
func spare(headroom, speed int64) time.Duration {
	if speed <= 0 {
		return time.Hour
	}
	return min(time.Hour, time.Duration(float64(max(0, headroom))/float64(speed)*float64(time.Second)))
}

// wanted is what to hold before any bound: what the service leaves of the set-point,
// and less when it would be at the reserve before the next look has had its effect.
func (l *Law) wanted(k Look, set, use, speed int64, next time.Duration) int64 {
	want := set - use
	if l.goal.Expected {
		return want
	}
	far := 2*next + letGo
	if spare(l.goal.Limit-k.WorkingSet, speed) < urgent {
		far += urgentAhead
	}
	ahead := int64(float64(speed) * far.Seconds())
	ceiling := l.goal.Limit - l.goal.Reserve
	want = min(want, ceiling-use-ahead)
	if k.Starved {
		want = min(want, k.Held/2)
	}
	return want
}

// bounded keeps steps small, and grows only towards a service that is quiet.
func (l *Law) bounded(k Look, want int64) int64 {
	want = min(max(want, 0), l.goal.Most) / page * page
	step := want - k.Held
	if step <= 0 {
		if -step < l.slack() && want > 0 {
			return k.Held
		}
		return want
	}
	if step < l.slack() || l.restless(k.At) {
		return k.Held
	}
	return k.Held + min(step, l.mostGrowth(k))
}

// slack is the dead band: adjusting for less would only burn CPU.
func (l *Law) slack() int64 { return max(page, l.goal.Limit/1000/page*page) }

func (l *Law) restless(at time.Duration) bool {
	return !l.goal.Expected && at-l.grew < quiet
}

// mostGrowth is half of what lies below the ceiling, so that a wrong look cannot
// overshoot, and within reason of one step.
func (l *Law) mostGrowth(k Look) int64 {
	if l.goal.Expected {
		return atOnce
	}
	room := l.goal.Limit - l.goal.Reserve - k.WorkingSet
	return min(atOnce, max(room/2, 16*page)) / page * page
}

func (l *Law) state(k Look, d Decision, use int64) State {
	near := abs(d.Error) <= l.Tolerance()
	over := use > d.SetPoint+l.Tolerance()
	gaveWay := d.Hold < k.Held && d.Growth > 0 && !l.goal.Expected
	switch {
	case gaveWay || over || k.Starved:
		l.gave = true
		return Yielding
	case k.At < l.goal.Ramp:
		l.gave = l.gave && !near
		return pick(l.gave, Yielding, Ramping)
	case near:
		l.gave = false
		return Holding
	}
	return pick(l.gave, Yielding, Ramping)
}

func pick(first bool, a, b State) State {
	if first {
		return a
	}
	return b
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
