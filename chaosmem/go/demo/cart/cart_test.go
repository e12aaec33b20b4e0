package cart

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"chaosmem/demo/inventory"
)

func TestTheStoreDropsTheOldestCart(t *testing.T) {
	s := NewStore(2)
	for _, id := range []string{"a", "b", "a", "c"} {
		s.Add(id, Item{SKU: "x", Qty: 1})
	}
	if s.Len() != 2 || len(s.Get("a").Items) != 0 || len(s.Get("c").Items) != 1 {
		t.Errorf("%d carts, a %v, c %v", s.Len(), s.Get("a"), s.Get("c"))
	}
}

func TestACartIsFilledShownAndCheckedOut(t *testing.T) {
	mux := http.NewServeMux()
	s := &Service{Store: NewStore(10), Cache: inventory.NewCache(1<<20, inventory.CacheDefects{}), Pool: inventory.NewPool(1, inventory.PoolDefects{})}
	s.Routes(mux)
	price := s.Cache.Get("tea").Price
	total := func(n int64) string { return fmt.Sprintf(`"total_cents":%d}`, n*price) }
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/cart/7", "", 200, `{"id":"7","items":[],"total_cents":0}`},
		{"POST", "/cart/7/items", `{"sku":"tea","qty":2}`, 201, total(2)},
		{"POST", "/cart/7/items", `{"sku":"tea","qty":3}`, 201, total(5)},
		{"POST", "/cart/7/items", `{"sku":"tea"}`, 422, ""},
		{"POST", "/cart/7/items", `{`, 400, ""},
		{"GET", "/cart/7", "", 200, total(5)},
		{"POST", "/checkout/7", "", 200, total(5)},
		{"POST", "/checkout/7", "", 404, ""},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(step.method, step.path, strings.NewReader(step.body)))
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, w.Code, w.Body, step.status, step.want)
		}
	}
}
