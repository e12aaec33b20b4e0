// Package metrics writes the Prometheus text exposition format 0.0.4 with nothing
// but the standard library, under the names that client_golang's default registry has.
package metrics

import (
	"io"
	"math"
	"strconv"
	"strings"
)

// ContentType is the text exposition format's.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Writer writes metric families. The first error sticks.
type Writer struct {
	w    io.Writer
	name string
	err  error
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Err is the first error of writing.
func (w *Writer) Err() error { return w.err }

// Family begins a family; its samples follow.
func (w *Writer) Family(name, kind, help string) {
	w.name = name
	help = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)
	w.write("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// Sample writes one sample of the family. The suffix is "", or _sum, _count, _bucket.
// Labels are pairs of name and value.
func (w *Writer) Sample(suffix string, value float64, labels ...string) {
	w.write(w.name + suffix + labelText(labels) + " " + number(value) + "\n")
}

// Single writes a family of one sample without labels.
func (w *Writer) Single(name, kind, help string, value float64) {
	w.Family(name, kind, help)
	w.Sample("", value)
}

func (w *Writer) write(s string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.w, s)
	}
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func labelText(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	pairs := make([]string, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+escapeLabel.Replace(labels[i+1])+`"`)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
