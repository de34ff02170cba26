package page

import (
	"reflect"
	"unsafe"
)

// integer returns how to load a signed whole number, nil for other kinds.
func integer(t reflect.Type) func(p unsafe.Pointer) int64 {
	switch t.Kind() {
	case reflect.Int:
		return func(p unsafe.Pointer) int64 { return int64(*(*int)(p)) }
	case reflect.Int8:
		return func(p unsafe.Pointer) int64 { return int64(*(*int8)(p)) }
	case reflect.Int16:
		return func(p unsafe.Pointer) int64 { return int64(*(*int16)(p)) }
	case reflect.Int32:
		return func(p unsafe.Pointer) int64 { return int64(*(*int32)(p)) }
	case reflect.Int64:
		return func(p unsafe.Pointer) int64 { return *(*int64)(p) }
	}
	return nil
}

// unsigned returns how to load an unsigned whole number, nil for other kinds.
func unsigned(t reflect.Type) func(p unsafe.Pointer) uint64 {
	switch t.Kind() {
	case reflect.Uint:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint)(p)) }
	case reflect.Uint8:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint8)(p)) }
	case reflect.Uint16:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint16)(p)) }
	case reflect.Uint32:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint32)(p)) }
	case reflect.Uint64:
		return func(p unsafe.Pointer) uint64 { return *(*uint64)(p) }
	case reflect.Uintptr:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uintptr)(p)) }
	}
	return nil
}

// floating returns how to load a float, with its size in bits, nil for other kinds.
func floating(t reflect.Type) (load func(p unsafe.Pointer) float64, bits int) {
	switch t.Kind() {
	case reflect.Float32:
		return func(p unsafe.Pointer) float64 { return float64(*(*float32)(p)) }, 32
	case reflect.Float64:
		return func(p unsafe.Pointer) float64 { return *(*float64)(p) }, 64
	}
	return nil, 0
}

// storer returns how to store a whole number that the type can hold.
func storer(t reflect.Type) func(p unsafe.Pointer, n int64) {
	switch t.Size() {
	case 1:
		return func(p unsafe.Pointer, n int64) { *(*int8)(p) = int8(n) }
	case 2:
		return func(p unsafe.Pointer, n int64) { *(*int16)(p) = int16(n) }
	case 4:
		return func(p unsafe.Pointer, n int64) { *(*int32)(p) = int32(n) }
	}
	return func(p unsafe.Pointer, n int64) { *(*int64)(p) = n }
}

// class sorts types as text/template compares them.
type class uint8

const (
	otherClass class = iota
	boolClass
	intClass
	uintClass
	floatClass
	stringClass
)

func classOf(t reflect.Type) class {
	if t == nil {
		return otherClass
	}
	switch t.Kind() {
	case reflect.Bool:
		return boolClass
	case reflect.String:
		return stringClass
	case reflect.Float32, reflect.Float64:
		return floatClass
	}
	if integer(t) != nil {
		return intClass
	}
	if unsigned(t) != nil {
		return uintClass
	}
	return otherClass
}

func isNumber(t reflect.Type) bool {
	k := classOf(t)
	return k == intClass || k == uintClass || k == floatClass
}
