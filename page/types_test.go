package page_test

import (
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"time"
)

// Data types of testdata/page-contexts.json, from its README.

type Kind string               // a named string
type Level int                 // a named number that prints itself
func (l Level) String() string { return "<level " + strconv.Itoa(int(l)) + ">" }

type Money struct{ Cents int }

func (m Money) String() string { return fmt.Sprintf("%d.%02d & up", m.Cents/100, m.Cents%100) }

type Problem struct{ Msg string }

func (p Problem) Error() string { return "<" + p.Msg + ">" }

type Person struct {
	Name string
	Age  int
	Home *Person
	//lint:ignore U1000 an unexported field of the vectors' fixture
	note string
}

func (p Person) Greeting() string       { return "Hi " + p.Name }
func (p *Person) Shout(s string) string { return s + "!" }
func (p Person) Checked() (string, error) {
	if p.Age < 0 {
		return "", errors.New("age")
	}
	return "ok", nil
}
func (p Person) Pair() (string, string) { return p.Name, p.Name }

type Data struct {
	S, S2, S3 string
	On, Off   bool
	I         int
	I8        int8
	U         uint64
	F         float64
	F32       float32
	T         time.Time
	D         time.Duration
	P, Nil    *Person
	Who       Person
	L         []string
	LI        []int
	LB        []byte
	People    []Person
	PP        []*Person
	Grid      [][]string
	A         [3]int
	M         map[string]string
	MI        map[string]int
	MP        map[string]Person
	IM        map[int]string
	K         Kind
	Lv        Level
	Mo        Money
	Pr        Problem
	R         rune
	SP        *string
	//lint:ignore U1000 an unexported field of the vectors' fixture
	hidden string
}
type DataHTML struct{ S template.HTML } // html/template
type DataJS struct{ S template.JS }
type DataURL struct{ S template.URL }
type DataAttr struct{ S template.HTMLAttr }
type DataNested struct {
	Rows []struct{ Body template.HTML }
}
type DataAny struct{ S any }
type DataFunc struct{ S func() string }
type DataChan struct{ S chan string }
