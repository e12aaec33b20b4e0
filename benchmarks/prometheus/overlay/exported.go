package harness

import (
	"math"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"time"

	exposition "chaosmem/demo/metrics"
)

// forcedEvery is the runtime's own two minutes (sysmon's forced collection) in the
// benchmark's scale of 60: without it the goal of an idle program would stand still for
// two scaled hours.
const forcedEvery = 2 * time.Second

// init serves client_golang's default metrics on a port of its own, so that a program
// whose defect is its HTTP still tells them, and none of its own paths changes.
func init() {
	address := os.Getenv("RULES_METRICS_ADDR")
	if address == "" {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", exposition.ContentType)
		out := exposition.NewWriter(w)
		exposition.WriteGo(out)
		exposition.WriteProcess(out)
	})
	go func() { _ = http.ListenAndServe(address, mux) }()
	go collect()
}

// collect forces a collection as sysmon does, which does not where GOGC is off.
func collect() {
	gogc := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range time.Tick(forcedEvery) {
		metrics.Read(gogc)
		if gogc[0].Value.Uint64() != math.MaxUint64 {
			runtime.GC()
		}
	}
}
