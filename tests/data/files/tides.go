package tides

import "os"

// Read opens a table.
func Read(name string) ([]byte, error) {
	return os.ReadFile(name)
}

func (t *Table) High() float64 {
	return t.max
}
