// Package inventory is the demo's stock: a product cache and the workers that
// reserve products.
package inventory

import (
	"container/list"
	"sync"
)

// productSize is what one cached product takes, its description included.
const productSize = 1024

// Product is one article in stock. Its price is in cents.
type Product struct {
	SKU         string
	Price       int64
	Description []byte
}

// Cache keeps recently used products up to a number of bytes, and, pinned beside
// them, the ones that Fill has warmed it up with.
type Cache struct {
	keepForever bool
	loader      *loader // not nil: warm-up happens on its goroutine

	mu       sync.Mutex
	capacity int64
	bytes    int64
	recent   *list.List // of *Product, most recent first
	bySKU    map[string]*list.Element
	pinned   map[int][]*Product
	fills    int
}

// CacheDefects are known faults that a Cache can be made with.
type CacheDefects struct {
	NeverEvicts bool // neither the capacity nor the end of a warm-up frees anything
	WrongSite   bool // warm-up allocates on the loader's goroutine, not in Fill
}

// NewCache makes a cache of at most capacity bytes.
func NewCache(capacity int64, defects CacheDefects) *Cache {
	c := &Cache{
		keepForever: defects.NeverEvicts,
		capacity:    capacity,
		recent:      list.New(),
		bySKU:       map[string]*list.Element{},
		pinned:      map[int][]*Product{},
	}
	if defects.WrongSite {
		c.loader = newLoader()
	}
	return c
}

// Get returns a product, from the cache or else loaded into it.
func (c *Cache) Get(sku string) *Product {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.bySKU[sku]; ok {
		c.recent.MoveToFront(e)
		return e.Value.(*Product)
	}
	p := load(sku)
	c.bySKU[sku] = c.recent.PushFront(p)
	c.bytes += productSize
	c.evict()
	return p
}

// evict drops the least recently used products beyond the capacity.
func (c *Cache) evict() {
	for c.bytes > c.capacity && !c.keepForever {
		oldest := c.recent.Back()
		delete(c.bySKU, c.recent.Remove(oldest).(*Product).SKU)
		c.bytes -= productSize
	}
}

// load makes up a product, as the demo has no database.
func load(sku string) *Product {
	p := &Product{SKU: sku, Price: 100, Description: make([]byte, productSize)}
	for _, r := range sku {
		p.Price = (p.Price*31 + int64(r)) % 10_000
	}
	copy(p.Description, sku)
	return p
}

// Fill warms the cache up with about so many bytes of products, and keeps them until
// free is called. It is the demo's heap injection point.
//
//go:noinline
func (c *Cache) Fill(bytes int) (free func()) {
	var products []*Product
	if c.loader != nil {
		products = c.loader.load(bytes)
	} else {
		products = make([]*Product, 0, bytes/productSize+1)
		for ; bytes > 0; bytes -= productSize {
			products = append(products, &Product{Description: make([]byte, min(bytes, productSize))})
		}
	}
	return c.pin(products)
}

// pin keeps products until the function it returns is called.
func (c *Cache) pin(products []*Product) (unpin func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fills++
	id := c.fills
	c.pinned[id] = products
	return func() {
		if c.keepForever {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pinned, id)
	}
}

// Bytes is about what the cache holds.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	bytes := c.bytes
	for _, products := range c.pinned {
		bytes += int64(len(products)) * productSize
	}
	return bytes
}
