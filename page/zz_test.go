package page_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

func TestZZ(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("ZZ"))
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	r := rand.New(rand.NewPCG(uint64(seed), 9))
	st := 0
	for range n {
		if randomPage(t, r) {
			st++
		}
	}
	t.Log(st, n)
}
