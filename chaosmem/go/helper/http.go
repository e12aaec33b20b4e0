//go:build linux

package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxBody     = 64 << 10
	prefix      = "/v" + protocolVersion
	tokenEnv    = "CHAOSMEM_HELPER_TOKEN"
	tokenHeader = "Chaosmem-Token"
	minToken    = 16
)

type handler func(w http.ResponseWriter, r *http.Request) error

// server answers the protocol. It routes by itself, as the agent does.
type server struct {
	token  [sha256.Size]byte
	routes map[string]map[string]handler // path, method
}

func newServer(h *helper, token string) *server {
	return &server{token: sha256.Sum256([]byte(token)), routes: map[string]map[string]handler{
		"/info":    {"GET": answer(h.info)},
		"/sample":  {"GET": answer(h.sample)},
		"/lease":   {"POST": body(func(q *leaseRequest) (any, error) { return h.renew(q) }), "DELETE": body(h.drop)},
		"/memory":  {"POST": body(h.memory)},
		"/release": {"POST": body(h.release)},
	}}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		writeError(w, err)
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) error {
	if !s.authorized(r) {
		return fail(http.StatusUnauthorized, "unauthorized", "no token or a wrong one: send Authorization: Bearer, or %s, with the value of %s", tokenHeader, tokenEnv)
	}
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	methods := s.routes[path]
	if !ok || methods == nil {
		return fail(http.StatusNotFound, "not-found", "no path %s: the protocol is below %s", r.URL.Path, prefix)
	}
	h := methods[r.Method]
	if h == nil {
		w.Header().Set("Allow", strings.Join(sortedNames(methods), ", "))
		return fail(http.StatusMethodNotAllowed, "method-not-allowed", "%s %s: use %s", r.Method, path, strings.Join(sortedNames(methods), " or "))
	}
	return h(w, r)
}

// authorized takes the token from either header: what stands between may use
// Authorization for itself.
func (s *server) authorized(r *http.Request) bool {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && s.isToken(bearer) || s.isToken(r.Header.Get(tokenHeader))
}

// isToken compares digests, so that not even the token's length can be timed.
func (s *server) isToken(given string) bool {
	digest := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(digest[:], s.token[:]) == 1
}

func answer(f func() any) handler {
	return func(w http.ResponseWriter, _ *http.Request) error { return encode(w, f()) }
}

// body decodes the request strictly and encodes the answer.
func body[Q any](f func(*Q) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := new(Q)
		if err := decode(http.MaxBytesReader(w, r.Body, maxBody), q); err != nil {
			return err
		}
		a, err := f(q)
		if err != nil {
			return err
		}
		return encode(w, a)
	}
}

func decode(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		_, err = d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("something follows the object")
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fail(http.StatusRequestEntityTooLarge, "too-large", "the body is over %d bytes", maxBody)
	}
	return badRequest("the body is not the JSON object of this path: %v", err)
}

func encode(w http.ResponseWriter, a any) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, b)
	return nil
}

var jsonType = []string{"application/json"}

// writeJSON sets the length, so that a cut answer cannot be taken for a whole one.
func writeJSON(w http.ResponseWriter, status int, b []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func writeError(w http.ResponseWriter, err error) {
	var api *apiError
	if !errors.As(err, &api) {
		log.Printf("chaosmem helper: %v", err)
		api = fail(http.StatusInternalServerError, "internal", "%v", err)
	}
	b, _ := json.Marshal(api)
	writeJSON(w, api.status, b)
}

func sortedNames(methods map[string]handler) []string {
	names := make([]string, 0, len(methods))
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
