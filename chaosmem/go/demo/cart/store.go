// Package cart is the demo's shopping carts.
package cart

import (
	"container/list"
	"sync"
)

// Item is so many of one product.
type Item struct {
	SKU string `json:"sku"`
	Qty int    `json:"qty"`
}

// Cart is one customer's cart.
type Cart struct {
	ID    string `json:"id"`
	Items []Item `json:"items"`
}

// Store keeps the most recently made carts in memory.
type Store struct {
	mu    sync.Mutex
	limit int
	byID  map[string]*list.Element
	order *list.List // of *Cart, oldest first
}

// NewStore makes a store of at most limit carts; the oldest make room.
func NewStore(limit int) *Store {
	return &Store{limit: limit, byID: map[string]*list.Element{}, order: list.New()}
}

// Get returns a copy of the cart; one that was never used is empty.
func (s *Store) Get(id string) Cart {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Cart{ID: id, Items: []Item{}}
	if e, ok := s.byID[id]; ok {
		c.Items = append(c.Items, e.Value.(*Cart).Items...)
	}
	return c
}

// Add puts an item into the cart, which it makes when it is new.
func (s *Store) Add(id string, item Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byID[id]
	if !ok {
		e = s.order.PushBack(&Cart{ID: id})
		s.byID[id] = e
		s.evict()
	}
	c := e.Value.(*Cart)
	for i := range c.Items {
		if c.Items[i].SKU == item.SKU {
			c.Items[i].Qty += item.Qty
			return
		}
	}
	c.Items = append(c.Items, item)
}

func (s *Store) evict() {
	for s.order.Len() > s.limit {
		delete(s.byID, s.order.Remove(s.order.Front()).(*Cart).ID)
	}
}

// Take removes the cart and returns it.
func (s *Store) Take(id string) (Cart, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byID[id]
	if !ok {
		return Cart{}, false
	}
	delete(s.byID, id)
	return *s.order.Remove(e).(*Cart), true
}

// Len is how many carts there are.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len()
}
