package agent

import (
	"sort"
	"sync"
)

// A FillFunc allocates about so many bytes at a function of the application and
// keeps them until free is called. The agent may call it many times.
type FillFunc = func(bytes int) (free func())

// A StartFunc starts n goroutines of the application; stop ends them. The agent
// may call it many times, and takes the return of stop for their end.
type StartFunc = func(n int) (stop func())

// registry holds the injection points that the application has declared.
type registry struct {
	mu         sync.Mutex
	heap       map[string]FillFunc
	goroutines map[string]StartFunc
}

var points = registry{heap: map[string]FillFunc{}, goroutines: map[string]StartFunc{}}

// HeapPoint declares where heap pressure can be made to appear. The name should be
// the function that profiles will show. A second registration replaces the first.
// It panics without a name or a function.
func HeapPoint(name string, fill FillFunc) {
	if name == "" || fill == nil {
		panic("agent: HeapPoint needs a name and a function")
	}
	points.mu.Lock()
	defer points.mu.Unlock()
	points.heap[name] = fill
}

// GoroutinePoint declares where a goroutine surge can be made to appear.
// It panics without a name or a function.
func GoroutinePoint(name string, start StartFunc) {
	if name == "" || start == nil {
		panic("agent: GoroutinePoint needs a name and a function")
	}
	points.mu.Lock()
	defer points.mu.Unlock()
	points.goroutines[name] = start
}

func (r *registry) names() (heap, goroutines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sortedNames(r.heap), sortedNames(r.goroutines)
}

func (r *registry) fill(name string) (FillFunc, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.heap[name]; ok {
		return f, nil
	}
	return nil, unknownPoint("heap", name, sortedNames(r.heap))
}

func (r *registry) start(name string) (StartFunc, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.goroutines[name]; ok {
		return f, nil
	}
	return nil, unknownPoint("goroutine", name, sortedNames(r.goroutines))
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
