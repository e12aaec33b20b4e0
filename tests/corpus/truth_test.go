package corpus

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheGoroutinesOfASurgeEndWhenTheProgramSays(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"healthy":              0,
		"drain-in-time":        4500 * time.Millisecond,
		"drain-straddles":      5 * time.Second,
		"slow-drain":           8 * time.Second,
		"recover-then-relapse": 8 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, name)
			before := p.sample().Goroutines
			p.injected()
			if got := p.sample().Goroutines - before; got < surge {
				t.Errorf("the runtime has %d goroutines more, the surge is %d", got, surge)
			}
			p.release()
			if name == "recover-then-relapse" {
				time.Sleep(time.Second) // into the relapse
			}
			if got := p.recovery(); got < want || got > want+500*time.Millisecond {
				t.Errorf("the last goroutine ended %v after the release, want %v", got, want)
			}
			if !strings.Contains(p.log(), "truth goroutines_ended_unix_ns=") {
				t.Errorf("stderr does not tell the end: %s", p.log())
			}
			if after := p.sample().Goroutines; after > before+2 {
				t.Errorf("%d goroutines after, %d before", after, before)
			}
		})
	}
}

func TestLeakedGoroutinesStay(t *testing.T) {
	t.Parallel()
	p := start(t, "goroutine-leak")
	before := p.sample().Goroutines
	p.injected()
	p.release()
	p.eventually("the agent's belief that they ended", func() bool { return p.sample().Held.Goroutines == 0 })
	if after := p.sample().Goroutines; after < before+surge {
		t.Errorf("%d goroutines after, %d before: the surge of %d has ended", after, before, surge)
	}
}

// inUse is the live heap after a forced collection.
func (p *process) inUse() float64 {
	p.t.Helper()
	p.get("/debug/pprof/heap?gc=1", nil)
	return p.sample().Metrics["/gc/heap/live:bytes"]
}

func TestTheHeapComesBackUnlessTheProgramRetainsIt(t *testing.T) {
	for name, returns := range map[string]bool{"healthy": true, "wrong-site": true, "gc-off": true, "retained-heap": false, "background-leak": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, name)
			before := p.inUse()
			p.injected()
			if grown := p.inUse() - before; grown < fill {
				t.Errorf("the heap grew by %.0f bytes, the fill is %d", grown, fill)
			}
			p.release()
			p.eventually("the release", func() bool { return p.sample().Held.HeapBytes == 0 })
			time.Sleep(time.Second)
			if left := p.inUse() - before; (left < 1<<20) != returns {
				t.Errorf("%.0f bytes are left", left)
			}
		})
	}
}

func TestAllocationsShowAtTheDeclaredPointUnlessTheSiteIsWrong(t *testing.T) {
	for name, want := range map[string]string{"healthy": "main.(*Cache).Fill", "retained-heap": "main.(*Cache).Fill", "wrong-site": "main.load"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, name)
			p.injected()
			p.get("/debug/pprof/heap?gc=1", nil)
			_, text, err := p.do("GET", "/debug/pprof/heap?debug=1", "")
			if err != nil {
				t.Fatal(err)
			}
			for _, site := range []string{"main.(*Cache).Fill", "main.load"} {
				if strings.Contains(string(text), site+"+") != (site == want) {
					t.Errorf("%s in the profile: %v, want the allocations at %s", site, site != want, want)
				}
			}
		})
	}
}

func TestTheHeapProfileIsOff(t *testing.T) {
	t.Parallel()
	p := start(t, "heap-profile-off")
	p.injected()
	_, text, err := p.do("GET", "/debug/pprof/heap?gc=1&debug=1", "")
	if err != nil || !strings.Contains(strings.SplitN(string(text), "\n", 2)[0], "@ heap/0") {
		t.Errorf("the profile's first line does not say heap/0: %.100s %v", text, err)
	}
}

func TestTheLimiterGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes whole CPUs for seconds")
	}
	p := start(t, "limiter-thrash")
	p.injected()
	begin := time.Now()
	p.eventually("the limiter", func() bool { return p.sample().Metrics["/gc/limiter/last-enabled:gc-cycle"] > 0 })
	t.Logf("the limiter is on after %v", time.Since(begin))
}

