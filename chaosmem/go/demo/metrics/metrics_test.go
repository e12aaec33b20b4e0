package metrics

import (
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestTheWriterEscapesAndFormatsAsTheFormatSays(t *testing.T) {
	var b strings.Builder
	w := NewWriter(&b)
	w.Family("x_total", "counter", "a \\ and a\nline")
	w.Sample("", 1, "path", "a\"b\\c\nd", "code", "200")
	w.Sample("", math.Inf(1))
	w.Sample("", 9223372036854775807)
	want := `# HELP x_total a \\ and a\nline
# TYPE x_total counter
x_total{path="a\"b\\c\nd",code="200"} 1
x_total +Inf
x_total 9.223372036854776e+18
`
	if b.String() != want || w.Err() != nil {
		t.Errorf("%v\n%s", w.Err(), b.String())
	}
}

// defaults are the names that a user of client_golang's default registry expects.
var defaults = strings.Fields(`go_gc_duration_seconds go_gc_gogc_percent go_gc_gomemlimit_bytes go_goroutines go_info
go_memstats_alloc_bytes go_memstats_alloc_bytes_total go_memstats_buck_hash_sys_bytes go_memstats_frees_total
go_memstats_gc_sys_bytes go_memstats_heap_alloc_bytes go_memstats_heap_idle_bytes go_memstats_heap_inuse_bytes
go_memstats_heap_objects go_memstats_heap_released_bytes go_memstats_heap_sys_bytes go_memstats_last_gc_time_seconds
go_memstats_mallocs_total go_memstats_mcache_inuse_bytes go_memstats_mcache_sys_bytes go_memstats_mspan_inuse_bytes
go_memstats_mspan_sys_bytes go_memstats_next_gc_bytes go_memstats_other_sys_bytes go_memstats_stack_inuse_bytes
go_memstats_stack_sys_bytes go_memstats_sys_bytes go_sched_gomaxprocs_threads go_threads`)

func TestTheNamesAreClientGolangs(t *testing.T) {
	var b strings.Builder
	WriteGo(NewWriter(&b))
	families := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(b.String(), -1) {
		families[m[1]] = true
	}
	for _, name := range defaults {
		if !families[name] {
			t.Errorf("no %s", name)
		}
		delete(families, name)
	}
	if len(families) > 0 {
		t.Errorf("beyond client_golang's: %v", families)
	}
}

func TestEveryLineIsOfTheFormat(t *testing.T) {
	var b strings.Builder
	w := NewWriter(&b)
	WriteGo(w)
	WriteProcess(w)
	line := regexp.MustCompile(`^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+0-9.e]+)$`)
	for _, l := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if !line.MatchString(l) {
			t.Errorf("not a line of the format: %q", l)
		}
	}
}

func TestRequestsAreCountedByTheirPattern(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cart/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	q := NewRequests()
	h := q.Wrap(mux)
	for _, path := range []string{"/cart/1", "/cart/2", "/nowhere"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	var b strings.Builder
	q.Write(NewWriter(&b))
	for _, want := range []string{
		`demo_http_requests_total{method="GET",route="GET /cart/{id}",code="418"} 2`,
		`demo_http_requests_total{method="GET",route="none",code="404"} 1`,
		`demo_http_request_duration_seconds_bucket{route="GET /cart/{id}",le="+Inf"} 2`,
		`demo_http_request_duration_seconds_count{route="GET /cart/{id}"} 2`,
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

func TestTheBucketsAreCumulative(t *testing.T) {
	q := NewRequests()
	for _, seconds := range []float64{0.0005, 0.0006, 0.3, 99} {
		q.observe(requestKey{"GET", "r", 200}, seconds)
	}
	var b strings.Builder
	q.Write(NewWriter(&b))
	for le, want := range map[string]string{"0.0005": "1", "0.001": "2", "0.5": "3", "2.5": "3", "+Inf": "4"} {
		if !strings.Contains(b.String(), `route="r",le="`+le+`"} `+want+"\n") {
			t.Errorf("le %s is not %s:\n%s", le, want, b.String())
		}
	}
}
