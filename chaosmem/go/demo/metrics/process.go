package metrics

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// userHz is the unit of CPU time in /proc, 100 on every Linux that Go runs on.
const userHz = 100

// Indices into the fields of /proc/self/stat that follow the command's name.
const (
	statUtime  = 11
	statStime  = 12
	statStart  = 19
	statVsize  = 20
	statRss    = 21
	statFields = 22
)

// WriteProcess writes the process_* families of client_golang's process collector
// that /proc has. Elsewhere than on Linux it writes nothing.
func WriteProcess(w *Writer) {
	stat, ok := readStat()
	if !ok {
		return
	}
	w.Single("process_cpu_seconds_total", counter, "Total user and system CPU time spent in seconds.", (stat[statUtime]+stat[statStime])/userHz)
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		w.Single("process_open_fds", gauge, "Number of open file descriptors.", float64(len(entries)))
	}
	if limit, ok := maxFDs(); ok {
		w.Single("process_max_fds", gauge, "Maximum number of open file descriptors.", limit)
	}
	w.Single("process_resident_memory_bytes", gauge, "Resident memory size in bytes.", stat[statRss]*float64(os.Getpagesize()))
	w.Single("process_virtual_memory_bytes", gauge, "Virtual memory size in bytes.", stat[statVsize])
	if boot, ok := bootTime(); ok {
		w.Single("process_start_time_seconds", gauge, "Start time of the process since unix epoch in seconds.", boot+stat[statStart]/userHz)
	}
}

func readStat() ([]float64, bool) {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return nil, false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < statFields {
		return nil, false
	}
	values := make([]float64, len(fields))
	for i, field := range fields {
		values[i], _ = strconv.ParseFloat(field, 64) // the first is a letter
	}
	return values, true
}

func bootTime() (float64, bool) { return field("/proc/stat", "btime", 1) }

func maxFDs() (float64, bool) { return field("/proc/self/limits", "Max open files", 3) }

// field is the number in that column of the line which begins so.
func field(path, prefix string, column int) (float64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, prefix) && len(fields) > column {
			value, err := strconv.ParseFloat(fields[column], 64)
			return value, err == nil
		}
	}
	return 0, false
}
