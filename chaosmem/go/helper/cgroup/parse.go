package cgroup

import (
	"bytes"
	"strconv"
	"strings"
)

// noLimit is where v1 means none: the largest page-aligned int64, on any page size.
const noLimit = 1 << 62

// ParseLimit reads a number of bytes, or `otherwise` for "max" and v1's "none".
func ParseLimit(b []byte, otherwise int64) int64 {
	v, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil || v >= noLimit {
		return otherwise
	}
	return v
}

// Table is a flat-keyed file: `name value` lines.
type Table map[string]int64

// ParseTable leaves lines out that are not `name number`.
func ParseTable(b []byte) Table {
	t := make(Table, 64)
	for _, line := range bytes.Split(b, []byte("\n")) {
		name, value, _ := bytes.Cut(line, []byte(" "))
		if v, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil {
			t[string(name)] = v
		}
	}
	return t
}

func (t Table) get(name string) int64 {
	if v, ok := t[name]; ok {
		return v
	}
	return Unknown
}

// ParsePids reads cgroup.procs. Processes of another PID namespace read as 0.
func ParsePids(b []byte) (pids []int) {
	for _, word := range strings.Fields(string(b)) {
		if pid, err := strconv.Atoi(word); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ParsePressure reads the two lines of a PSI file; nil where they are not there.
func ParsePressure(b []byte) *Pressure {
	p := &Pressure{}
	seen := 0
	for _, line := range strings.Split(string(b), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		avg, total := &p.SomeAvg10, &p.SomeUs
		if words[0] == "full" {
			avg, total = &p.FullAvg10, &p.FullUs
		}
		seen++
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "avg10":
				*avg, _ = strconv.ParseFloat(value, 64)
			case "total":
				*total, _ = strconv.ParseInt(value, 10, 64)
			}
		}
	}
	if seen == 0 {
		return nil
	}
	return p
}
