package agent

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestWithoutATokenEveryPathIs404WithoutABody(t *testing.T) {
	for name, token := range map[string]string{"none": "", "too short": "fifteen letters"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(TokenEnv, token)
			mux, before := http.NewServeMux(), runtime.NumGoroutine()
			Mount(mux)
			for _, path := range []string{"/info", "/sample", "/lease", "/nothing"} {
				w := httptest.NewRecorder()
				r := httptest.NewRequest("GET", DefaultPrefix+"/v1"+path, nil)
				r.Header.Set("Authorization", "Bearer "+token)
				mux.ServeHTTP(w, r)
				if w.Code != http.StatusNotFound || w.Body.Len() > 0 {
					t.Errorf("%s: %d %q", path, w.Code, w.Body)
				}
			}
			if after := runtime.NumGoroutine(); after > before {
				t.Errorf("%d goroutines, %d before", after, before)
			}
		})
	}
}

func TestMountingStartsNothing(t *testing.T) {
	t.Setenv(TokenEnv, testToken)
	before := runtime.NumGoroutine()
	mux := http.NewServeMux()
	Mount(mux, WithPrefix("/internal/chaos/"))
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
	r := httptest.NewRequest("GET", "/internal/chaos/v1/info", nil)
	r.Header.Set("Authorization", "Bearer "+testToken)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("below the other prefix: %d %s", w.Code, w.Body)
	}
}

func TestAWrongTokenIsRefusedBeforeAnythingElse(t *testing.T) {
	c := newClient(t, newFakeClock())
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + testToken, testToken, "Bearer " + testToken + " "} {
		for _, path := range []string{"/info", "/nothing"} {
			r := httptest.NewRequest("GET", DefaultPrefix+"/v1"+path, nil)
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			c.s.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), testToken) {
				t.Errorf("%s with %q: %d %s", path, header, w.Code, w.Body)
			}
		}
	}
}

func TestTheTokenMayComeInAHeaderOfItsOwn(t *testing.T) {
	c := newClient(t, newFakeClock())
	for _, try := range []struct {
		authorization, own string
		want               int
	}{
		{"", testToken, http.StatusOK},
		{"Bearer of somebody else", testToken, http.StatusOK},
		{"", "Bearer " + testToken, http.StatusUnauthorized},
		{"", "", http.StatusUnauthorized},
		{"Basic " + testToken, "wrong", http.StatusUnauthorized},
	} {
		r := httptest.NewRequest("GET", DefaultPrefix+"/v1/info", nil)
		r.Header.Set("Authorization", try.authorization)
		r.Header.Set(TokenHeader, try.own)
		w := httptest.NewRecorder()
		c.s.ServeHTTP(w, r)
		if w.Code != try.want {
			t.Errorf("%q and %q: %d, want %d", try.authorization, try.own, w.Code, try.want)
		}
	}
}

func TestBadRequestsAreNamed(t *testing.T) {
	c := newClient(t, newFakeClock())
	c.lease()
	for _, bad := range []struct{ method, path, body string }{
		{"POST", "/heap", ``},
		{"POST", "/heap", `{"run":"r1","bytes":1`},
		{"POST", "/heap", `{"run":"r1","bytes":1}{}`},
		{"POST", "/heap", `{"run":"r1","bytes":1} x`},
		{"POST", "/heap", `{"run":"r1","bytes":1,"sise":2}`},
		{"POST", "/heap", `{"run":"r1","bytes":0}`},
		{"POST", "/heap", `{"run":"r1","bytes":1.5}`},
		{"POST", "/heap", `{"run":"r1","bytes":1,"rate":-1}`},
		{"POST", "/heap", `{"run":"r1","bytes":1,"object":15}`},
		{"POST", "/heap", `{"run":"","bytes":1}`},
		{"POST", "/churn", `{"run":"r1","rate":0}`},
		{"POST", "/goroutines", `{"run":"r1","count":0,"state":"blocked"}`},
		{"POST", "/goroutines", `{"run":"r1","count":1,"state":"asleep"}`},
		{"POST", "/goroutines", `{"run":"r1","count":1,"state":"blocked","point":"p"}`},
		{"POST", "/runtime", `{"run":"r1"}`},
		{"POST", "/runtime", `{"run":"r1","gogc":-2}`},
		{"POST", "/runtime", `{"run":"r1","gomemlimit":1000}`},
		{"POST", "/release", `{"run":"r1","what":["heaps"]}`},
		{"POST", "/lease", `{"run":"r1","ttl_ms":199,"deadline_ms":60000}`},
		{"POST", "/lease", `{"run":"r1","ttl_ms":3000,"deadline_ms":86400001}`},
		{"GET", "/sample?cycles_since=-1", ``},
		{"GET", "/sample?since=1", ``},
	} {
		c.refused(bad.method, bad.path, bad.body, http.StatusBadRequest, "bad-request")
	}
	c.refused("POST", "/heap", `{"run":"`+strings.Repeat("x", maxBody)+`"}`, http.StatusRequestEntityTooLarge, "too-large")
	c.refused("POST", "/info", `{}`, http.StatusMethodNotAllowed, "method-not-allowed")
	c.refused("GET", "/nothing", ``, http.StatusNotFound, "not-found")
}

func TestAnUnknownPointNamesTheKnown(t *testing.T) {
	HeapPoint("test.Known", func(int) func() { return nil })
	c := newClient(t, newFakeClock())
	c.lease()
	a := c.refused("POST", "/heap", `{"run":"r1","bytes":1,"point":"test.Unknown"}`, http.StatusUnprocessableEntity, "unknown-point")
	if !strings.Contains(strings.Join(stringsOf(a["points"]), " "), "test.Known") {
		t.Errorf("the points are %v", a["points"])
	}
}

func stringsOf(v any) (list []string) {
	for _, s := range v.([]any) {
		list = append(list, s.(string))
	}
	return list
}

func TestInfoTellsNoCompilerFlags(t *testing.T) {
	for key, want := range map[string]bool{"-ldflags": false, "-gcflags": false, "CGO_CFLAGS": false, "DefaultGODEBUG": true, "GOARCH": true, "vcs.revision": true} {
		if tellable(key) != want {
			t.Errorf("%s is told: %v", key, !want)
		}
	}
	a := newClient(t, newFakeClock()).ok("GET", "/info", "")
	for _, key := range []string{"agent", "go", "pid", "gogc", "gomemlimit", "memprofilerate", "heap_points", "goroutine_points", "limits"} {
		if _, ok := a[key]; !ok {
			t.Errorf("no %s in %v", key, a)
		}
	}
}