func TestTheCollectorIsOff(t *testing.T) {
	t.Parallel()
	p := start(t, "gc-off")
	p.injected()
	m := p.sample().Metrics
	if m["/gc/gogc:percent"] < 1<<63 || m["/gc/cycles/automatic:gc-cycles"] > 0 {
		t.Errorf("GOGC is %v after %v cycles", m["/gc/gogc:percent"], m["/gc/cycles/automatic:gc-cycles"])
	}
}

func TestItDies(t *testing.T) {
	t.Parallel()
	p := start(t, "dies")
	p.injected()
	err := <-p.ended
	p.ended <- err // for stop
	if err == nil || !strings.Contains(p.log(), "panic: the defect of this program") {
		t.Errorf("ended with %v: %s", err, p.log())
	}
}

func TestItHangsButItsDeadManWorks(t *testing.T) {
	t.Parallel()
	p := start(t, "hangs")
	p.act("POST", "/lease", `{"run":"test","ttl_ms":4000,"deadline_ms":60000}`)
	p.act("POST", "/goroutines", `{"run":"test","count":10,"point":"main.(*Pool).Start"}`)
	time.Sleep(2200 * time.Millisecond)
	if status, _, err := p.do("GET", "/healthz", ""); err == nil {
		t.Errorf("it answers %d", status)
	}
	p.eventually("the end of the surge", func() bool { return strings.Contains(p.log(), "truth goroutines_ended") })
}

func TestTheLiarClaimsWhatItNeverMade(t *testing.T) {
	t.Parallel()
	p := start(t, "lying-agent")
	before := p.sample().Goroutines
	p.injected()
	if s, r := p.sample(), p.truth(); s.Goroutines > before+2 || r.Peak != 0 || r.HeldBytes != 0 {
		t.Errorf("it did something: %d goroutines, truth %+v", s.Goroutines, r)
	}
	p.release()
	if held := p.sample().Held; held.Goroutines != 0 || held.HeapBytes != 0 {
		t.Errorf("it still claims %+v", held)
	}
}

func TestTheBaselineSwings(t *testing.T) {
	t.Parallel()
	p := start(t, "noisy-baseline")
	low, high := int64(1<<62), int64(0)
	for range 50 {
		n := p.sample().Goroutines
		low, high = min(low, n), max(high, n)
		time.Sleep(50 * time.Millisecond)
	}
	if high-low < 150 {
		t.Errorf("the count swings from %d to %d only", low, high)
	}
}

func TestItIsNeverReady(t *testing.T) {
	t.Parallel()
	if status, _, err := start(t, "never-ready").do("GET", "/readyz", ""); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("/readyz is %d %v", status, err)
	}
}

func TestEveryDebugAnswerIs500(t *testing.T) {
	t.Parallel()
	p := start(t, "http-500")
	for _, path := range []string{"/debug/pprof/heap", "/debug/chaosmem/v1/sample"} {
		if status, _, err := p.do("GET", path, ""); err != nil || status != http.StatusInternalServerError {
			t.Errorf("%s is %d %v", path, status, err)
		}
	}
	p.get("/readyz", nil)
}

func TestAnswersAreSlow(t *testing.T) {
	t.Parallel()
	p := start(t, "slow-answers")
	p.inject()
	time.Sleep(1100 * time.Millisecond)
	begin := time.Now()
	p.sample()
	if took := time.Since(begin); took < 1500*time.Millisecond {
		t.Errorf("the answer took %v", took)
	}
}

func TestAnswersAreCutShort(t *testing.T) {
	t.Parallel()
	p := start(t, "truncated-answer")
	p.inject()
	p.eventually("a cut answer", func() bool {
		_, _, err := p.do("GET", "/debug/chaosmem/v1/sample", "")
		return err != nil && strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error())
	})
}

func TestTheAnswerIsGigantic(t *testing.T) {
	t.Parallel()
	p := start(t, "gigantic-answer")
	p.client.Timeout = 30 * time.Second
	p.inject()
	p.eventually("a gigantic answer", func() bool {
		r, _ := http.NewRequest("GET", p.base+"/debug/chaosmem/v1/sample", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		n, err := io.Copy(io.Discard, answer.Body)
		return err == nil && n > 300<<20
	})
}
