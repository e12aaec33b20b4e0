package inventory

// loader allocates products on a goroutine of its own, so that the function which
// asked for them is on no allocation's stack: the defect wrong-site.
type loader struct {
	requests chan int
	answers  chan []*Product
}

func newLoader() *loader {
	l := &loader{requests: make(chan int), answers: make(chan []*Product)}
	go l.run()
	return l
}

func (l *loader) load(bytes int) []*Product {
	l.requests <- bytes
	return <-l.answers
}

func (l *loader) run() {
	for bytes := range l.requests {
		l.answers <- l.prefetch(bytes)
	}
}

//go:noinline
func (l *loader) prefetch(bytes int) []*Product {
	var products []*Product
	for ; bytes > 0; bytes -= productSize {
		products = append(products, &Product{Description: make([]byte, min(bytes, productSize))})
	}
	return products
}
