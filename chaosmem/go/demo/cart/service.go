package cart

import (
	"encoding/json"
	"net/http"

	"chaosmem/demo/inventory"
)

const (
	maxBody  = 16 << 10
	maxQty   = 1000
	maxItems = 500
)

// Service answers the cart's HTTP requests.
type Service struct {
	Store  *Store
	Cache  *inventory.Cache
	Pool   *inventory.Pool
	Before func(*http.Request) // called first on each cart request; may be nil
}

// Routes registers the service.
func (s *Service) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /cart/{id}", s.show)
	mux.HandleFunc("POST /cart/{id}/items", s.add)
	mux.HandleFunc("POST /checkout/{id}", s.checkout)
}

type line struct {
	Item
	Price int64 `json:"price_cents"`
}

type priced struct {
	ID    string `json:"id"`
	Lines []line `json:"items"`
	Total int64  `json:"total_cents"`
}

func (s *Service) price(c Cart) priced {
	p := priced{ID: c.ID, Lines: make([]line, 0, len(c.Items))}
	for _, item := range c.Items {
		l := line{Item: item, Price: s.Cache.Get(item.SKU).Price}
		p.Lines = append(p.Lines, l)
		p.Total += l.Price * int64(l.Qty)
	}
	return p
}

func (s *Service) before(r *http.Request) {
	if s.Before != nil {
		s.Before(r)
	}
}

func (s *Service) show(w http.ResponseWriter, r *http.Request) {
	s.before(r)
	writeJSON(w, http.StatusOK, s.price(s.Store.Get(r.PathValue("id"))))
}

func (s *Service) add(w http.ResponseWriter, r *http.Request) {
	s.before(r)
	var item Item
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&item); err != nil {
		http.Error(w, "an item is {\"sku\": STRING, \"qty\": NUMBER}", http.StatusBadRequest)
		return
	}
	id := r.PathValue("id")
	if item.SKU == "" || item.Qty < 1 || item.Qty > maxQty || len(s.Store.Get(id).Items) >= maxItems {
		http.Error(w, "the item has no sku, or there are too few or too many", http.StatusUnprocessableEntity)
		return
	}
	s.Store.Add(id, item)
	writeJSON(w, http.StatusCreated, s.price(s.Store.Get(id)))
}

// checkout reserves and prices the cart on a worker.
func (s *Service) checkout(w http.ResponseWriter, r *http.Request) {
	s.before(r)
	c, ok := s.Store.Take(r.PathValue("id"))
	if !ok {
		http.Error(w, "no such cart", http.StatusNotFound)
		return
	}
	var receipt priced
	if err := s.Pool.Do(r.Context(), func() { receipt = s.price(c) }); err != nil {
		return // the client has gone
	}
	writeJSON(w, http.StatusOK, receipt)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
